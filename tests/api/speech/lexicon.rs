//! Lexicons: the operator's, the app's, a merchant's, each above the one before; and what is refused.

use serde_json::{Value, json};

use super::said;
use crate::support::TestServer;

const PATH: &str = "/v1/lexicon";

fn entries(list: &Value) -> Value {
    json!({"lang": "zh-CN", "entries": list})
}

#[tokio::test]
async fn a_word_is_said_as_the_nearest_lexicon_has_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("words.toml");
    std::fs::write(
        &file,
        "[[zh-CN]]\nword = \"7-Eleven\"\nsaid = \"七十一\"\n[[zh-CN]]\nword = \"KFC\"\nsaid = \"肯德基\"\n",
    )
    .unwrap();
    let changes = format!("[speech]\nlexicon = \"{}\"\n", file.display());
    let server = TestServer::start_in(folder, &changes).await;
    let phrases = json!({"lang": "zh-CN", "phrases": ["{{ merchant|shop }}有单", "有单"]});
    server.done("PUT", "/v1/templates/order.new", phrases).await;
    let seven = || json!({"id": "m_7", "name": "7-Eleven"});
    assert_eq!(said(&server, seven()).await, "七十一有单", "the operator's");
    let own = json!([{"word": "7-Eleven", "said": "便利店"}, {"word": "重庆", "pinyin": "chong2 qing4"}]);
    let saved = server.done("PUT", PATH, entries(&own)).await;
    assert_eq!((&saved["version"], &saved["entries"]), (&json!(1), &own));
    assert_eq!(said(&server, seven()).await, "便利店有单", "the app's");
    assert_eq!(said(&server, json!({"name": "KFC"})).await, "肯德基有单", "and the operator's below it");
    let merchants =
        json!({"lang": "zh-CN", "merchant": "m_7", "entries": [{"word": "7-Eleven", "said": "小七"}]});
    server.done("PUT", PATH, merchants).await;
    assert_eq!(said(&server, seven()).await, "小七有单", "the merchant's");
    assert_eq!(said(&server, json!({"name": "7-Eleven"})).await, "便利店有单");

    let text = json!({"text": "请到7-Eleven取餐"});
    assert_eq!(server.done("POST", "/v1/speech", text.clone()).await["said"], "请到便利店取餐");
    let mut text_of_merchant = text;
    text_of_merchant["merchant"] = json!("m_7");
    assert_eq!(server.done("POST", "/v1/speech", text_of_merchant).await["said"], "请到小七取餐");
    let event = json!({"kind": "announcement", "target": {"riders": ["r1"]}, "alert": {"text": "去KFC"}});
    let told = server.done("POST", "/v1/events/validate", event).await;
    assert_eq!((&told["alert"]["said"], &told["alert"]["text"]), (&json!("去肯德基"), &json!("去KFC")));
    server.stop().await;
}

#[tokio::test]
async fn a_lexicon_has_versions_and_comes_back() {
    let server = TestServer::start("").await;
    let first = server.done("GET", PATH, Value::Null).await;
    assert_eq!((&first["version"], &first["lang"]), (&json!(0), &json!("zh-CN")));
    let list = |said: &str| json!([{"word": "KFC", "said": said}]);
    server.done("PUT", PATH, entries(&list("肯德基"))).await;
    server.done("PUT", PATH, entries(&list("开封菜"))).await;
    let on_top = json!({"lang": "zh-CN", "entries": [], "if_version": 1});
    server.call("PUT", PATH, on_top).await.assert_problem(409, "version_conflict");
    let restore = json!({"lang": "zh-CN", "version": 1, "if_version": 2});
    let restored = server.done("POST", "/v1/lexicon/restore", restore).await;
    assert_eq!((&restored["version"], &restored["entries"]), (&json!(3), &list("肯德基")));
    server.done("PUT", PATH, entries(&json!([]))).await;
    let kept = server.done("GET", "/v1/lexicon/versions", Value::Null).await["versions"].clone();
    let kept: Vec<i64> =
        kept.as_array().unwrap().iter().map(|one| one["version"].as_i64().unwrap()).collect();
    assert_eq!(kept, [4, 3, 2, 1]);
    assert_eq!(server.done("GET", "/v1/lexicon?lang=en", Value::Null).await["version"], 0);
    let gone = json!({"lang": "zh-CN", "version": 5});
    server.call("POST", "/v1/lexicon/restore", gone).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn what_no_voice_could_read_is_refused_with_its_place() {
    let server = TestServer::start("").await;
    let good = json!({"word": "KFC", "said": "肯德基"});
    for (entry, error, pointer) in [
        (json!({"word": "重庆", "pinyin": "chong2"}), "bad_lexicon", "/entries/1/pinyin"),
        (json!({"word": "重庆", "pinyin": "chong qing"}), "bad_lexicon", "/entries/1/pinyin"),
        (json!({"word": "重庆"}), "bad_lexicon", "/entries/1"),
        (json!({"word": "KFC", "said": "开封菜"}), "bad_lexicon", "/entries/1"),
        (json!({"word": "<b>", "said": "x"}), "bad_lexicon", "/entries/1/word"),
        (json!({"word": "重庆", "said": "[[h@]]"}), "bad_lexicon", "/entries/1/said"),
        (json!({"word": "x".repeat(31), "said": "x"}), "too_long", "/entries/1/word"),
        (json!({"said": "x"}), "missing_member", "/entries/1/word"),
        (json!({"word": "重庆", "read": "x"}), "unknown_member", "/entries/1/read"),
        (json!("重庆"), "wrong_type", "/entries/1"),
    ] {
        let refused = server.call("PUT", PATH, entries(&json!([good, entry]))).await;
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{entry}");
    }
    let english = json!({"lang": "en", "entries": [{"word": "Xi'an", "pinyin": "xi1 an1"}]});
    server.call("PUT", PATH, english).await.assert_problem(400, "bad_lexicon");
    let word = |n: usize| json!({"word": format!("店{n}"), "said": "小店"});
    let many = |count: usize| entries(&(0..count).map(word).collect());
    server.call("PUT", PATH, many(2_001)).await.assert_problem(400, "too_many");
    assert_eq!(server.done("GET", PATH, Value::Null).await["version"], 0, "nothing was saved");
    assert_eq!(server.done("PUT", PATH, many(2_000)).await["version"], 1, "more than another body may have");
    server.stop().await;
}

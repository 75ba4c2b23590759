//! Phrases of an app's own: versions, merchants, and what is refused.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use super::said;
use crate::support::TestServer;

const KIND: &str = "/v1/templates/order.new";

fn phrases(list: &[&str]) -> Value {
    json!({"lang": "zh-CN", "phrases": list})
}

fn for_merchant(merchant: &str, list: &[&str]) -> Value {
    json!({"lang": "zh-CN", "merchant": merchant, "phrases": list})
}

#[tokio::test]
async fn every_save_is_a_version_and_an_older_one_comes_back() {
    let server = TestServer::start("").await;
    let before = server.done("GET", KIND, Value::Null).await;
    assert_eq!((&before["version"], &before["phrases"]), (&json!(0), &json!([])));
    assert!(!before["built_in"].as_array().unwrap().is_empty());
    for (version, phrase) in [(1, "有单了"), (2, "来单了")] {
        let saved = server.done("PUT", KIND, phrases(&[phrase])).await;
        assert_eq!((&saved["version"], &saved["merchant"]), (&json!(version), &Value::Null));
        assert_eq!(said(&server, Value::Null).await, phrase);
    }
    let restore = json!({"lang": "zh-CN", "version": 1});
    let restored = server.done("POST", "/v1/templates/order.new/restore", restore).await;
    assert_eq!((&restored["version"], &restored["phrases"]), (&json!(3), &json!(["有单了"])));
    assert_eq!(said(&server, Value::Null).await, "有单了");
    let back = server.done("PUT", KIND, phrases(&[])).await;
    assert_eq!(back["version"], 4);
    assert_ne!(said(&server, Value::Null).await, "有单了", "what comes with Orderbell");

    let path = "/v1/templates/order.new/versions?lang=zh-CN";
    let kept = server.done("GET", path, Value::Null).await["versions"].clone();
    let kept: Vec<_> =
        kept.as_array().unwrap().iter().map(|one| (&one["version"], &one["phrases"])).collect();
    let texts = [json!([]), json!(["有单了"]), json!(["来单了"]), json!(["有单了"])];
    let numbers = [json!(4), json!(3), json!(2), json!(1)];
    assert_eq!(kept, numbers.iter().zip(&texts).collect::<Vec<_>>());
    let gone = json!({"lang": "zh-CN", "version": 9});
    let gone = server.call("POST", "/v1/templates/order.new/restore", gone).await;
    gone.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn who_saves_on_top_of_an_old_version_is_told() {
    let server = TestServer::start("").await;
    let on_top =
        |version: u32, phrase: &str| json!({"lang": "zh-CN", "phrases": [phrase], "if_version": version});
    assert_eq!(server.done("PUT", KIND, on_top(0, "有单了")).await["version"], 1);
    server.call("PUT", KIND, on_top(0, "来单了")).await.assert_problem(409, "version_conflict");
    assert_eq!(server.done("GET", KIND, Value::Null).await["phrases"], json!(["有单了"]));
    assert_eq!(server.done("PUT", KIND, on_top(1, "来单了")).await["version"], 2);
    let restore = json!({"lang": "zh-CN", "version": 1, "if_version": 1});
    let restored = server.call("POST", "/v1/templates/order.new/restore", restore).await;
    restored.assert_problem(409, "version_conflict");
    assert_eq!(said(&server, Value::Null).await, "来单了");
    server.stop().await;
}

#[tokio::test]
async fn a_merchants_own_phrases_go_before_those_for_all() {
    let server = TestServer::start("").await;
    server.done("PUT", KIND, phrases(&["有单了"])).await;
    server.done("PUT", KIND, for_merchant("m_42", &["面馆{{ short_no|digits }}号", "面馆有单"])).await;
    server.done("PUT", KIND, for_merchant("李四粥铺", &["粥铺{{ short_no|digits }}号"])).await;
    server.done("PUT", KIND, for_merchant("17", &["十七店有单"])).await;
    for (merchant, expected) in [
        (json!({"id": "m_42", "name": "张三面馆"}), "面馆有单"),
        (json!({"id": 17, "name": "李四粥铺"}), "十七店有单"),
        (json!({"name": "李四粥铺"}), "有单了"),
        (json!({"id": "m_43", "name": "李四粥铺"}), "有单了"),
        (json!({"id": {"a": 1}, "name": "张三面馆"}), "有单了"),
        (Value::Null, "有单了"),
    ] {
        assert_eq!(said(&server, merchant.clone()).await, expected, "{merchant}");
    }
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]},
        "order": {"merchant": {"name": "李四粥铺"}, "short_no": "12"}});
    let told = server.done("POST", "/v1/events/validate", event.clone()).await;
    let from =
        |told: &Value| (told["alert"]["phrase"]["from"].clone(), told["alert"]["phrase"]["place"].clone());
    assert_eq!(from(&told), (json!("merchant"), json!(0)));
    let mut without = event;
    without["order"]["short_no"].take();
    let told = server.done("POST", "/v1/events/validate", without).await;
    assert_eq!(from(&told), (json!("own"), json!(0)), "those for all come after a merchant's");

    let path = "/v1/templates/order.new?merchant=%E6%9D%8E%E5%9B%9B%E7%B2%A5%E9%93%BA";
    let seen = server.done("GET", path, Value::Null).await;
    assert_eq!((&seen["merchant"], &seen["version"]), (&json!("李四粥铺"), &json!(1)));
    let listed = server.done("GET", "/v1/templates", Value::Null).await;
    let merchants: Vec<&Value> =
        listed["templates"].as_array().unwrap().iter().map(|one| &one["merchant"]).collect();
    assert_eq!(merchants, [&Value::Null, &json!("17"), &json!("m_42"), &json!("李四粥铺")]);
    let speech = json!({"kind": "order.new", "merchant": "m_42"});
    assert_eq!(server.done("POST", "/v1/speech", speech).await["said"], "面馆有单");
    server.stop().await;
}

#[tokio::test]
async fn what_could_never_be_said_is_refused_when_it_is_saved() {
    let server = TestServer::start("").await;
    for (list, pointer) in [
        (vec!["有单了", "{{ short_no"], "/phrases/1"),
        (vec!["{{ x|shout }}"], "/phrases/0"),
        (vec!["有单了", "{{ x|platform }}，{{ x|money }}"], "/phrases/1"),
        (vec!["{{ x|shop }}{{ x.y|shop }}"], "/phrases/0"),
        (vec!["！！！"], "/phrases/0"),
    ] {
        let refused = server.call("PUT", KIND, phrases(&list)).await;
        refused.assert_problem(400, "bad_phrase");
        assert_eq!(refused.json["pointer"], pointer, "{list:?}");
    }
    let cases = [
        (json!({"lang": "zh-CN", "phrases": ["有单了"], "merchant": " "}), "bad_value", "/merchant"),
        (json!({"lang": "zh-CN", "phrases": ["有单了"], "merchant": 7}), "wrong_type", "/merchant"),
        (json!({"lang": "zh-CN", "phrases": ["有单了"], "if_version": -1}), "out_of_range", "/if_version"),
        (json!({"lang": "zh-CN", "phrases": ["有单了"], "version": 1}), "unknown_member", "/version"),
        (json!({"phrases": []}), "missing_member", "/lang"),
    ];
    for (body, error, pointer) in cases {
        let refused = server.call("PUT", KIND, body.clone()).await;
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{body}");
    }
    for query in ["lang=fr", &format!("merchant={}", "x".repeat(129))] {
        server.get(&format!("{KIND}?{query}")).await.assert_problem(400, "bad_query");
    }
    server.get("/v1/templates/order.sung").await.assert_problem(404, "not_found");
    let listed = server.done("GET", "/v1/templates", Value::Null).await;
    assert_eq!(listed["templates"], json!([]), "nothing was saved");
    server.stop().await;
}

#[tokio::test]
async fn versions_are_an_apps_own_and_outlive_a_restart() {
    let server = TestServer::start("").await;
    server.done("PUT", KIND, phrases(&["有单了"])).await;
    server.accounts().create_app("other").await.unwrap();
    let theirs = server.key_of("other", &[Scope::Admin]).await;
    let seen = server.call_as(&theirs, "GET", KIND, Value::Null).await;
    assert_eq!((&seen.json["data"]["version"], &seen.json["data"]["phrases"]), (&json!(0), &json!([])));
    let restore = json!({"lang": "zh-CN", "version": 1});
    let restored = server.call_as(&theirs, "POST", "/v1/templates/order.new/restore", restore).await;
    restored.assert_problem(404, "not_found");
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, "").await;
    assert_eq!(server.done("GET", KIND, Value::Null).await["version"], 1);
    assert_eq!(said(&server, Value::Null).await, "有单了");
    server.stop().await;
}

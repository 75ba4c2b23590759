//! Consents are counted here, since WeChat tells nobody how many are left; and the riders' own settings beside them.

use serde_json::{Value, json};

use super::{APPID, OPENID, TEMPLATE, agreed, banked, both, signed_in};

#[tokio::test]
async fn each_accept_is_one_message_up_to_a_hundred() {
    let (wechat, server) = both().await;
    let token = agreed(&wechat, &server, "r1", 0).await;
    let say = async |word: &str| {
        let body = json!({"results": {TEMPLATE: word, "a-template-of-before": "accept"}});
        let told = server.call_as(&token, "POST", "/v1/rider/subscriptions", body).await;
        assert_eq!(told.status, 200, "{}", told.text());
        told.json["data"].clone()
    };
    assert_eq!(say("accept").await, json!({"templates": [{"template": TEMPLATE, "banked": 1}]}));
    for (word, left) in [("reject", 1), ("ban", 1), ("filter", 1), ("acceptWithAudio", 2)] {
        assert_eq!(say(word).await["templates"][0]["banked"], left, "{word}");
    }
    for _ in 0..100 {
        say("accept").await;
    }
    assert_eq!(banked(&server, &token).await, 100);
    wechat.add_code("again", APPID, OPENID, None);
    assert_eq!(signed_in(&server, "again").await["subscribe"], json!({"template": TEMPLATE, "banked": 100}));
    server.stop().await;
}

#[tokio::test]
async fn what_wechat_never_says_is_refused() {
    let (wechat, server) = both().await;
    let token = agreed(&wechat, &server, "r1", 0).await;
    let many: serde_json::Map<String, Value> = (0..21).map(|n| (format!("t{n}"), json!("accept"))).collect();
    for (body, error, pointer) in [
        (json!({}), "missing_member", "/results"),
        (json!({"results": [TEMPLATE]}), "wrong_type", "/results"),
        (json!({"results": {TEMPLATE: 1}}), "wrong_type", "/results/tmpl-0rder-Unheard_1"),
        (json!({"results": {TEMPLATE: "yes"}}), "unknown_value", "/results/tmpl-0rder-Unheard_1"),
        (json!({"results": many}), "too_many", "/results"),
        (json!({"results": {}, "errMsg": "ok"}), "unknown_member", "/errMsg"),
    ] {
        let told = server.call_as(&token, "POST", "/v1/rider/subscriptions", body).await;
        told.assert_problem(400, error);
        assert_eq!(told.json["pointer"], pointer);
    }
    assert_eq!(banked(&server, &token).await, 0);
    server
        .call_as("no-token", "GET", "/v1/rider/subscriptions", Value::Null)
        .await
        .assert_problem(401, "bad_token");
    server.stop().await;
}

#[tokio::test]
async fn whoever_is_nobody_in_wechat_agrees_to_nothing() {
    let (_wechat, server) = both().await;
    let token = server.token("r9").await;
    let body = json!({"results": {TEMPLATE: "accept"}});
    let told = server.call_as(&token, "POST", "/v1/rider/subscriptions", body).await;
    assert_eq!(told.json["data"], json!({"templates": [{"template": TEMPLATE, "banked": 0}]}));
    server.stop().await;
}

#[tokio::test]
async fn riders_choose_their_own_sound() {
    let (_wechat, server) = both().await;
    let token = server.token("r1").await;
    let settings = async |method: &str, body: Value| {
        let told = server.call_as(&token, method, "/v1/rider/settings", body).await;
        assert_eq!(told.status, 200, "{}", told.text());
        told.json["data"].clone()
    };
    assert_eq!(settings("GET", Value::Null).await, json!({"sound_profile": null, "effective": "plain"}));
    let street = json!({"sound_profile": "street", "effective": "street"});
    assert_eq!(settings("PUT", json!({"sound_profile": "street"})).await, street);
    assert_eq!(settings("GET", Value::Null).await, street);
    assert_eq!(server.done("GET", "/v1/riders/r1", Value::Null).await["sound_profile"], "street");
    server.done("PUT", "/v1/settings", json!({"speech": {"profile": "street"}})).await;
    let apps = json!({"sound_profile": null, "effective": "street"});
    let told = async || settings("PUT", json!({"sound_profile": null})).await;
    crate::support::eventually("the app's settings are known", async || (told().await == apps).then_some(()))
        .await;
    for (body, error) in [
        (json!({}), "missing_member"),
        (json!({"sound_profile": "loud"}), "unknown_value"),
        (json!({"sound_profile": 1}), "wrong_type"),
        (json!({"on_duty": true}), "unknown_member"),
    ] {
        server.call_as(&token, "PUT", "/v1/rider/settings", body).await.assert_problem(400, error);
    }
    server
        .call_as(&server.key, "GET", "/v1/rider/settings", Value::Null)
        .await
        .assert_problem(401, "bad_token");
    server.stop().await;
}

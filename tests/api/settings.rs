//! What an app sets for itself: kept, in force at once, its own alone, and refused where it cannot be.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use crate::support::TestServer;

/// One age for everything, or none.
fn retention(hours: Option<u32>) -> Value {
    let names = ["texts", "alerts", "notices", "calls", "callbacks", "dead_callbacks", "checks"];
    let ages: serde_json::Map<String, Value> =
        names.iter().map(|name| (format!("{name}_h"), json!(hours))).collect();
    Value::Object(ages)
}

#[tokio::test]
async fn settings_are_replaced_whole_and_outlive_a_restart() {
    let server = TestServer::start("").await;
    let defaults = json!({"time_zone": "Asia/Shanghai", "quiet_hours": null, "merge": false,
        "alerts_per_minute": null, "type_prefix": null, "objective": null,
        "speech": {"voices": {}, "speed_percent": null, "profile": null}, "retention": retention(None),
        "ladders": {}});
    assert_eq!(server.done("GET", "/v1/settings", Value::Null).await, defaults);
    let ladder = json!([{"after_s": 10, "do": "repeat"}, {"after_s": 20, "do": "station", "groups": ["north"]},
        {"after_s": 30, "do": "desk", "fallback": true}, {"after_s": 40, "do": "exhausted"}]);
    let own = json!({"time_zone": "Europe/Paris", "quiet_hours": {"from": "23:05", "to": "06:00"}, "merge": true,
        "alerts_per_minute": 5, "type_prefix": "shop-", "ladders": {"order.offered": ladder},
        "objective": {"within_ms": 8_000, "target_permille": 985},
        "speech": {"voices": {"zh-CN": "espeak-ng"}, "speed_percent": 110, "profile": "street"},
        "retention": retention(Some(240))});
    assert_eq!(server.done("PUT", "/v1/settings", own.clone()).await, own);
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, "").await;
    assert_eq!(server.done("GET", "/v1/settings", Value::Null).await, own);
    server.accounts().create_app("other").await.unwrap();
    let theirs = server.key_of("other", &[Scope::Admin]).await;
    let seen = server.call_as(&theirs, "GET", "/v1/settings", Value::Null).await;
    assert_eq!(seen.json["data"], defaults, "another tenant has its own");
    let reader = server.key_with(&[Scope::Read]).await;
    server.call_as(&reader, "PUT", "/v1/settings", json!({})).await.assert_problem(403, "missing_scope");
    assert_eq!(
        server.done("PUT", "/v1/settings", json!({})).await,
        defaults,
        "what is not named has its default"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place_and_changes_nothing() {
    let server = TestServer::start("").await;
    let step = |step: Value| json!({"ladders": {"order.new": [step]}});
    let cases = [
        (json!({"time_zone": "Mars/Base"}), "unknown_value", "/time_zone"),
        (json!({"time_zone": 8}), "wrong_type", "/time_zone"),
        (json!({"quiet_hours": {"from": "24:00", "to": "06:00"}}), "bad_time", "/quiet_hours/from"),
        (json!({"quiet_hours": {"from": "23:00", "to": "6:00"}}), "bad_time", "/quiet_hours/to"),
        (json!({"quiet_hours": {"from": "23:00"}}), "missing_member", "/quiet_hours/to"),
        (json!({"quiet_hours": {"from": "+1:+1", "to": "06:00"}}), "bad_time", "/quiet_hours/from"),
        (json!({"quiet_hours": "23:00-06:00"}), "wrong_type", "/quiet_hours"),
        (json!({"merge": "yes"}), "wrong_type", "/merge"),
        (json!({"alerts_per_minute": 1_001}), "out_of_range", "/alerts_per_minute"),
        (json!({"alerts_per_minute": -1}), "out_of_range", "/alerts_per_minute"),
        (json!({"type_prefix": 7}), "wrong_type", "/type_prefix"),
        (json!({"type_prefix": "x".repeat(101)}), "too_long", "/type_prefix"),
        (json!({"speech": {"voices": {"zh-CN": "nobody"}}}), "unknown_voice", "/speech/voices/zh-CN"),
        (json!({"speech": {"voices": {"fr": "espeak-ng"}}}), "unknown_value", "/speech/voices/fr"),
        (json!({"speech": {"voices": ["espeak-ng"]}}), "wrong_type", "/speech/voices"),
        (json!({"speech": {"speed_percent": 201}}), "out_of_range", "/speech/speed_percent"),
        (json!({"speech": {"profile": "loud"}}), "unknown_value", "/speech/profile"),
        (json!({"speech": {"pitch": 1}}), "unknown_member", "/speech/pitch"),
        (json!({"volume": 11}), "unknown_member", "/volume"),
        (json!({"ladders": {"order.sung": []}}), "unknown_value", "/ladders/order.sung"),
        (json!({"ladders": {"order.new": {}}}), "wrong_type", "/ladders/order.new"),
        (step(json!({"after_s": 1, "do": "shout"})), "unknown_step", "/ladders/order.new/0/do"),
        (step(json!({"do": "repeat"})), "missing_member", "/ladders/order.new/0/after_s"),
        (
            step(json!({"after_s": 1, "do": "http", "http": {"url": "http://127.0.0.1/"}})),
            "bad_call",
            "/ladders/order.new/0/http/url",
        ),
    ];
    for (settings, error, pointer) in cases {
        let refused = server.call("PUT", "/v1/settings", settings.clone()).await;
        assert_eq!(
            (refused.json["error"].as_str(), refused.json["pointer"].as_str()),
            (Some(error), Some(pointer)),
            "{settings}"
        );
        refused.assert_problem(400, error);
    }
    assert_eq!(server.done("GET", "/v1/settings", Value::Null).await["time_zone"], "Asia/Shanghai");
    server.stop().await;
}

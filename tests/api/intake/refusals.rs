//! Bodies that say something that cannot be: each is refused with a stable word and the place of the fault.

use serde_json::{Value, json};

use crate::support::{TestServer, reply};

const GOOD: &str = r#"{"id":"bad","kind":"order.new","target":{"riders":["r1"]}}"#;

/// Posts bytes as JSON, checks the refusal and its place; an empty place means none.
async fn refused(server: &TestServer, body: &[u8], error: &str, pointer: Option<&str>) {
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
    let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
    let reply = reply(request.header("content-type", "application/json").body(body.to_vec())).await;
    assert_eq!(reply.json["error"], error, "{shown}: {}", reply.json);
    reply.assert_problem(400, error);
    assert_eq!(reply.json["pointer"].as_str(), pointer, "{shown}: {}", reply.json);
}

/// That none of the refused events left anything behind.
async fn assert_nothing_stored(server: TestServer) {
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    assert_eq!(server.metric("orderbell_events_total{outcome=\"stored\"}").await, 0);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let server = TestServer::start("").await;
    let bom = format!("\u{feff}{GOOD}");
    let surrogate = r#"{"id":"bad","kind":"order.new","target":{"riders":["r1"]},"ext":{"x":"\ud800"}}"#;
    let endless = r#"{"id":1e400,"kind":"order.new","target":{"riders":["r1"]}}"#;
    let trailing = [GOOD, " x"].concat();
    let twice = [GOOD, GOOD].concat();
    let cut = &GOOD[..GOOD.len() - 1];
    for body in ["", "{", "nonsense", cut, &trailing, &twice, &bom, surrogate, endless] {
        refused(&server, body.as_bytes(), "malformed_json", None).await;
    }
    refused(&server, b"{\"kind\":\"\xff\"}", "malformed_json", None).await;
    assert_nothing_stored(server).await;
}

/// A body that is refused, the word for it, and the place of the fault.
pub(super) type Case = (Vec<u8>, &'static str, String);

/// Bodies that two parsers could read in two ways.
pub(super) fn ambiguous() -> Vec<Case> {
    let cases = [
        (
            r#"{"id":"bad","kind":"order.new","kind":"safety","target":{"riders":["r1"]}}"#,
            "duplicate_member",
            "/kind",
        ),
        (
            r#"{"id":"bad","kind":"order.new","target":{"riders":["r1"],"riders":["r2"]}}"#,
            "duplicate_member",
            "/target/riders",
        ),
        (
            r#"{"id":1234567890123456789012345,"kind":"order.new","target":{"riders":["r1"]}}"#,
            "number_too_large",
            "/id",
        ),
        (
            r#"{"id":"bad","kind":"order.new","target":{"riders":["r1"]},"alert":{"text":"a\u0000b"}}"#,
            "control_character",
            "/alert/text",
        ),
        (
            r#"{"id":"bad","kind":"order.new","target":{"riders":["r1"]},"order":{"note":"a\u001bb"}}"#,
            "control_character",
            "/order/note",
        ),
    ];
    cases.map(|(body, error, pointer)| (body.as_bytes().to_vec(), error, pointer.to_owned())).to_vec()
}

#[tokio::test]
async fn what_two_parsers_could_read_in_two_ways_is_refused() {
    let server = TestServer::start("").await;
    for (body, error, pointer) in ambiguous() {
        refused(&server, &body, error, Some(&pointer)).await;
    }
    let deep = format!(r#"{{"id":"bad","ext":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let reply = server.request("POST", "/v1/events").bearer_auth(&server.key);
    let reply = reply_to(reply.header("content-type", "application/json").body(deep)).await;
    assert_eq!((reply.0, reply.1), (400, json!("too_deep")));
    assert_nothing_stored(server).await;
}

async fn reply_to(request: reqwest::RequestBuilder) -> (u16, Value) {
    let reply = reply(request).await;
    (reply.status, reply.json["error"].clone())
}

/// A good event with one member changed; the pointer names it, and its parents are made.
pub(super) fn with(pointer: &str, value: Value) -> Vec<u8> {
    let mut event: Value = serde_json::from_str(GOOD).unwrap();
    let mut place = &mut event;
    for step in pointer.split('/').skip(1) {
        place = &mut place[step];
    }
    *place = value;
    event.to_string().into_bytes()
}

/// Members of a wrong type.
pub(super) fn wrong_types() -> Vec<Case> {
    let cases = [
        ("/kind", json!(7)),
        ("/id", json!(1.0)),
        ("/id", json!(true)),
        ("/id", json!(["a"])),
        ("/target", json!("r1")),
        ("/target/riders", json!("r1")),
        ("/target/riders", json!({"r1": true})),
        ("/target/broadcast", json!("yes")),
        ("/order", json!([])),
        ("/order/fee_cents", json!(1.5)),
        ("/order/fee_cents", json!("100")),
        ("/order/merchant", json!("a shop")),
        ("/order/merchant/name", json!(7)),
        ("/alert", json!("loud")),
        ("/alert/text", json!(7)),
        ("/alert/urgency", json!("high")),
        ("/alert/ttl_s", json!(0.5)),
        ("/ext", json!([])),
    ];
    let mut all: Vec<Case> = ["[]", "7", "\"text\"", "null"]
        .map(|body| (body.as_bytes().to_vec(), "wrong_type", String::new()))
        .to_vec();
    all.extend(cases.map(|(pointer, value)| (with(pointer, value), "wrong_type", pointer.to_owned())));
    let list = with("/target/riders", json!(["ok", 1.5]));
    all.push((list, "wrong_type", "/target/riders/1".to_owned()));
    all
}

#[tokio::test]
async fn a_member_of_a_wrong_type_is_named() {
    let server = TestServer::start("").await;
    for (body, error, pointer) in wrong_types() {
        refused(&server, &body, error, Some(&pointer)).await;
    }
    assert_nothing_stored(server).await;
}

/// Members that cannot be.
pub(super) fn wrong_values() -> Vec<Case> {
    let long = "字".repeat(121);
    let cases = [
        ("/kind", json!("order.sung"), "unknown_kind"),
        ("/kind", json!("merge"), "unknown_kind"),
        ("/kind", Value::Null, "missing_member"),
        ("/target", Value::Null, "missing_member"),
        ("/target", json!({}), "empty_target"),
        ("/target", json!({"riders": [], "groups": [], "broadcast": false}), "empty_target"),
        ("/target/near", json!({"lat": 1}), "not_supported"),
        ("/target/riders", json!(vec!["r"; 1001]), "too_many"),
        ("/target/colour", json!("blue"), "unknown_member"),
        ("/colour", json!("blue"), "unknown_member"),
        ("/order/colour", json!("blue"), "unknown_member"),
        ("/id", json!(""), "bad_id"),
        ("/id", json!("a b"), "bad_id"),
        ("/id", json!("x".repeat(129)), "bad_id"),
        ("/alert/text", json!(long), "too_long"),
        ("/alert/text", json!("。、！"), "bad_text"),
        ("/alert/urgency", json!(4), "out_of_range"),
        ("/alert/ttl_s", json!(0), "out_of_range"),
        ("/alert/ttl_s", json!(1_000_000_000), "out_of_range"),
        ("/alert/repeat/count", json!(0), "out_of_range"),
        ("/alert/lang", json!("fr"), "unknown_value"),
        ("/order/fee_cents", json!(-1), "out_of_range"),
        ("/order/dropoff/phone_tail", json!("12a4"), "bad_value"),
        ("/offer", json!({}), "missing_member"),
        ("/offer/mode", json!("auction"), "unknown_value"),
        ("/occurred_at", json!("yesterday"), "bad_time"),
        ("/callback_url", json!("ftp://example.com"), "bad_url"),
        ("/ext", json!({"x": "y".repeat(2050)}), "too_long"),
        ("/target/riders", json!([""]), "bad_id"),
        ("/target/riders", json!(["x".repeat(1_024)]), "bad_id"),
        ("/target/riders", json!(["a\nb"]), "bad_id"),
        ("/expires_at", json!("2020-01-01T00:00:00Z"), "unknown_member"),
        ("/occurred_at", json!("2026-03-01 12:30:05"), "bad_time"),
        ("/occurred_at", json!("2026-13-01T00:00:00Z"), "bad_time"),
        ("/deliver_at", json!({}), "bad_time"),
        ("/deliver_at", json!("2099-01-01T00:00:00Z"), "bad_time"),
        ("/recur", json!({"cron": "* * * *"}), "bad_recurrence"),
    ];
    let mut all = Vec::new();
    for (pointer, value, error) in cases {
        let place = match (pointer, error) {
            ("/offer", "missing_member") => "/offer/mode",
            ("/target/riders", "bad_id") => "/target/riders/0",
            (pointer, _) => pointer,
        };
        all.push((with(pointer, value), error, place.to_owned()));
    }
    let list = with("/target/riders", json!(["r1", "a b"]));
    all.push((list, "bad_id", "/target/riders/1".to_owned()));
    all
}

#[tokio::test]
async fn a_member_that_cannot_be_is_named() {
    let server = TestServer::start("").await;
    for (body, error, pointer) in wrong_values() {
        refused(&server, &body, error, Some(&pointer)).await;
    }
    assert_nothing_stored(server).await;
}

#[tokio::test]
async fn strange_but_possible_ids_come_back_as_they_were() {
    let server = TestServer::start("").await;
    for id in [
        "../../etc/passwd",
        "骑手/7",
        "🛵",
        "\u{5e8}\u{5d5}\u{5db}\u{5d1}",
        "' OR 1=1--",
        "a:b",
        "%2e%2e",
        "<b>",
    ] {
        let id = &id.replace(' ', "_");
        let data = server.post_event(json!({"kind": "order.new", "target": {"riders": [id]}})).await;
        assert_eq!(data["alerts"][0]["deliveries"][0]["rider"].as_str(), Some(id.as_str()));
        let alert = server.alert(data["alert_id"].as_str().unwrap()).await;
        assert_eq!(alert["deliveries"][0]["rider"].as_str(), Some(id.as_str()));
    }
    server.stop().await;
}

#[tokio::test]
async fn an_event_from_the_future_is_refused_and_one_from_a_fast_clock_is_not() {
    let server = TestServer::start("").await;
    let in_ten_minutes = server.now_ms() + 600_000;
    refused(&server, &with("/occurred_at", json!(in_ten_minutes)), "bad_time", Some("/occurred_at")).await;
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    let body: Value = serde_json::from_slice(&with("/occurred_at", json!(server.now_ms() + 60_000))).unwrap();
    assert_eq!(server.post_event(body).await["outcome"], "alerted");
    server.stop().await;
}

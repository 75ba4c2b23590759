//! The name and the trace of a request: taken from who asks, told with every answer, carried to the calls we make.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, QUICK, RiderSocket, TestServer, reply};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[tokio::test]
async fn the_callers_own_id_is_kept_if_it_is_sane() {
    let server = TestServer::start("").await;
    let longest = "a".repeat(128);
    for (given, path, status) in [("order-17.try_2", "/v1/settings", 200), (&longest, "/nowhere", 404)] {
        let request = server.request("GET", path).bearer_auth(&server.key).header("x-request-id", given);
        let reply = reply(request).await;
        assert_eq!((reply.status, reply.header("x-request-id")), (status, given));
        assert_eq!(reply.json["request_id"], given);
    }
    let too_long = "a".repeat(129);
    for given in ["", "a b", "a\"b", "ä", "a,b", &too_long] {
        let reply = reply(server.request("GET", "/nowhere").header("x-request-id", given)).await;
        let told = reply.header("x-request-id");
        assert!(told.starts_with("req_") && told.len() == 36, "{given:?}: {told}");
        assert_eq!(reply.json["request_id"], told);
    }
    let twice = server.request("GET", "/nowhere").header("x-request-id", "a").header("x-request-id", "b");
    assert!(reply(twice).await.header("x-request-id").starts_with("req_"));
    server.stop().await;
}

#[tokio::test]
async fn the_trace_goes_on_in_the_answer_and_begins_where_there_is_none() {
    let server = TestServer::start("").await;
    let event = json!({"kind": "announcement", "target": {"riders": ["r_1"]}});
    for (given, goes_on) in
        [(PARENT, true), ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false), ("", false)]
    {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key).json(&event);
        let reply = reply(request.header("traceparent", given)).await;
        let told = reply.header("traceparent").to_owned();
        assert_eq!((told.len(), &told[..3]), (55, "00-"), "{told}");
        assert_eq!(&told[3..35] == TRACE, goes_on, "{told}");
        assert_ne!(&told[36..52], "00f067aa0ba902b7", "the span is ours");
        let alert = server.alert(reply.json["data"]["alert_id"].as_str().unwrap()).await;
        assert_eq!(alert["trace_id"], told[3..35]);
    }
    let refused = reply(server.request("GET", "/nowhere").header("traceparent", PARENT)).await;
    assert_eq!(&refused.header("traceparent")[3..35], TRACE);
    server.stop().await;
}

#[tokio::test]
async fn the_calls_we_make_carry_the_trace_of_their_alert() {
    let server = TestServer::start(QUICK).await;
    let backend = Backend::start(200, &json!({"outcome": "won"}), Duration::ZERO).await;
    let mut rider = RiderSocket::connect(&server, "r_1").await;
    let ladder = json!([{"after_s": 0, "do": "http", "http": {"url": backend.url("/call")}}]);
    let event = json!({"kind": "order.offered", "target": {"riders": ["r_1"]}, "callback_url": backend.url("/ask"),
        "offer": {"mode": "grab", "arbiter": "backend", "ladder": ladder}});
    let request = server.request("POST", "/v1/events").bearer_auth(&server.key).json(&event);
    let posted = reply(request.header("traceparent", PARENT)).await;
    assert_eq!(posted.status, 200, "{}", posted.json);
    let called = backend.asked(1).await;
    let alert = rider.alert().await;
    rider.say_answer(alert["id"].as_str().unwrap(), "accept").await;
    let asked = backend.asked(2).await;
    let traces = [&called[0], &asked[1]].map(|heard| heard.header("traceparent").unwrap().to_owned());
    assert!(traces.iter().all(|trace| trace.len() == 55 && trace[3..35] == *TRACE), "{traces:?}");
    assert_ne!(traces[0][36..52], traces[1][36..52], "each call is a span of its own");
    assert_ne!(Value::Null, asked[1].body);
    server.stop().await;
}

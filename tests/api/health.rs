//! What load balancers, supervisors, Prometheus and people with a request id in hand are told.

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer, reply};

#[tokio::test]
async fn a_server_that_serves_is_well() {
    let server = TestServer::start("").await;
    let well = reply(server.request("GET", "/healthz")).await;
    assert_eq!((well.status, well.text().as_str()), (200, "ok\n"));
    for path in ["/livez", "/readyz"] {
        let well = reply(server.request("GET", &format!("http://{}{path}", server.admin))).await;
        assert_eq!((well.status, well.text().as_str()), (200, "ok\n"), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_for_operators_is_not_on_the_public_port() {
    let server = TestServer::start("").await;
    for path in ["/metrics", "/livez", "/readyz"] {
        server.get(path).await.assert_problem(404, "not_found");
    }
    let admin = server.request("GET", &format!("http://{}/v1/events/e-1", server.admin));
    assert_eq!(reply(admin).await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn the_numbers_move_with_what_happens() {
    let server = TestServer::start("").await;
    let event = json!({"id": "e-1", "kind": "order.new", "target": {"riders": ["r1"]}});
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(server.metric("orderbell_sessions").await, 1);
    let id = server.post_event(event.clone()).await["alert_id"].as_str().unwrap().to_owned();
    server.post_event(event).await;
    let other = json!({"id": "e-1", "kind": "safety", "target": {"riders": ["r1"]}});
    assert_eq!(server.call("POST", "/v1/events", other).await.status, 409);
    let alert = rider.alert().await;
    rider.ack(&alert).await;
    rider.report(&id, "played").await;
    for (line, value) in [
        ("orderbell_events_total{outcome=\"stored\"}", 1),
        ("orderbell_events_total{outcome=\"duplicate\"}", 1),
        ("orderbell_events_total{outcome=\"conflict\"}", 1),
        ("orderbell_event_stored_seconds_count", 1),
        ("orderbell_event_sent_seconds_count", 1),
        ("orderbell_event_received_seconds_count", 1),
        ("orderbell_event_played_seconds_count", 1),
        ("orderbell_deliveries_ended_total{reason=\"played\"}", 1),
        ("orderbell_clips_total{result=\"made\"}", 1),
        ("orderbell_speech_seconds_count", 1),
    ] {
        assert_eq!(server.metric(line).await, value, "{line}");
    }
    let metrics = server.metrics().await;
    let requests = "orderbell_http_requests_total{route=\"/v1/events\",method=\"POST\",status=\"2xx\"} 2";
    assert!(metrics.contains(requests), "{metrics}");
    assert!(!metrics.contains("e-1") && !metrics.contains("r1\""), "no ids in labels");
    rider.send_text("nonsense").await;
    rider.send_message(tokio_tungstenite::tungstenite::Message::binary(vec![1])).await;
    assert_eq!(rider.closed().await, 1003);
    crate::support::eventually("the session is gone", async || {
        (server.metric("orderbell_sessions").await == 0).then_some(())
    })
    .await;
    assert_eq!(server.metric("orderbell_sessions_closed_total{why=\"binary\"}").await, 1);
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = TestServer::start("").await;
    let mut ids = std::collections::BTreeSet::new();
    for path in
        ["/healthz", "/nowhere", "/v1/events/e-1", "/audio/silence/1.mp3", "/rider", "/v1/rider/alerts"]
    {
        let reply = server.get(path).await;
        let id = reply.header("x-request-id").to_owned();
        assert!(id.starts_with("req_") && ids.insert(id), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_trace_goes_from_the_request_to_the_timeline() {
    let server = TestServer::start("").await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let posted = async |parent: &str| {
        let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key).json(&event);
        let data = reply(request.header("traceparent", parent)).await.json["data"].take();
        server.alert(data["alert_id"].as_str().unwrap()).await["trace_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(posted(&format!("00-{trace}-00f067aa0ba902b7-01")).await, trace);
    let zero = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
    for strange in [zero.as_str(), "nonsense", "00-xyz-1-1", ""] {
        let made = posted(strange).await;
        assert!(made.len() == 32 && made != "0".repeat(32), "{strange}: {made}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_document() {
    let server = TestServer::start("").await;
    let unknown = "alr_00000000000070008000000000000000";
    for path in [
        "/",
        "/nowhere",
        "/v1",
        "/v1/events/none",
        &format!("/v1/alerts/{unknown}"),
        "/v1/alerts/none",
        "/v1/riders/none",
        "/v1/groups/none",
        "/audio/none",
        "/audio/ab/none.mp3",
        "/rider/none",
    ] {
        let reply = server.get(path).await;
        assert_eq!(reply.status, 404, "{path}: {}", reply.text());
        reply.assert_problem(404, "not_found");
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/riders/r1/duty", "POST"),
        ("POST", "/healthz", "GET,HEAD"),
        ("PATCH", "/v1/riders/r1", "PUT,GET,HEAD,DELETE"),
        ("POST", "/audio/silence/1.mp3", "GET,HEAD"),
    ] {
        let reply = server.call(method, path, Value::Null).await;
        reply.assert_problem(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_a_problem_document_too() {
    let server = TestServer::start("").await;
    for path in ["/v1/riders/%ff", "/v1/events/%ff", "/v1/groups/%c0%af", "/audio/ab/%ff.mp3", "/rider/%ff"] {
        let reply = server.get(path).await;
        assert!(matches!(reply.status, 400 | 404), "{path}: {}", reply.status);
        assert_eq!(reply.header("content-type"), "application/problem+json", "{path}: {}", reply.text());
    }
    server.stop().await;
}

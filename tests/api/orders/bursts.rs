//! Many new orders at once: one by one, unless the app wants them told in one sentence.

use serde_json::{Value, json};

use super::of_order;
use crate::support::{QUICK, RiderSocket, TestServer, words};

async fn new_orders(server: &TestServer, kind: &str, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let data =
            server.post_event(of_order(kind, "r1", json!({"id": format!("o-{n}")}), Value::Null)).await;
        assert_eq!(data["alerts"][0]["deliveries"][0]["status"], "queued", "{data}");
        ids.push(data["alert_id"].as_str().unwrap().to_owned());
    }
    ids
}

#[tokio::test]
async fn without_a_wish_of_the_app_each_is_told_at_once() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for id in new_orders(&server, "order.new", 4).await {
        let told = rider.frame("the order", |frame| frame["id"] == id && frame["op"] == "alert").await;
        assert_eq!(told["kind"], "order.new");
    }
    server.stop().await;
}

/// The cap is exactly what is spoken here: the first, and one sentence for the rest.
#[tokio::test]
async fn with_it_those_that_follow_the_first_are_one_sentence() {
    let server = TestServer::start(&QUICK.replace("minute = 0", "minute = 2")).await;
    server.done("PUT", "/v1/settings", json!({"merge": true})).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let ids = new_orders(&server, "order.new", 6).await;
    assert_eq!(rider.alert().await["id"], ids[0], "the first waits for nobody");
    let together = rider.alert().await;
    assert_eq!(words(&together, ["kind", "urgency", "need"]), json!(["merge", 2, "none"]));
    let text = together["text"].as_str().unwrap();
    assert!(text.contains("您有5个新订单"), "{text}");
    for id in &ids[1..] {
        assert_eq!(
            words(&server.delivery(id).await, ["state", "reason", "attempts"]),
            json!(["superseded", "merged", 0])
        );
    }
    rider.report(together["id"].as_str().unwrap(), "played").await;
    let rest = rider.so_far().await;
    assert!(rest.iter().all(|frame| frame["op"] != "alert" && frame["op"] != "stop"), "{rest:?}");
    server.stop().await;
}

#[tokio::test]
async fn one_that_has_no_company_goes_out_as_it_is() {
    let server = TestServer::start(QUICK).await;
    server.done("PUT", "/v1/settings", json!({"merge": true})).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let ids = new_orders(&server, "order.paid", 2).await;
    for id in &ids {
        assert_eq!(rider.alert().await["id"], *id);
    }
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn one_that_is_cancelled_while_it_waits_is_not_counted() {
    let server = TestServer::start(QUICK).await;
    server.done("PUT", "/v1/settings", json!({"merge": true})).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let ids = new_orders(&server, "order.new", 4).await;
    server.done("POST", &format!("/v1/alerts/{}/cancel", ids[2]), Value::Null).await;
    assert_eq!(rider.alert().await["id"], ids[0]);
    let together = rider.alert().await;
    assert!(together["text"].as_str().unwrap().contains("您有2个新订单"), "{}", together["text"]);
    assert_eq!(server.delivery(&ids[2]).await["reason"], "cancelled_by_alert");
    server.stop().await;
}

#[tokio::test]
async fn offers_are_never_merged() {
    let server = TestServer::start(QUICK).await;
    server.done("PUT", "/v1/settings", json!({"merge": true})).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for kind in ["order.offered", "order.available", "order.assigned"] {
        for id in new_orders(&server, kind, 3).await {
            assert_eq!(rider.alert().await["id"], id, "{kind}");
        }
    }
    let mut event = of_order("order.new", "r1", json!({"id": "o-8"}), Value::Null);
    event["offer"] = json!({"mode": "grab"});
    for order in ["o-8", "o-9"] {
        event["order"]["id"] = json!(order);
        let id = server.post_event(event.clone()).await["alert_id"].clone();
        assert_eq!(rider.alert().await["id"], id);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_waits_for_company_is_told_after_a_restart() {
    let server = TestServer::start(&format!("{QUICK}[orders]\nmerge_window = \"60s\"\n")).await;
    server.done("PUT", "/v1/settings", json!({"merge": true})).await;
    let ids = new_orders_offline(&server, 3).await;
    let folder = server.stop().await;
    // The window that holds is the one the orders came in with; a rider who comes before its end has the first.
    let server = TestServer::start_in(folder, QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.welcome["open"], json!([{"id": ids[0], "ring": 1}]));
    assert_eq!(rider.alert().await["id"], ids[0]);
    rider.assert_no_alert().await;
    for id in &ids[1..] {
        assert_eq!(server.delivery(id).await["reason"], Value::Null);
    }
    server.stop().await;
}

async fn new_orders_offline(server: &TestServer, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        let data = server
            .post_event(of_order("order.new", "r1", json!({"id": format!("o-{n}")}), Value::Null))
            .await;
        let id = data["alert_id"].as_str().unwrap().to_owned();
        server.rendered(&id).await;
        ids.push(id);
    }
    ids
}

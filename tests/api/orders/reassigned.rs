//! An order goes from rider to rider: the new one is told, and so is the old one, each once.

use serde_json::{Value, json};

use super::of_order;
use crate::support::{QUICK, RiderSocket, TestServer, words};

async fn assign(server: &TestServer, rider: &str, event: Value) -> Value {
    server.post_event(of_order("order.assigned", rider, json!({"short_no": "17"}), event)).await
}

/// Kinds and riders of the alerts of an answer.
async fn alerts_of(server: &TestServer, data: &Value) -> Vec<Value> {
    let mut alerts = Vec::new();
    for alert in data["alerts"].as_array().unwrap() {
        let shown = server.alert(alert["alert_id"].as_str().unwrap()).await;
        alerts.push(json!([shown["kind"], alert["deliveries"][0]["rider"]]));
    }
    alerts
}

#[tokio::test]
async fn from_one_to_another_and_back_is_three_assignments() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let first = assign(&server, "r1", Value::Null).await;
    assert_eq!(alerts_of(&server, &first).await, [json!(["order.assigned", "r1"])]);
    let mine = one.alert().await;

    let second = assign(&server, "r2", json!({"id": "second"})).await;
    assert_eq!(
        alerts_of(&server, &second).await,
        [json!(["order.assigned", "r2"]), json!(["order.reassigned_away", "r1"])]
    );
    assert_eq!(second["alert_id"], second["alerts"][0]["alert_id"]);
    assert_eq!(second["reachable"], 2);
    let id = mine["id"].as_str().unwrap();
    assert_eq!(one.stopped(id).await, "cancelled");
    assert_eq!(server.delivery(id).await["reason"], "reassigned");
    let away = one.alert().await;
    assert_eq!(
        words(&away, ["kind", "order_id", "need"]),
        json!(["order.reassigned_away", "o-1", "confirm"])
    );
    assert!(away["text"].as_str().unwrap().contains("17"), "{}", away["text"]);
    let theirs = two.alert().await;
    assert_eq!(theirs["kind"], "order.assigned");
    let mut again = server
        .post_event(of_order("order.assigned", "r2", json!({"short_no": "17"}), json!({"id": "second"})))
        .await;
    assert_eq!(again["duplicate"], true);
    again["duplicate"] = json!(false);
    assert_eq!(again, second, "posted again: told the same again, both alerts");

    let third = assign(&server, "r1", Value::Null).await;
    assert_eq!(
        alerts_of(&server, &third).await,
        [json!(["order.assigned", "r1"]), json!(["order.reassigned_away", "r2"])]
    );
    assert_eq!(one.stopped(away["id"].as_str().unwrap()).await, "superseded", "it has come back");
    assert_eq!(one.alert().await["kind"], "order.assigned");
    assert_eq!(two.stopped(theirs["id"].as_str().unwrap()).await, "cancelled");
    assert_eq!(two.alert().await["kind"], "order.reassigned_away");

    let same = assign(&server, "r1", Value::Null).await;
    assert_eq!(alerts_of(&server, &same).await, [json!(["order.assigned", "r1"])], "nobody has lost it");
    two.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn the_event_may_say_who_had_it() {
    let server = TestServer::start(QUICK).await;
    let data = assign(&server, "r2", json!({"previous_rider_id": "r7"})).await;
    assert_eq!(
        alerts_of(&server, &data).await,
        [json!(["order.assigned", "r2"]), json!(["order.reassigned_away", "r7"])]
    );
    server.stop().await;
}

#[tokio::test]
async fn who_won_an_order_loses_it_by_an_assignment_to_another() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let grab = server.post_event(of_order("order.available", "r1", Value::Null, Value::Null)).await;
    one.alert().await;
    assert_eq!(one.answer(grab["alert_id"].as_str().unwrap(), "accept").await, "won");
    let data = assign(&server, "r2", Value::Null).await;
    assert_eq!(
        alerts_of(&server, &data).await,
        [json!(["order.assigned", "r2"]), json!(["order.reassigned_away", "r1"])]
    );
    assert_eq!(one.alert().await["kind"], "order.reassigned_away");
    server.stop().await;
}

#[tokio::test]
async fn an_older_assignment_takes_the_order_from_nobody() {
    let server = TestServer::start(QUICK).await;
    let mut two = RiderSocket::connect(&server, "r2").await;
    let post = async |rider: &str, version: i64| {
        server.post_event(of_order("order.assigned", rider, json!({"version": version}), Value::Null)).await
    };
    post("r2", 2).await;
    two.alert().await;
    let old = post("r1", 1).await;
    assert_eq!(words(&old, ["outcome", "reason", "alerts"]), json!(["dropped", "older_version", []]));
    two.assert_no_alert().await;
    assert!(two.so_far().await.is_empty());
    server.stop().await;
}

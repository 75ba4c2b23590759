//! From the event to the ear: the whole story over a real socket, and what ends an alert.
//! Whatever is told here is told twice: by the frames, and by the timeline that the backend reads.

mod devices;
mod ends;
mod repeats;
mod speech;
mod survival;
mod targets;

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer};

#[tokio::test]
async fn an_order_is_heard_and_its_timeline_tells_it() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let before = server.now_ms();
    let data = server
        .post_event(json!({
            "id": "e-1",
            "kind": "order.new",
            "order": {"id": "o-7", "version": 3, "short_no": "12", "platform": "meituan", "fee_cents": 650,
                "merchant": {"name": "张三面馆", "phone": "13800000000"}, "distance_m": 1200},
            "target": {"riders": ["r1"]},
            "ext": {"page": "/order/7"},
        }))
        .await;
    assert_eq!(data["reachable"], 1);
    let id = data["alert_id"].as_str().unwrap();

    let alert = rider.alert().await;
    assert_frame(&alert, id, before);
    let audio = &alert["audio"];
    let clip = server.request("GET", audio["url"].as_str().unwrap());
    let clip = crate::support::reply(clip).await;
    assert_eq!((clip.status, clip.header("content-type")), (200, "audio/mpeg"));
    assert_eq!(audio["bytes"], clip.bytes.len());
    let fallback =
        crate::support::reply(server.request("GET", audio["fallback_url"].as_str().unwrap())).await;
    assert_eq!(fallback.status, 200);

    rider.ack(&alert).await;
    rider.report_with(id, "playing", json!({"at": server.now_ms()})).await;
    rider.report_with(id, "played", json!({"at": server.now_ms(), "play": 1})).await;
    let told = server.alert(id).await;
    assert_eq!((&told["state"], &told["order_id"]), (&json!("completed"), &json!("o-7")));
    let delivery = &told["deliveries"][0];
    assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("played"), &json!("played")));
    assert_eq!((&delivery["attempts"], &delivery["first_status"]), (&json!(1), &json!("queued")));
    assert_timeline(
        delivery,
        &["created", "stored", "rendered", "sent", "received", "playing", "played", "ended"],
    );
    server.stop().await;
}

/// Every member of the frame, as DESIGN section 4 lists them.
fn assert_frame(alert: &Value, id: &str, before: i64) {
    assert_eq!((&alert["id"], &alert["seq"]), (&json!(id), &json!(1)));
    assert_eq!((&alert["ring"], &alert["attempt"]), (&json!(1), &json!(1)));
    assert_eq!((&alert["event_id"], &alert["order_id"]), (&json!("e-1"), &json!("o-7")));
    assert_eq!((&alert["kind"], &alert["version"]), (&json!("order.new"), &json!(3)));
    assert_eq!((&alert["urgency"], &alert["need"]), (&json!(2), &json!("none")));
    let (created, expires) = (alert["created_at"].as_i64().unwrap(), alert["expires_at"].as_i64().unwrap());
    assert!(created >= before && expires - created == 300_000, "{alert}");
    let ttl = alert["ttl_ms"].as_i64().unwrap();
    assert!((1..=300_000).contains(&ttl), "{ttl}");
    assert!(alert["text"].as_str().unwrap().contains("张三面馆"), "{}", alert["text"]);
    assert_eq!(alert["title"], "新订单");
    assert_eq!(alert["repeat"], json!({"count": 2, "remaining": 2, "gap_ms": 8000}));
    assert!(alert.get("answer_by").is_none());
    assert_eq!(alert["ext"], json!({"page": "/order/7"}));
    assert_eq!((&alert["card"]["short_no"], &alert["card"]["fee_cents"]), (&json!("12"), &json!(650)));
    assert!(!alert.to_string().contains("13800000000"), "a phone number that no sentence needs");
    let audio = &alert["audio"];
    assert_eq!((&audio["mime"], &audio["tail_ms"]), (&json!("audio/mpeg"), &json!(45_000)));
    assert!(audio["duration_ms"].as_u64().unwrap() > 46_000);
}

/// That these steps have happened, in this order, each with a time that is not before the last.
#[track_caller]
fn assert_timeline(delivery: &Value, steps: &[&str]) {
    let timeline = delivery["timeline"].as_array().unwrap();
    let happened: Vec<&str> = timeline.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(happened, steps);
    let times: Vec<jiff::Timestamp> =
        timeline.iter().map(|step| step["at"].as_str().unwrap().parse().unwrap()).collect();
    assert!(times.is_sorted(), "{timeline:?}");
    let ended =
        timeline.iter().find(|step| step["step"] == "ended").map_or(&Value::Null, |step| &step["reason"]);
    assert_eq!(ended, &delivery["reason"]);
}

#[tokio::test]
async fn a_confirm_ends_when_it_is_answered_and_not_when_it_is_played() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.assigned").await;
    let alert = rider.alert().await;
    assert_eq!(alert["need"], "confirm");
    rider.ack(&alert).await;
    rider.report(&id, "played").await;
    let delivery = server.delivery(&id).await;
    assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("played"), &Value::Null));

    assert_eq!(rider.answer(&id, "confirm").await, "recorded");
    let delivery = server.delivery(&id).await;
    assert_eq!((&delivery["state"], &delivery["reason"]), (&json!("acknowledged"), &json!("answered")));
    assert_eq!(rider.answer(&id, "confirm").await, "recorded", "the same answer again");
    assert_eq!(rider.answer(&id, "decline").await, "gone", "another answer");
    let mut after = delivery.clone();
    after["late_answer"] = json!("decline");
    assert_eq!(server.delivery(&id).await, after, "noted as late, and nothing else has changed");
    server.stop().await;
}

#[tokio::test]
async fn an_offer_is_accepted_or_declined_until_its_time() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for (answer, state) in [("accept", "accepted"), ("decline", "declined")] {
        let offer = json!({"kind": "order.offered", "target": {"riders": ["r1"]},
            "offer": {"mode": "assign", "timeout_s": 120}});
        let data = server.post_event(offer).await;
        let alert = rider.alert().await;
        assert_eq!((&alert["id"], &alert["need"]), (&data["alert_id"], &json!("accept")));
        assert_eq!(alert["answer_by"], alert["expires_at"]);
        assert_eq!(alert["expires_at"].as_i64().unwrap() - alert["created_at"].as_i64().unwrap(), 120_000);
        let id = alert["id"].as_str().unwrap();
        assert_eq!(rider.answer(id, answer).await, "recorded");
        assert_eq!(server.delivery(id).await["state"], state);
    }
    server.stop().await;
}

#[tokio::test]
async fn receipts_for_alerts_that_are_not_the_riders_change_nothing_and_are_got() {
    let server = TestServer::start("").await;
    let id = server.alert_for("r1", "order.assigned").await;
    server.rendered(&id).await;
    let untouched = server.alert(&id).await;
    let mut other = RiderSocket::connect(&server, "r2").await;
    let unknown = "alr_00000000000070008000000000000000";
    for strange in [id.as_str(), unknown, "not an id", ""] {
        other.report(strange, "played").await;
        assert_eq!(other.answer(strange, "confirm").await, "gone", "{strange}");
    }
    other.send(json!({"op": "ack", "seqs": [1, 2, -5, i64::MAX]})).await;
    assert!(other.so_far().await.is_empty());
    assert_eq!(server.alert(&id).await, untouched);
    server.stop().await;
}

#[tokio::test]
async fn what_is_most_pressing_comes_first() {
    let server = TestServer::start("").await;
    let kinds = ["announcement", "order.urged", "order.ready", "order.overdue"];
    for kind in kinds {
        let id = server.alert_for("r1", kind).await;
        server.rendered(&id).await;
    }
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(rider.welcome["open"].as_array().unwrap().len(), 4);
    let mut came = Vec::new();
    for _ in kinds {
        let alert = rider.alert().await;
        came.push((alert["urgency"].as_u64().unwrap(), alert["kind"].as_str().unwrap().to_owned()));
    }
    let expected = [(3, "order.overdue"), (2, "order.urged"), (1, "order.ready"), (0, "announcement")];
    assert_eq!(came, expected.map(|(urgency, kind)| (urgency, kind.to_owned())));
    server.stop().await;
}

#[tokio::test]
async fn trouble_at_the_client_is_told_and_ends_nothing() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    rider.alert().await;
    rider.report_with(&id, "failed", json!({"reason": "network"})).await;
    let delivery = server.delivery(&id).await;
    assert_eq!((&delivery["trouble"], &delivery["reason"]), (&json!("failed:network"), &Value::Null));
    server.stop().await;
}

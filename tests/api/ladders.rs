//! Ladders: what happens, step by step, while nobody answers, each step once; over a restart as well.

mod calls;
mod unheard;
mod widening;

use serde_json::{Value, json};

use crate::support::{Ear, QUICK, RiderSocket, TestServer, eventually, now_ms, words};

/// Posts an event with this ladder for these riders; the alert.
async fn ladder(server: &TestServer, kind: &str, riders: &[&str], offer: Value) -> String {
    let event = json!({"kind": kind, "order": {"id": "o-1", "short_no": "17"}, "target": {"riders": riders},
        "offer": offer});
    server.post_event(event).await["alert_id"].as_str().unwrap().to_owned()
}

/// Which steps of the alert were taken.
async fn done(server: &TestServer, alert: &str) -> Vec<bool> {
    let alert = server.alert(alert).await;
    alert["ladder"].as_array().unwrap().iter().map(|step| step["done"].as_bool().unwrap()).collect()
}

/// The notices so far, each as its kind, alert and rider.
async fn notices(server: &TestServer) -> Vec<Value> {
    let told = server.done("GET", "/v1/notices", Value::Null).await;
    told["notices"].as_array().unwrap().iter().map(|one| words(one, ["kind", "alert_id", "rider"])).collect()
}

/// Waits for so many notices.
async fn notices_of(server: &TestServer, count: usize) -> Vec<Value> {
    eventually("the notices", async || {
        let told = notices(server).await;
        (told.len() >= count).then_some(told)
    })
    .await
}

#[tokio::test]
async fn a_repeat_rings_again_and_louder_is_longer_and_louder() {
    let server = TestServer::start(&format!("{QUICK}[speech]\nbudget = \"15s\"\n")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 1, "do": "repeat"}, {"after_s": 2, "do": "louder"}]);
    let id = ladder(
        &server,
        "order.offered",
        &["r1"],
        json!({"mode": "assign", "timeout_s": 60, "ladder": steps}),
    )
    .await;
    let first = rider.alert().await;
    rider.ack(&first).await;
    rider.report(&id, "played").await;
    let second = rider.alert().await;
    assert_eq!(words(&second, ["id", "ring", "attempt"]), json!([id, 2, 2]));
    assert_eq!(second["seq"].as_i64(), first["seq"].as_i64().map(|seq| seq + 1));
    assert_eq!(second["audio"]["url"], first["audio"]["url"]);
    assert_eq!(second["repeat"]["remaining"], 3, "it is sounded again from the first time on");
    assert_eq!(words(&second, ["expires_at", "answer_by"]), words(&first, ["expires_at", "answer_by"]));
    rider.ack(&second).await;
    let third = rider.alert().await;
    assert_eq!(words(&third, ["id", "ring"]), json!([id, 3]));
    assert_ne!(third["audio"]["url"], first["audio"]["url"]);
    let (usual, louder) = (Ear::of(&server, &first["audio"]).await, Ear::of(&server, &third["audio"]).await);
    let longer_ms = louder.ends_ms - usual.ends_ms;
    assert!((300.0..2_500.0).contains(&longer_ms), "{longer_ms}");
    let chime = |ear: &Ear, end_ms| ear.volume(0.0, end_ms, "mean_volume:");
    let difference = chime(&louder, 1_100.0) - chime(&usual, 400.0);
    assert!(difference > 2.0, "{difference} dB");
    assert_eq!(done(&server, &id).await, [true, true]);
    assert_eq!(rider.answer(&id, "accept").await, "recorded");
    let delivery = server.delivery(&id).await;
    assert_eq!(words(&delivery, ["ring", "state"]), json!([3, "accepted"]));
    server.stop().await;
}

#[tokio::test]
async fn what_is_answered_is_not_rung_again() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 1, "do": "repeat"}, {"after_s": 1, "do": "desk"}]);
    let cases = [
        ("order.assigned", json!({"mode": "ack", "ladder": steps}), "confirm"),
        ("order.offered", json!({"mode": "assign", "ladder": steps}), "accept"),
        ("order.offered", json!({"mode": "assign", "ladder": steps}), "decline"),
        ("order.new", json!({"mode": "notify", "ladder": steps}), "played"),
        ("order.offered", json!({"mode": "assign", "ladder": steps}), "cancel"),
    ];
    let mut ids = Vec::new();
    for (kind, offer, answer) in cases {
        let id = server.post_event(json!({"kind": kind, "target": {"riders": ["r1"]}, "offer": offer})).await;
        let id = id["alert_id"].as_str().unwrap().to_owned();
        rider.alert().await;
        match answer {
            "played" => rider.report(&id, "played").await,
            "cancel" => {
                server.done("POST", &format!("/v1/alerts/{id}/cancel"), Value::Null).await;
                assert_eq!(rider.stopped(&id).await, "cancelled");
            }
            answer => assert_eq!(rider.answer(&id, answer).await, "recorded"),
        }
        ids.push(id);
    }
    rider.assert_no_alert_for(&server, 1_500).await;
    let declined = ids.remove(2);
    for id in ids {
        assert_eq!(done(&server, &id).await, [false, false]);
    }
    assert_eq!(done(&server, &declined).await, [false, true], "nobody has it: the desk is told at once");
    assert_eq!(notices_of(&server, 1).await, [json!(["alert.desk", declined, null])]);
    server.stop().await;
}

#[tokio::test]
async fn the_desk_is_told_and_so_is_the_end_of_a_ladder() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 1, "do": "desk"}, {"after_s": 2, "do": "exhausted"}]);
    let id =
        ladder(&server, "order.assigned", &["r1"], json!({"mode": "ack", "timeout_s": 60, "ladder": steps}))
            .await;
    rider.alert().await;
    let told = notices_of(&server, 2).await;
    assert_eq!(told, [json!(["alert.desk", id, null]), json!(["alert.exhausted", id, null])]);
    assert_eq!(rider.stopped(&id).await, "expired");
    let alert = server.alert(&id).await;
    assert_eq!(words(&alert, ["state", "winner"]), json!(["exhausted", null]));
    assert_eq!(rider.answer(&id, "confirm").await, "gone");

    // A reader goes on behind what it has seen.
    let page = server.done("GET", "/v1/notices?limit=1", Value::Null).await;
    let number = page["notices"][0]["number"].as_i64().unwrap();
    assert_eq!(words(&page["notices"][0], ["kind", "order_id"]), json!(["alert.desk", "o-1"]));
    let rest = server.done("GET", &format!("/v1/notices?after={number}"), Value::Null).await;
    assert_eq!(rest["notices"].as_array().unwrap().len(), 1);
    for query in ["after=x", "limit=0", "limit=201", "limit=-1"] {
        assert_eq!(server.get(&format!("/v1/notices?{query}")).await.status, 400, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_offer_with_a_ladder_whose_time_is_over_is_told_as_exhausted_once() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 0, "do": "repeat"}]);
    let id =
        ladder(&server, "order.offered", &["r1"], json!({"mode": "assign", "timeout_s": 1, "ladder": steps}))
            .await;
    rider.alert().await;
    assert_eq!(rider.stopped(&id).await, "expired");
    assert_eq!(notices_of(&server, 1).await, [json!(["alert.exhausted", id, null])]);
    assert_eq!(server.alert(&id).await["state"], "expired");
    server.stop().await;
}

#[tokio::test]
async fn a_restart_between_the_steps_takes_each_once_and_forgets_none() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let steps = json!([{"after_s": 0, "do": "desk"}, {"after_s": 2, "do": "repeat"}, {"after_s": 3, "do": "repeat"},
        {"after_s": 3, "do": "desk"}]);
    let id =
        ladder(&server, "order.assigned", &["r1"], json!({"mode": "ack", "timeout_s": 60, "ladder": steps}))
            .await;
    assert_eq!(rider.alert().await["ring"], 1);
    notices_of(&server, 1).await;
    let created = server.alert(&id).await["created_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    drop(rider);
    let folder = server.stop().await;
    eventually("all the steps are due", async || (now_ms() > created.as_millisecond() + 3_100).then_some(()))
        .await;
    let server = TestServer::start_in(folder, QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let first = rider.alert().await;
    rider.ack(&first).await;
    assert!(
        first["ring"].as_u64() <= Some(2),
        "rings that fell due together are not rung in one breath: {first}"
    );
    let mut last = first;
    while last["ring"] != 3 {
        last = rider.alert().await;
        rider.ack(&last).await;
    }
    assert_eq!(notices_of(&server, 2).await.len(), 2);
    assert_eq!(done(&server, &id).await, [true; 4]);
    rider.assert_no_alert().await;
    assert_eq!(notices(&server).await.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn an_app_has_ladders_of_its_own_by_kind() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let own = json!([{"after_s": 1, "do": "repeat"}]);
    server.done("PUT", "/v1/settings", json!({"ladders": {"order.assigned": own}})).await;
    let of = async |kind: &str, offer: Value| {
        let data =
            server.post_event(json!({"kind": kind, "target": {"riders": ["r1"]}, "offer": offer})).await;
        server.alert(data["alert_id"].as_str().unwrap()).await["ladder"].clone()
    };
    let step = json!({"level": 0, "after_s": 1, "do": "repeat", "fallback": false, "done": false});
    assert_eq!(of("order.assigned", Value::Null).await, json!([step]));
    assert_eq!(of("order.changed", Value::Null).await, json!([]), "another kind");
    assert_eq!(
        of("order.assigned", json!({"mode": "ack", "ladder": []})).await,
        json!([]),
        "the event's own wish"
    );
    rider.frame("the second ring", |frame| frame["op"] == "alert" && frame["ring"] == 2).await;
    server.done("PUT", "/v1/settings", json!({})).await;
    assert_eq!(of("order.assigned", Value::Null).await, json!([]), "no longer");
    server.stop().await;
}

//! Events that have their time, and events that come again and again; over a restart as well.

use serde_json::{Value, json};

use crate::support::{QUICK, RiderSocket, TestServer, eventually, now_ms, words};

async fn schedules(server: &TestServer) -> Vec<Value> {
    server.done("GET", "/v1/schedules", Value::Null).await["schedules"].as_array().unwrap().clone()
}

/// An event that is to ring so many milliseconds from now.
fn later(server: &TestServer, rider: &str, ms: i64) -> Value {
    json!({"kind": "order.new", "target": {"riders": [rider]}, "deliver_at": server.now_ms() + ms})
}

async fn pass(server: &TestServer, ms: i64) {
    let until = server.now_ms() + ms;
    eventually("time passes", async || (server.now_ms() > until).then_some(())).await;
}

#[tokio::test]
async fn a_scheduled_event_rings_at_its_time_and_not_before() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let mut event = later(&server, "r1", 2_000);
    event["id"] = json!("e-1");
    let due = event["deliver_at"].as_i64().unwrap();
    let data = server.post_event(event.clone()).await;
    assert_eq!(words(&data, ["outcome", "audience", "reachable"]), json!(["scheduled", 1, 0]));
    let id = data["alert_id"].as_str().unwrap();
    assert_eq!(data["alerts"], json!([{"alert_id": id, "deliveries": []}]));
    let waiting = server.alert(id).await;
    assert_eq!(words(&waiting, ["state", "deliveries"]), json!(["scheduled", []]));
    let starts: jiff::Timestamp = waiting["starts_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(starts.as_millisecond(), due);
    let mut again = server.post_event(event).await;
    assert_eq!(again["duplicate"], true);
    again["duplicate"] = json!(false);
    assert_eq!(again, data);
    rider.assert_no_alert().await;
    let alert = rider.alert().await;
    assert_eq!(alert["id"], id);
    let late_ms = server.now_ms() - due;
    assert!((0..1_500).contains(&late_ms), "{late_ms}");
    assert_eq!(alert["expires_at"].as_i64().unwrap() - due, 300_000, "its life begins at its time");
    assert_eq!(server.alert(id).await["state"], "active");
    server.stop().await;
}

#[tokio::test]
async fn a_scheduled_event_can_be_taken_back_before_its_time() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.post_event(later(&server, "r1", 1_000)).await["alert_id"].as_str().unwrap().to_owned();
    let mut of_order = later(&server, "r1", 1_000);
    of_order["order"] = json!({"id": "o-1"});
    let order = server.post_event(of_order).await["alert_id"].as_str().unwrap().to_owned();
    let cancelled = server.done("POST", &format!("/v1/alerts/{id}/cancel"), Value::Null).await;
    assert_eq!(cancelled, json!({"cancelled": 0}), "nobody had it yet");
    server.done("POST", "/v1/orders/o-1/cancel", Value::Null).await;
    pass(&server, 1_500).await;
    rider.assert_no_alert().await;
    for id in [id, order] {
        assert_eq!(words(&server.alert(&id).await, ["state", "deliveries"]), json!(["cancelled", []]));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_scheduled_event_outlives_a_restart() {
    let server = TestServer::start(QUICK).await;
    let before = server.post_event(later(&server, "r1", 1_000)).await["alert_id"].clone();
    let after = server.post_event(later(&server, "r1", 5_000)).await["alert_id"].clone();
    let due = server.now_ms() + 1_100;
    let folder = server.stop().await;
    eventually("the first is due", async || (now_ms() > due).then_some(())).await;
    let server = TestServer::start_in(folder, QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for id in [before, after] {
        rider.frame("the alert", |frame| frame["op"] == "alert" && frame["id"] == id).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_time_that_has_passed_is_now() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let data = server.post_event(later(&server, "r1", -60_000)).await;
    assert_eq!(words(&data, ["outcome", "reachable"]), json!(["alerted", 1]));
    assert_eq!(rider.alert().await["id"], data["alert_id"]);
    server.stop().await;
}

#[tokio::test]
async fn who_is_off_duty_at_its_time_is_passed_over() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.post_event(later(&server, "r1", 1_000)).await["alert_id"].as_str().unwrap().to_owned();
    rider.send(json!({"op": "state", "on_duty": false})).await;
    let delivery = eventually("its time has come", async || {
        server.alert(&id).await["deliveries"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(
        words(&delivery, ["first_status", "state", "reason"]),
        json!(["off_duty", "suppressed", "off_duty"])
    );
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn an_event_comes_again_every_so_many_seconds_until_it_is_ended() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event = json!({"id": "again", "kind": "shift.reminder", "target": {"riders": ["r1"]}, "recur": {"every_s": 1}});
    let data = server.post_event(event.clone()).await;
    assert_eq!(words(&data, ["outcome", "alerts", "reachable"]), json!(["scheduled", [], 0]));
    let id = data["schedule_id"].as_str().unwrap().to_owned();
    let mut again = server.post_event(event).await;
    assert_eq!(again["duplicate"], true);
    again["duplicate"] = json!(false);
    assert_eq!(again, data);
    let listed = schedules(&server).await;
    assert_eq!(listed.len(), 1, "posted twice, kept once");
    assert_eq!(words(&listed[0], ["schedule_id", "event_id", "recur"]), json!([id, "again", {"every_s": 1}]));
    let (first, second) = (rider.alert().await, rider.alert().await);
    assert_ne!(first["id"], second["id"], "each time is an alert of its own");
    assert_ne!(first["event_id"], second["event_id"]);
    assert_eq!(first["kind"], "shift.reminder");
    drop(rider);

    let folder = server.stop().await;
    let server = TestServer::start_in(folder, QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let before = rider.welcome["seq"].as_i64().unwrap();
    rider
        .frame("a time after the restart", |frame| frame["seq"].as_i64().is_some_and(|seq| seq > before))
        .await;
    let path = format!("/v1/schedules/{id}");
    assert_eq!(server.done("DELETE", &path, Value::Null).await, json!({"ended": true}));
    server.call("DELETE", &path, Value::Null).await.assert_problem(404, "not_found");
    server.call("DELETE", "/v1/schedules/none", Value::Null).await.assert_problem(404, "not_found");
    assert!(schedules(&server).await.is_empty());
    rider.so_far().await;
    pass(&server, 1_500).await;
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn an_event_comes_so_often_as_it_says_and_no_more() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let event =
        json!({"kind": "shift.reminder", "target": {"riders": ["r1"]}, "recur": {"every_s": 1, "times": 2}});
    server.post_event(event).await;
    rider.alert().await;
    rider.alert().await;
    eventually("it is over", async || schedules(&server).await.is_empty().then_some(())).await;
    pass(&server, 1_200).await;
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn a_cron_expression_is_read_by_the_apps_own_clock() {
    let server = TestServer::start(QUICK).await;
    for (zone, hour) in [("Asia/Shanghai", 1), ("America/New_York", 14), ("UTC", 9)] {
        server.done("PUT", "/v1/settings", json!({"time_zone": zone})).await;
        let event =
            json!({"kind": "shift.reminder", "target": {"riders": ["r1"]}, "recur": {"cron": "0 9 * * *"}});
        let id = server.post_event(event).await["schedule_id"].clone();
        let listed = schedules(&server).await;
        let mine = listed.iter().find(|one| one["schedule_id"] == id).unwrap();
        let next: jiff::Timestamp = mine["next_at"].as_str().unwrap().parse().unwrap();
        let next = next.in_tz(zone).unwrap();
        assert_eq!((next.hour(), next.minute()), (9, 0), "{zone} {mine}");
        let utc = next.in_tz("UTC").unwrap().hour();
        assert!(utc == hour || (zone == "America/New_York" && utc == 13), "{zone} {utc}");
    }
    server.stop().await;
}

#[tokio::test]
async fn times_that_cannot_be_are_refused_with_their_place() {
    let server = TestServer::start("").await;
    let in_32_days = server.now_ms() + 32 * 86_400_000;
    let soon = server.now_ms() + 60_000;
    let cases = [
        (json!({"deliver_at": in_32_days}), "bad_time", "/deliver_at"),
        (json!({"deliver_at": soon, "kind": "order.cancelled"}), "not_together", "/deliver_at"),
        (json!({"deliver_at": soon, "kind": "order.assigned"}), "not_together", "/deliver_at"),
        (json!({"deliver_at": "tomorrow"}), "bad_time", "/deliver_at"),
        (json!({"recur": {"cron": "0 0 30 2 *"}}), "bad_recurrence", "/recur"),
        (json!({"recur": {"cron": "61 * * * *"}}), "bad_recurrence", "/recur"),
        (json!({"recur": {"cron": "* * * * * *"}}), "bad_recurrence", "/recur"),
        (json!({"recur": {"cron": "hourly"}}), "bad_recurrence", "/recur"),
        (json!({"recur": {"cron": ""}}), "missing_member", "/recur/cron"),
        (json!({"recur": {"every_s": 60, "until": server.now_ms() - 1_000}}), "bad_recurrence", "/recur"),
        (json!({"recur": {"cron": "0 9 * * *", "every_s": 60}}), "not_together", "/recur/every_s"),
        (json!({"recur": {"every_s": 60}, "deliver_at": soon}), "not_together", "/recur"),
        (json!({"recur": {}}), "missing_member", "/recur/cron"),
        (json!({"recur": {"every_s": 0}}), "out_of_range", "/recur/every_s"),
        (json!({"recur": {"every_s": 2_678_401}}), "out_of_range", "/recur/every_s"),
        (json!({"recur": {"every_s": 60, "times": 0}}), "out_of_range", "/recur/times"),
        (json!({"recur": {"every_s": 60, "colour": 1}}), "unknown_member", "/recur/colour"),
        (json!({"recur": "daily"}), "wrong_type", "/recur"),
    ];
    for (members, error, pointer) in cases {
        let mut event = json!({"id": "bad", "kind": "order.new", "target": {"riders": ["r1"]}});
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let refused = server.call("POST", "/v1/events", event).await;
        assert_eq!(
            (refused.json["error"].as_str(), refused.json["pointer"].as_str()),
            (Some(error), Some(pointer)),
            "{members}"
        );
        refused.assert_problem(400, error);
    }
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    assert!(schedules(&server).await.is_empty());
    server.stop().await;
}

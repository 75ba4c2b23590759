//! Test keys: what they say reaches test riders alone, with its mark, and changes nothing real.

mod riders;

use std::time::Duration;

use futures_util::future::join_all;
use orderbell::domain::EpochMs;
use serde_json::{Value, json};

use crate::support::{Backend, QUICK, Reply, RiderSocket, TestServer, eventually, words};

/// A server, a key of it for tests, and short ways to use that.
struct Tests {
    server: TestServer,
    key: String,
}

impl Tests {
    async fn start() -> Self {
        let server = TestServer::start(QUICK).await;
        let key = server.test_key().await;
        Self { server, key }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Reply {
        self.server.call_as(&self.key, method, path, body).await
    }

    /// The `data` of a request that must succeed.
    async fn done(&self, method: &str, path: &str, body: Value) -> Value {
        let mut reply = self.call(method, path, body).await;
        assert_eq!(reply.status, 200, "{method} {path}: {}", reply.json);
        reply.json["data"].take()
    }

    async fn post(&self, event: Value) -> Value {
        self.done("POST", "/v1/events", event).await
    }

    /// Riders who are there for tests, with a session each.
    async fn riders<const N: usize>(&self) -> [RiderSocket; N] {
        let mut sockets = Vec::new();
        for n in 1..=N {
            let token = self.done("POST", &format!("/v1/riders/t{n}/token"), json!({})).await;
            let hello = json!({"token": token["token"], "device": "phone"});
            sockets.push(RiderSocket::hello(&self.server, hello).await);
        }
        sockets.try_into().ok().unwrap()
    }
}

/// The deliveries of an alert, as rider, first status and reason.
fn told(alert: &Value) -> Vec<Value> {
    let deliveries = alert["deliveries"].as_array().unwrap();
    deliveries.iter().map(|delivery| words(delivery, ["rider", "first_status", "reason"])).collect()
}

#[tokio::test]
async fn a_test_broadcast_to_a_whole_city_rings_two_test_riders() {
    const CITY: usize = 1_500;
    let tests = Tests::start().await;
    let server = &tests.server;
    let app = server.app("default").await.app.id;
    let store = server.state.dispatch.store();
    let known = (0..CITY).map(|n| {
        let rider = format!("r{n:04}").parse().unwrap();
        store.touch_rider(orderbell::domain::RiderKey { app, rider }, EpochMs(1))
    });
    for touched in join_all(known).await {
        touched.unwrap();
    }
    let mut real = RiderSocket::connect(server, "r0000").await;
    let [mut one, mut two] = tests.riders().await;
    let before = server.metric("orderbell_events_total{outcome=\"stored\"}").await;
    let event =
        json!({"id": "drill", "kind": "safety", "alert": {"text": "演习"}, "target": {"broadcast": true}});
    let answer = tests.post(event.clone()).await;
    let expected = json!([true, "alerted", CITY + 2, 2]);
    assert_eq!(
        words(&answer, ["test", "outcome", "audience", "reachable"]),
        expected,
        "the real one is not counted"
    );
    let id = answer["alert_id"].as_str().unwrap();
    for rider in [&mut one, &mut two] {
        let alert = rider.alert().await;
        assert_eq!(words(&alert, ["id", "test"]), json!([id, true]));
    }
    let over = eventually("all are told", async || {
        let alert = server.alert(id).await;
        (alert["delivery_count"] == CITY + 2).then_some(alert)
    })
    .await;
    assert_eq!(over["test"], true);
    let told = told(&over);
    assert!(told.iter().all(|told| told[1] == "suppressed" && told[2] == "test_mode"), "{told:?}");
    // What comes to the real rider first is the first that was said to them.
    let real_id = server.alert_for("r0000", "order.new").await;
    let first = real.alert().await;
    assert_eq!(words(&first, ["id", "test"]), json!([real_id, Value::Null]));
    real.assert_no_alert().await;
    let open = server.done("GET", "/v1/riders/r0000", Value::Null).await;
    assert_eq!(words(&open, ["test", "open_alerts"]), json!([false, 1]));
    assert_eq!(server.metric("orderbell_events_total{outcome=\"stored\"}").await, before + 1);
    assert_eq!(server.metric("orderbell_test_events_total{outcome=\"stored\"}").await, 1);
    let twice = tests.post(event).await;
    assert_eq!(words(&twice, ["test", "duplicate", "audience"]), json!([true, true, CITY + 2]));
    tests.server.stop().await;
}

#[tokio::test]
async fn a_test_offer_is_won_among_test_riders_and_its_backend_can_tell() {
    let backend = Backend::start(200, &json!({"outcome": "won"}), Duration::ZERO).await;
    let tests = Tests::start().await;
    let server = &tests.server;
    let mut real = RiderSocket::connect(server, "r1").await;
    let [mut one, mut two] = tests.riders().await;
    let ladder = json!([
        {"after_s": 0, "do": "http", "http": {"url": backend.url("/call?t={{ test }}"), "body": {"to": "{{ rider }}"}}},
        {"after_s": 50, "do": "repeat"}]);
    let offer = json!({"mode": "grab", "arbiter": "backend", "ladder": ladder});
    let answer = tests
        .post(json!({"kind": "order.available", "order": {"id": "o-1"}, "offer": offer,
            "target": {"riders": ["r1", "t1", "t2"]}, "callback_url": backend.url("/accepts")}))
        .await;
    let deliveries = &answer["alerts"][0]["deliveries"];
    assert_eq!(
        words(&deliveries[0], ["rider", "status", "reason"]),
        json!(["r1", "suppressed", "test_mode"])
    );
    assert_eq!(answer["reachable"], 2);
    let id = answer["alert_id"].as_str().unwrap();
    for rider in [&mut one, &mut two] {
        assert_eq!(words(&rider.alert().await, ["id", "test", "mode"]), json!([id, true, "grab"]));
    }
    let calls = backend.asked(2).await;
    let mut called: Vec<_> = calls.iter().map(|call| call.body["to"].as_str().unwrap()).collect();
    called.sort_unstable();
    assert_eq!(called, ["t1", "t2"], "nobody calls a real rider");
    for call in &calls {
        assert_eq!((call.line(), &call.body["test"]), ("POST /call?t=true", &json!(true)));
    }
    assert_eq!(two.answer(id, "accept").await, "won");
    let asked = backend.asked(3).await;
    assert_eq!(words(&asked[2].body, ["type", "rider", "test"]), json!(["offer.accept", "t2", true]));
    assert_eq!(one.stopped(id).await, "taken");
    let chime = one.alert().await;
    assert_eq!(words(&chime, ["kind", "test"]), json!(["order.taken", true]));
    assert_eq!(server.alert(id).await["winner"], "t2");
    // A real rider who names it is told that there is nothing to be had.
    assert_eq!(real.answer(id, "accept").await, "gone");
    real.assert_no_alert().await;
    let token = server.token("r1").await;
    let fallback = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    assert_eq!(fallback.json["data"]["alerts"], json!([]));
    tests.server.stop().await;
}

#[tokio::test]
async fn a_test_stops_nothing_real_and_nothing_real_stops_a_test() {
    let tests = Tests::start().await;
    let server = &tests.server;
    let mut real = RiderSocket::connect(server, "r1").await;
    let [mut mine] = tests.riders().await;
    let event = |rider: &str| json!({"id": "e-17", "kind": "order.offered", "order": {"id": "17"}, "target": {"riders": [rider]}});
    let real_id = server.post_event(event("r1")).await["alert_id"].clone();
    let answer = tests.post(event("t1")).await;
    assert_eq!(answer["duplicate"], false, "an id of a test is another event");
    let my_id = answer["alert_id"].clone();
    let (real_path, my_path) =
        [&real_id, &my_id].map(|id| format!("/v1/alerts/{}", id.as_str().unwrap())).into();
    real.alert().await;
    mine.alert().await;

    for (path, body) in [("cancel", json!({})), ("settle", json!({"winner": null}))] {
        tests.call("POST", &format!("{real_path}/{path}"), body).await.assert_problem(404, "not_found");
    }
    assert_eq!(tests.done("GET", &real_path, Value::Null).await["test"], Value::Null, "but it may look");
    assert_eq!(tests.done("GET", "/v1/events/e-17", Value::Null).await["alert_id"], my_id);
    assert_eq!(server.done("GET", "/v1/events/e-17", Value::Null).await["alert_id"], real_id);
    tests.post(json!({"id": "only", "kind": "order.new", "target": {"riders": ["t1"]}})).await;
    let seen = server.done("GET", "/v1/events/only", Value::Null).await;
    assert_eq!(words(&seen, ["test", "kind"]), json!([true, "order.new"]));

    assert_eq!(tests.done("POST", "/v1/orders/17/cancel", json!({})).await["cancelled"], 1);
    assert_eq!(mine.stopped(my_id.as_str().unwrap()).await, "cancelled");
    assert_eq!(server.done("GET", &real_path, Value::Null).await["state"], "active");
    assert_eq!(real.answer(real_id.as_str().unwrap(), "accept").await, "recorded");

    let again = json!({"kind": "order.offered", "order": {"id": "18"}, "target": {"riders": ["t1"]}});
    let next = tests.post(again.clone()).await["alert_id"].as_str().unwrap().to_owned();
    assert_eq!(server.done("POST", "/v1/orders/18/cancel", json!({})).await["cancelled"], 0);
    assert_eq!(server.alert(&next).await["state"], "active");
    assert_eq!(tests.post(again).await["outcome"], "alerted", "nor is it remembered as cancelled");
    let cancelled = server.done("POST", &format!("{my_path}/cancel"), json!({})).await;
    assert_eq!(cancelled["cancelled"], 0, "a live key finds a test by its id");
    tests.server.stop().await;
}

#[tokio::test]
async fn a_recurring_test_stays_a_test() {
    let tests = Tests::start().await;
    let server = &tests.server;
    let [mut mine] = tests.riders().await;
    let event = |id: &str| {
        json!({"id": id, "kind": "shift.reminder", "target": {"riders": ["t1", "r1"]},
            "recur": {"every_s": 1, "times": 600}})
    };
    let made = tests.post(event("test")).await;
    assert_eq!(words(&made, ["test", "outcome"]), json!([true, "scheduled"]));
    assert_eq!(tests.post(event("test")).await["schedule_id"], made["schedule_id"]);
    let live = json!({"id": "live", "kind": "shift.reminder", "target": {"riders": ["r1"]}, "recur": {"every_s": 3600}});
    let live = server.post_event(live).await["schedule_id"].as_str().unwrap().to_owned();
    let alert = mine.alert().await;
    assert_eq!(words(&alert, ["kind", "test"]), json!(["shift.reminder", true]));
    let told = told(&server.alert(alert["id"].as_str().unwrap()).await);
    assert!(told.contains(&json!(["r1", "suppressed", "test_mode"])), "{told:?}");
    let listed = server.done("GET", "/v1/schedules", Value::Null).await;
    let marks: Vec<_> =
        listed["schedules"].as_array().unwrap().iter().map(|one| one["test"].clone()).collect();
    assert_eq!(marks, [json!(true), Value::Null]);
    tests
        .call("DELETE", &format!("/v1/schedules/{live}"), Value::Null)
        .await
        .assert_problem(404, "not_found");
    let path = format!("/v1/schedules/{}", made["schedule_id"].as_str().unwrap());
    assert_eq!(tests.done("DELETE", &path, Value::Null).await, json!({"ended": true}));
    tests.server.stop().await;
}

#[tokio::test]
async fn a_notice_of_a_test_is_marked() {
    let tests = Tests::start().await;
    let ladder = json!([{"after_s": 0, "do": "desk"}]);
    let event = json!({"kind": "order.offered", "order": {"id": "o-1"}, "target": {"riders": ["r1"]},
        "offer": {"mode": "assign", "ladder": ladder}});
    let id = tests.post(event).await["alert_id"].clone();
    // Nobody has the offer, and nobody will: its ladder only tells the desk. It needs its sound for that.
    let notice = eventually("the desk is told", async || {
        let notices = tests.server.done("GET", "/v1/notices", Value::Null).await;
        notices["notices"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!(words(&notice, ["kind", "alert_id", "test"]), json!(["alert.desk", id, true]));
    tests.server.stop().await;
}

//! Dry runs: the sentence and the audience of an event that is not sent, and the same refusals as for one that is.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

use super::refusals::{ambiguous, wrong_types, wrong_values};
use crate::support::{RiderSocket, TestServer, reply, words};

async fn run(server: &TestServer, event: Value) -> Value {
    server.done("POST", "/v1/events/validate", event).await
}

#[tokio::test]
async fn it_tells_what_would_be_spoken_and_leaves_no_trace() {
    let server = TestServer::start("").await;
    let event = json!({"id": "e-1", "kind": "order.offered", "order": {"id": "o1", "short_no": "17", "platform": "meituan"},
        "target": {"riders": ["r1"]}, "offer": {"mode": "assign", "timeout_s": 30}});
    let before = server.metrics().await;
    let told = run(&server, event.clone()).await;
    assert_eq!(
        words(&told, ["valid", "event_id", "kind", "silent"]),
        json!([true, "e-1", "order.offered", false])
    );
    let alert = &told["alert"];
    assert_eq!(
        words(alert, ["mode", "need", "arbiter", "answer_s"]),
        json!(["assign", "accept", "service", 30])
    );
    assert_eq!((&alert["phrase"]["from"], &alert["phrase"]["lang"]), (&json!("built_in"), &json!("zh-CN")));
    assert!(alert["phrase"]["phrase"].as_str().unwrap().contains("{{ platform|platform }}"), "{alert}");
    let metric = |metrics: &str, name: &str| -> Vec<String> {
        metrics.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    };
    let after = server.metrics().await;
    for name in ["orderbell_events_total", "orderbell_speech_seconds", "orderbell_clips_total"] {
        assert_eq!(metric(&before, name), metric(&after, name), "{name}");
    }
    server.get("/v1/events/e-1").await.assert_problem(404, "not_found");
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    let real = server.post_event(event).await;
    assert_eq!(real["duplicate"], false, "no id was used up");
    let real = server.alert(real["alert_id"].as_str().unwrap()).await;
    for member in ["text", "said", "title", "lang", "urgency", "mode", "need", "arbiter"] {
        assert_eq!(real[member], alert[member], "{member}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_order_is_not_remembered_for_it() {
    let server = TestServer::start("").await;
    let news = |kind: &str, version: u32| json!({"kind": kind, "order": {"id": "o1", "version": version}, "target": {"riders": ["r1"]}});
    run(&server, news("order.cancelled", 9)).await;
    assert_eq!(server.post_event(news("order.new", 1)).await["outcome"], "alerted");
    server.stop().await;
}

#[tokio::test]
async fn it_says_which_phrase_speaks() {
    let server = TestServer::start("").await;
    let phrases = json!(["{{ shop|text }}新单", "来单了"]);
    server.done("PUT", "/v1/templates/order.new", json!({"lang": "zh-CN", "phrases": phrases})).await;
    let event = |alert: Value| json!({"kind": "order.new", "target": {"riders": ["r1"]}, "alert": alert});
    let phrase = async |alert: Value| run(&server, event(alert)).await["alert"]["phrase"].take();
    assert_eq!(
        phrase(json!({"vars": {"shop": "一店"}})).await,
        json!({"from": "own", "lang": "zh-CN", "place": 0, "phrase": "{{ shop|text }}新单"})
    );
    assert_eq!(
        phrase(json!({})).await,
        json!({"from": "own", "lang": "zh-CN", "place": 1, "phrase": "来单了"})
    );
    assert_eq!(phrase(json!({"text": "小心路滑"})).await, json!({"from": "text", "lang": "zh-CN"}));
    let english = phrase(json!({"lang": "en"})).await;
    assert_eq!((&english["from"], &english["lang"]), (&json!("built_in"), &json!("en")));
    server.stop().await;
}

#[tokio::test]
async fn a_kind_without_a_voice_is_silent() {
    let server = TestServer::start("").await;
    let told = run(&server, json!({"kind": "order.picked_up", "target": {"riders": ["r1"]}})).await;
    assert_eq!((&told["silent"], told.get("alert"), told.get("event_id")), (&json!(true), None, None));
    assert_eq!(told["target"]["reachable"], 0);
    server.stop().await;
}

#[tokio::test]
async fn it_counts_who_would_hear_it() {
    let server = TestServer::start("").await;
    let _on_the_road = RiderSocket::connect(&server, "online").await;
    let _resting = RiderSocket::connect(&server, "resting").await;
    server.done("PUT", "/v1/riders/away", json!({})).await;
    server.done("POST", "/v1/riders/resting/duty", json!({"on_duty": false})).await;
    server.done("PUT", "/v1/groups/north", json!({"riders": ["online", "away"]})).await;
    let target = async |target: Value| {
        run(&server, json!({"kind": "order.new", "target": target})).await["target"].take()
    };
    let named = target(json!({"riders": ["online", "resting", "away", "nobody"]})).await;
    assert_eq!(
        words(&named, ["audience", "reachable", "riders", "known", "on_duty", "online"]),
        json!([4, 1, 4, 3, 2, 2])
    );
    let anyone = target(json!({"riders": ["online", "resting"], "on_duty": false})).await;
    assert_eq!(anyone["reachable"], 2);
    let groups = target(json!({"groups": ["north", "south"], "exclude": ["away"]})).await;
    assert_eq!(words(&groups, ["audience", "reachable"]), json!([1, 1]));
    assert_eq!(
        groups["groups"],
        json!([{"group": "north", "members": 2}, {"group": "south", "members": null}])
    );
    let all = target(json!({"broadcast": true})).await;
    assert_eq!(words(&all, ["audience", "reachable", "broadcast"]), json!([3, 1, true]));
    server.get("/v1/riders/nobody").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn later_and_quiet_events_reach_nobody_now() {
    let server = TestServer::start("").await;
    let _on_the_road = RiderSocket::connect(&server, "r1").await;
    let event = |more: Value| {
        let mut event = json!({"kind": "income.received", "target": {"riders": ["r1"]}});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    assert_eq!(run(&server, event(json!({}))).await["target"]["reachable"], 1);
    let later = run(&server, event(json!({"deliver_at": server.now_ms() + 3_600_000}))).await;
    assert_eq!(later["target"]["reachable"], 0);
    assert!(later["alert"]["starts_at"].is_string());
    let recurring = run(&server, event(json!({"recur": {"every_s": 60}}))).await;
    assert_eq!(recurring["target"]["reachable"], 0);
    assert!(recurring["first_at"].is_string());
    assert_eq!(server.done("GET", "/v1/schedules", Value::Null).await["schedules"], json!([]));
    server
        .done(
            "PUT",
            "/v1/settings",
            json!({"quiet_hours": {"from": "00:00", "to": "23:59"}, "time_zone": "UTC"}),
        )
        .await;
    let minute = server.now_ms() / 60_000 % 1_440;
    let hushed = run(&server, event(json!({}))).await;
    assert_eq!(hushed["alert"]["hushed"], minute != 1_439);
    server.stop().await;
}

#[tokio::test]
async fn what_would_be_refused_is_refused_with_the_same_words() {
    let server = TestServer::start("").await;
    let cases = ambiguous().into_iter().chain(wrong_types()).chain(wrong_values());
    for (body, error, pointer) in cases {
        let shown = String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned();
        let request = server.request("POST", "/v1/events/validate").bearer_auth(&server.key).body(body);
        let refused = reply(request.header("content-type", "application/json")).await;
        if shown.starts_with('[') {
            refused.assert_problem(400, "not_supported");
            continue;
        }
        assert_eq!(refused.json["error"], error, "{shown}: {}", refused.json);
        refused.assert_problem(400, error);
        assert_eq!(refused.json["pointer"], pointer, "{shown}");
    }
    let reader = server.key_with(&[Scope::Read]).await;
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
    let refused = server.call_as(&reader, "POST", "/v1/events/validate", event).await;
    refused.assert_problem(403, "missing_scope");
    server.stop().await;
}

#[tokio::test]
async fn every_form_may_be_tried_and_no_batch() {
    let server = TestServer::start("").await;
    let message = json!({"type": "com.example.order.new", "data": {"rider_id": "r1"}});
    assert_eq!(run(&server, message).await["kind"], "order.new");
    let body = include_str!("../payloads/cloudevent.json");
    let post = |media: &'static str, body: String| {
        let request = server.request("POST", "/v1/events/validate").bearer_auth(&server.key).body(body);
        reply(request.header("content-type", media))
    };
    let told = post("application/cloudevents+json", body.to_owned()).await;
    assert_eq!(told.json["data"]["event_id"], "/shops/42/orders#A234-0017");
    let batch = post("application/cloudevents-batch+json", format!("[{body}]")).await;
    batch.assert_problem(400, "not_supported");
    server.get("/v1/riders/r_1001").await.assert_problem(404, "not_found");
    server.stop().await;
}

//! Offers and ladders that cannot be: each is refused with a stable word and the place of the fault.

use serde_json::{Value, json};

use crate::support::TestServer;

fn step(more: &Value) -> Value {
    let mut step = json!({"after_s": 10, "do": "repeat"});
    step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"mode": "assign", "ladder": [{"after_s": 5, "do": "repeat"}, step]})
}

fn many(count: usize) -> Value {
    (0..count).map(|n| json!({"after_s": n, "do": "repeat"})).collect()
}

#[tokio::test]
async fn an_offer_that_cannot_be_is_refused_with_its_place() {
    let server = TestServer::start("").await;
    let ids: Vec<String> = (0..51).map(|n| format!("r{n}")).collect();
    let cases = [
        (json!([]), "wrong_type", "/offer"),
        (json!({}), "missing_member", "/offer/mode"),
        (json!({"mode": "auction"}), "unknown_value", "/offer/mode"),
        (json!({"mode": 1}), "wrong_type", "/offer/mode"),
        (json!({"mode": "grab", "colour": 1}), "unknown_member", "/offer/colour"),
        (json!({"mode": "grab", "timeout_s": 0}), "out_of_range", "/offer/timeout_s"),
        (json!({"mode": "grab", "timeout_s": -5}), "out_of_range", "/offer/timeout_s"),
        (json!({"mode": "grab", "timeout_s": 3_601}), "out_of_range", "/offer/timeout_s"),
        (json!({"mode": "grab", "timeout_s": 1e300}), "number_too_large", "/offer/timeout_s"),
        (json!({"mode": "grab", "timeout_s": "30"}), "wrong_type", "/offer/timeout_s"),
        (json!({"mode": "grab", "arbiter": "desk"}), "unknown_value", "/offer/arbiter"),
        (json!({"mode": "ack", "arbiter": "backend"}), "not_together", "/offer/arbiter"),
        (json!({"mode": "notify", "arbiter": "backend"}), "not_together", "/offer/arbiter"),
        (json!({"mode": "assign", "candidates": ["a b"]}), "bad_id", "/offer/candidates/0"),
        (json!({"mode": "assign", "candidates": "r2"}), "wrong_type", "/offer/candidates"),
        (json!({"mode": "assign", "candidates": ids}), "too_many", "/offer/candidates"),
        (json!({"mode": "assign", "ladder": {}}), "wrong_type", "/offer/ladder"),
        (json!({"mode": "assign", "ladder": many(17)}), "too_many", "/offer/ladder"),
        (
            json!({"mode": "assign", "ladder": [{"after_s": 5, "do": "next"}]}),
            "no_candidates",
            "/offer/ladder",
        ),
        (
            json!({"mode": "assign", "ladder": [{"after_s": 5, "do": "repeat"}, {"after_s": 4, "do": "repeat"}]}),
            "out_of_order",
            "/offer/ladder",
        ),
        (step(&json!({"do": "shout"})), "unknown_step", "/offer/ladder/1/do"),
        (step(&json!({"do": 7})), "wrong_type", "/offer/ladder/1/do"),
        (step(&json!({"do": null})), "missing_member", "/offer/ladder/1/do"),
        (step(&json!({"after_s": null})), "missing_member", "/offer/ladder/1/after_s"),
        (step(&json!({"after_s": -1})), "out_of_range", "/offer/ladder/1/after_s"),
        (step(&json!({"after_s": 86_401})), "out_of_range", "/offer/ladder/1/after_s"),
        (step(&json!({"fallback": "yes"})), "wrong_type", "/offer/ladder/1/fallback"),
        (step(&json!({"volume": 11})), "unknown_member", "/offer/ladder/1/volume"),
        (step(&json!({"do": "http"})), "missing_member", "/offer/ladder/1/http"),
        (step(&json!({"http": {"url": "https://a.example/"}})), "not_together", "/offer/ladder/1/http"),
        (step(&json!({"do": "station", "group": "a b"})), "bad_id", "/offer/ladder/1/group"),
    ];
    for (offer, error, pointer) in cases {
        let event =
            json!({"id": "bad", "kind": "order.offered", "target": {"riders": ["r1"]}, "offer": offer});
        let refused = server.call("POST", "/v1/events", event).await;
        let told = (refused.json["error"].as_str(), refused.json["pointer"].as_str());
        assert_eq!(told, (Some(error), Some(pointer)), "{offer}: {}", refused.json);
        refused.assert_problem(400, error);
    }
    server.get("/v1/events/bad").await.assert_problem(404, "not_found");
    server.get("/v1/riders/r1").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn the_longest_and_the_largest_that_may_be_are_taken() {
    let server = TestServer::start("").await;
    let candidates: Vec<String> = (0..50).map(|n| format!("r{n}")).collect();
    let mut ladder = many(15);
    ladder.as_array_mut().unwrap().push(json!({"after_s": 86_400, "do": "ring", "fallback": false}));
    let offer = json!({"mode": "grab", "timeout_s": 3_600, "arbiter": "service", "candidates": candidates, "ladder": ladder});
    let event = json!({"kind": "order.offered", "target": {"riders": ["r1"]}, "offer": offer});
    let id = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let alert = server.alert(&id).await;
    assert_eq!(alert["ladder"].as_array().unwrap().len(), 16);
    assert_eq!(alert["ladder"][15]["do"], "repeat", "ring is another word for repeat");
    server.stop().await;
}

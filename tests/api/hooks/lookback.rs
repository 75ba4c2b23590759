//! What a hook keeps of what it was sent, so that its owner sees what came, mends the profile, and has it done again.

use serde_json::{Value, json};

use super::hook::TestHook;
use crate::support::{NO_CAP, RiderSocket, TestServer};

#[tokio::test]
async fn what_maps_to_nothing_is_acknowledged_seen_and_done_again_once_the_profile_is_mended() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hook = TestHook::plain(&server, "mended", json!({"map": {"order": {"id": "body.orderId"}}})).await;
    // Its owner has misspelt where the rider stands.
    let mut profile = hook.look().await["profile"].clone();
    profile["map"]["target"]["riders"] = json!("[body.courier]");
    assert_eq!(hook.put(json!({"profile": profile})).await.status, 200);
    let sent = json!({"id": "e1", "kind": "order.new", "orderId": "o1", "rider": "r1",
        "phone": "13000000001", "remark": "不要辣"});
    let told = hook.send_json(&sent).await;
    assert_eq!(told.status, 200, "{}", told.text());
    rider.assert_no_alert().await;
    let unmapped = hook.deliveries("unmapped", 1).await;
    let id = unmapped[0]["delivery_id"].as_str().unwrap().to_owned();
    let whole = hook.delivery(&id).await;
    assert_eq!((&whole["status"], &whole["events"]), (&json!(200), &json!([])));
    assert!(!whole.to_string().contains("13000000001"), "{whole}");
    assert!(whole["items"][0]["error"].as_str().is_some_and(|word| !word.is_empty()), "{whole}");

    profile["map"]["target"]["riders"] = json!("[body.rider]");
    assert_eq!(hook.put(json!({"profile": profile})).await.status, 200);
    let path = format!("/v1/hooks/{}/deliveries/{id}/replay", hook.id);
    let done = server.done("POST", &path, Value::Null).await;
    assert_eq!((&done["verdict"], &done["events"]), (&json!("mapped"), &json!(["e1"])), "{done}");
    assert_eq!(rider.alert().await["order_id"], "o1");
    // Once more is a duplicate, as it would be from the sender.
    let done = server.done("POST", &path, Value::Null).await;
    assert_eq!(done["verdict"], "duplicate", "{done}");
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_kept_is_listed_newest_first_page_by_page() {
    let server = TestServer::start(NO_CAP).await;
    let hook = TestHook::plain(&server, "pages", json!({})).await;
    for n in 0..5 {
        let event = json!({"id": format!("e{n}"), "kind": "order.new", "order": "o", "rider": "r1"});
        assert_eq!(hook.send_json(&event).await.status, 200);
        hook.deliveries("mapped", n + 1).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/hooks/{}/deliveries?limit=2&cursor={cursor}", hook.id);
        let page = server.done("GET", &path, Value::Null).await;
        let list = page["deliveries"].as_array().unwrap();
        assert!(list.len() <= 2);
        seen.extend(list.iter().map(|kept| kept["events"][0].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut cursor);
    }
    assert_eq!(seen, ["e4", "e3", "e2", "e1", "e0"]);
    for (query, error) in [
        ("verdict=lost", "unknown_value"),
        ("limit=0", "out_of_range"),
        ("cursor=AAAA", "bad_cursor"),
        ("verdit=mapped", "bad_query"),
    ] {
        let path = format!("/v1/hooks/{}/deliveries?{query}", hook.id);
        server.get(&path).await.assert_problem(400, error);
    }
    let missing = format!("/v1/hooks/{}/deliveries/hkd_00000000000070008000000000000000", hook.id);
    server.get(&missing).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn an_order_that_goes_to_another_rider_and_back_is_heard_three_times() {
    let server = TestServer::start(NO_CAP).await;
    let mut a = RiderSocket::connect(&server, "a").await;
    let mut b = RiderSocket::connect(&server, "b").await;
    // An id made of order, status and rider alone: the third assignment says the same as the first.
    let hook = TestHook::plain(
        &server,
        "back",
        json!({"map": {"id": "body.order ~ ':' ~ body.rider", "called_at": "body.sent_at"}}),
    )
    .await;
    let begun = server.now_ms();
    let assign = async |rider: &str, later_s: i64| {
        let at = begun + later_s * 1_000;
        let told = hook
            .send_json(&json!({"kind": "order.assigned", "order": "o1", "rider": rider, "sent_at": at}))
            .await;
        assert_eq!(told.status, 200, "{}", told.text());
    };
    assign("a", -3).await;
    assert_eq!(a.alert().await["kind"], "order.assigned");
    assign("b", -2).await;
    assert_eq!(b.alert().await["kind"], "order.assigned");
    a.frame("that it is gone", |frame| frame["kind"] == "order.reassigned_away").await;
    assign("a", -1).await;
    assert_eq!(a.alert().await["kind"], "order.assigned");
    // The third again is a repeat.
    assign("a", -1).await;
    a.assert_no_alert().await;
    assert_eq!(hook.count("mapped").await, 3);
    server.stop().await;
}

#[tokio::test]
async fn a_known_id_with_another_body_is_acknowledged_and_changes_nothing() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hook = TestHook::plain(&server, "again", json!({})).await;
    let event = json!({"id": "e1", "kind": "order.new", "order": "o1", "rider": "r1"});
    let first = hook.send_json(&event).await;
    assert_eq!(rider.alert().await["order_id"], "o1");
    let other = json!({"id": "e1", "kind": "order.new", "order": "o2", "rider": "r1"});
    let again = hook.send_json(&other).await;
    assert_eq!((again.status, again.bytes), (first.status, first.bytes));
    rider.assert_no_alert().await;
    assert_eq!(hook.count("duplicate").await, 1);
    server.stop().await;
}

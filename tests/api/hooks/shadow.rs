//! Hooks beside what runs today: nobody hears what a shadow makes, and a share of stations that grows does.

use serde_json::{Value, json};

use super::hook::TestHook;
use crate::support::{NO_CAP, RiderSocket, TestServer};

/// One order of a station.
fn order(n: usize) -> Value {
    json!({"id": format!("e{n}"), "kind": "order.new", "order": format!("o{n}"), "rider": "r1",
        "shop": format!("shop-{n}")})
}

fn stationed() -> Value {
    json!({"map": {"station": "body.shop"}})
}

#[tokio::test]
async fn in_shadow_mode_the_event_is_there_and_nobody_hears_it() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hook = TestHook::plain(&server, "shadow", stationed()).await;
    let profile = hook.look().await["profile"].clone();
    assert_eq!(hook.put(json!({"profile": profile, "mode": "shadow"})).await.status, 200);
    assert_eq!(hook.send_json(&order(1)).await.status, 200);
    let mapped = hook.deliveries("mapped", 1).await;
    assert_eq!(mapped[0]["events"], json!(["e1"]));
    let event = server.done("GET", "/v1/events/e1", Value::Null).await;
    assert_eq!((&event["kind"], &event["test"]), (&json!("order.new"), &json!(true)));
    rider.assert_no_alert_for(&server, 300).await;

    assert_eq!(hook.put(json!({"profile": profile})).await.status, 200);
    assert_eq!(hook.send_json(&order(2)).await.status, 200);
    assert_eq!(rider.alert().await["order_id"], "o2");
    server.stop().await;
}

#[tokio::test]
async fn a_share_of_stations_is_live_and_stays_so_as_it_grows() {
    let server = TestServer::start(NO_CAP).await;
    let hook = TestHook::plain(&server, "share", stationed()).await;
    let profile = hook.look().await["profile"].clone();
    let mut live = Vec::new();
    for percent in [0, 30, 70, 100] {
        let wish = json!({"profile": profile, "mode": "shadow", "live_percent": percent});
        assert_eq!(hook.put(wish).await.status, 200);
        let mut now = Vec::new();
        for n in 0..40 {
            let mut order = order(n);
            order["id"] = json!(format!("e{n}-{percent}"));
            assert_eq!(hook.send_json(&order).await.status, 200);
            let event = server.done("GET", &format!("/v1/events/e{n}-{percent}"), Value::Null).await;
            if event["test"] != true {
                now.push(n);
            }
        }
        assert!(live.iter().all(|n| now.contains(n)), "{percent}: {live:?} {now:?}");
        live = now;
        match percent {
            0 => assert!(live.is_empty(), "{live:?}"),
            100 => assert_eq!(live.len(), 40),
            share => assert!(live.len() > share / 10 && live.len() < 38, "{share}: {live:?}"),
        }
    }
    server.stop().await;
}

//! The end of a login or of a shift silences what was sent, by name, before anything is closed.

use serde_json::{Value, json};

use crate::support::{Minter, RiderSocket, TestServer};

/// Two alerts that were sent to this rider and have not ended.
async fn sounding(server: &TestServer, rider: &mut RiderSocket) -> Vec<String> {
    let mut ids = Vec::new();
    for kind in ["order.new", "order.assigned"] {
        ids.push(server.alert_for("r1", kind).await);
        let alert = rider.alert().await;
        rider.ack(&alert).await;
    }
    ids
}

/// That the next thing told is a stop of these, and then the end.
async fn is_silenced(rider: &mut RiderSocket, mut ids: Vec<String>, code: u16) {
    let bye = rider.bye().await;
    assert_eq!(bye["code"], code);
    let stop = rider.op("stop").await;
    let mut stopped: Vec<String> =
        stop["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    stopped.sort();
    ids.sort();
    assert_eq!((stopped, &stop["reason"]), (ids, &json!("logout")));
}

#[tokio::test]
async fn tokens_that_are_revoked_end_the_login_and_the_alerts_wait_for_the_next() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let ids = sounding(&server, &mut rider).await;
    let token = Minter::of(&server, "default").await.token("r1", &json!({}));
    assert_eq!(server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await.status, 200);
    server.done("PUT", "/v1/riders/r1", json!({"revoke_tokens": true})).await;
    is_silenced(&mut rider, ids.clone(), 4000).await;
    let open = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    open.assert_problem(401, "bad_token");
    for id in ids {
        assert_eq!(server.delivery(&id).await["reason"], Value::Null, "the rider may log in again");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_newer_device_silences_the_older_one_and_sounds_itself() {
    let server = TestServer::start("").await;
    let mut old = RiderSocket::connect(&server, "r1").await;
    let ids = sounding(&server, &mut old).await;
    let hello = json!({"token": server.token("r1").await, "device": "tablet"});
    let mut new = RiderSocket::hello(&server, hello).await;
    is_silenced(&mut old, ids.clone(), 4001).await;
    assert_eq!(new.welcome["open"].as_array().unwrap().len(), 2);
    for _ in 0..2 {
        assert!(ids.contains(&new.alert().await["id"].as_str().unwrap().to_owned()));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_end_of_a_shift_stops_by_name_and_leaves_what_is_for_anyone() {
    let server = TestServer::start("").await;
    for by_backend in [true, false] {
        server.done("POST", "/v1/riders/r1/duty", json!({"on_duty": true})).await;
        let mut rider = RiderSocket::connect(&server, "r1").await;
        let ids = sounding(&server, &mut rider).await;
        let anyone = json!({"kind": "announcement", "target": {"riders": ["r1"], "on_duty": false}});
        let stays = server.post_event(anyone).await["alert_id"].as_str().unwrap().to_owned();
        rider.frame("the announcement", |frame| frame["id"] == stays).await;
        if by_backend {
            server.done("PUT", "/v1/riders/r1", json!({"on_duty": false})).await;
        } else {
            rider.send(json!({"op": "state", "on_duty": false})).await;
        }
        for id in &ids {
            assert_eq!(rider.stopped(id).await, "off_duty");
            assert_eq!(server.delivery(id).await["reason"], "off_duty");
        }
        assert_eq!(server.delivery(&stays).await["reason"], Value::Null);
        rider.report(&stays, "played").await;
        let rest = rider.so_far().await;
        assert!(rest.iter().all(|frame| frame["op"] != "stop" && frame["op"] != "bye"), "{rest:?}");
    }
    server.stop().await;
}

//! `POST /v1/alerts/{id}/settle`: the backend's decision, whether or not it was asked for.

use serde_json::{Value, json};

use super::{delivery_of, offer, riders};
use crate::support::{QUICK, RiderSocket, TestServer, words};

async fn settle(server: &TestServer, alert: &str, body: Value) -> crate::support::Reply {
    server.call("POST", &format!("/v1/alerts/{alert}/settle"), body).await
}

#[tokio::test]
async fn a_settlement_is_made_once_and_told_again_to_who_asks_again() {
    let server = TestServer::start(QUICK).await;
    let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
    let grab = json!({"mode": "grab", "arbiter": "backend"});
    let id = offer(&server, &["r1", "r2"], grab).await;
    one.alert().await;
    two.alert().await;

    let refused = settle(&server, &id, json!({"winner": "r9"})).await;
    refused.assert_problem(400, "not_offered");
    assert_eq!(refused.json["pointer"], "/winner");
    let missing = settle(&server, &id, json!({})).await;
    missing.assert_problem(400, "missing_member");
    assert_eq!(missing.json["pointer"], "/winner");
    settle(&server, &id, json!({"winner": 7.5})).await.assert_problem(400, "wrong_type");
    settle(&server, &id, json!({"winner": "a b"})).await.assert_problem(400, "bad_id");
    settle(&server, &id, json!({"winner": "r1", "loser": "r2"})).await.assert_problem(400, "unknown_member");
    let unknown = "alr_00000000000070008000000000000000";
    settle(&server, unknown, json!({"winner": "r1"})).await.assert_problem(404, "not_found");
    settle(&server, "nonsense", json!({"winner": "r1"})).await.assert_problem(404, "not_found");
    assert_eq!(server.alert(&id).await["state"], "active", "nothing of this has decided anything");

    let first = settle(&server, &id, json!({"winner": "r2"})).await;
    assert_eq!((first.status, &first.json["data"]), (200, &json!({"winner": "r2", "settled": 2})));
    let again = settle(&server, &id, json!({"winner": "r2"})).await;
    assert_eq!((again.status, &again.json["data"]["winner"]), (200, &json!("r2")));
    settle(&server, &id, json!({"winner": "r1"})).await.assert_problem(409, "already_settled");
    settle(&server, &id, json!({"winner": null})).await.assert_problem(409, "already_settled");
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["accepted", "r2"]));
    assert_eq!(one.stopped(&id).await, "taken");
    assert_eq!(one.answer(&id, "accept").await, "lost");
    assert_eq!(two.answer(&id, "accept").await, "won");
    server.stop().await;
}

#[tokio::test]
async fn an_offer_that_none_of_ours_gets_is_lost_to_all() {
    let server = TestServer::start(QUICK).await;
    let [mut one, mut two]: [RiderSocket; 2] = riders(&server).await;
    let id = offer(&server, &["r1", "r2"], json!({"mode": "grab", "arbiter": "backend"})).await;
    one.alert().await;
    two.alert().await;
    // No address to ask at: the accept waits for the settlement.
    let n = one.say_answer(&id, "accept").await;
    assert_eq!(one.outcome(n, &id).await, "pending");
    for _ in 0..2 {
        assert_eq!(settle(&server, &id, json!({"winner": null})).await.status, 200);
    }
    assert_eq!(one.outcome(n, &id).await, "lost");
    for rider in [&mut one, &mut two] {
        assert_eq!(rider.stopped(&id).await, "taken");
        assert_eq!(rider.alert().await["kind"], "order.taken");
    }
    assert_eq!(words(&server.alert(&id).await, ["state", "winner"]), json!(["cancelled", null]));
    assert_eq!(words(&delivery_of(&server, &id, "r1").await, ["state", "reason"]), json!(["lost", "taken"]));
    settle(&server, &id, json!({"winner": "r1"})).await.assert_problem(409, "already_settled");
    server.stop().await;
}

#[tokio::test]
async fn a_backend_may_settle_what_the_service_would_decide_and_nobody_can_settle_what_is_no_offer() {
    let server = TestServer::start(QUICK).await;
    let mut one = RiderSocket::connect(&server, "r1").await;
    let id = offer(&server, &["r1", "r2"], json!({"mode": "grab", "arbiter": "service"})).await;
    one.alert().await;
    assert_eq!(settle(&server, &id, json!({"winner": "r1"})).await.status, 200);
    assert_eq!(one.answer(&id, "accept").await, "won");
    let told = server.alert_for("r1", "order.new").await;
    settle(&server, &told, json!({"winner": "r1"})).await.assert_problem(409, "no_offer");
    server.stop().await;
}

#[tokio::test]
async fn another_tenants_offer_is_unknown() {
    let server = TestServer::start(QUICK).await;
    server.accounts().create_app("other").await.unwrap();
    let theirs = server.key_of("other", &[orderbell::domain::app::Scope::Admin]).await;
    let id = offer(&server, &["r1"], json!({"mode": "grab"})).await;
    let path = format!("/v1/alerts/{id}/settle");
    server.call_as(&theirs, "POST", &path, json!({"winner": "r1"})).await.assert_problem(404, "not_found");
    let reader = server.key_with(&[orderbell::domain::app::Scope::Read]).await;
    server
        .call_as(&reader, "POST", &path, json!({"winner": "r1"}))
        .await
        .assert_problem(403, "missing_scope");
    assert_eq!(server.alert(&id).await["state"], "active");
    server.stop().await;
}

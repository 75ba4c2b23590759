//! Everything kept of one rider, as they may ask for it.

use orderbell::dispatch::LinkWish;
use orderbell::domain::RiderKey;
use orderbell::domain::app::Scope;
use orderbell::domain::wechat::{Linked, Template};
use serde_json::{Value, json};

use crate::support::TestServer;

#[tokio::test]
async fn everything_of_a_rider_is_exported_in_pages() {
    let server = TestServer::start(crate::support::NO_CAP).await;
    server.done("PUT", "/v1/riders/r1", json!({"devices": "all"})).await;
    server.done("PUT", "/v1/groups/east", json!({"riders": ["r1"]})).await;
    let token = server.token("r1").await;
    let check = json!({"audio": "ok"});
    assert_eq!(server.call_as(&token, "POST", "/v1/rider/checks", check.clone()).await.status, 200);
    let event = json!({"kind": "order.assigned", "order": {"id": "o1"}, "ext": {"note": "mine"},
        "target": {"riders": ["r1"]}});
    let mut alerts = vec![server.post_event(event).await["alert_id"].clone()];
    for _ in 0..4 {
        alerts.push(json!(server.alert_for("r1", "announcement").await));
    }
    server.alert_for("r2", "order.new").await;

    let first = server.get("/v1/riders/r1/export?limit=2").await;
    assert_eq!(first.header("content-disposition"), "attachment; filename=\"rider.json\"");
    let file = &first.json["data"];
    assert_eq!((&file["rider"], &file["profile"]["devices"]), (&json!("r1"), &json!("all")));
    assert_eq!((&file["groups"], &file["checks"][0]["result"]), (&json!(["east"]), &check));
    assert_eq!(file["orders"], json!([{"order_id": "o1"}]));
    assert_eq!(file["deliveries"][0]["ext"], json!({"note": "mine"}));
    assert_eq!(file["deliveries"][0]["delivery"]["rider"], "r1");
    let (mut seen, mut next) = (Vec::new(), first.json["data"].clone());
    loop {
        seen.extend(next["deliveries"].as_array().unwrap().iter().map(|row| row["alert_id"].clone()));
        let Some(cursor) = next["next"].as_str() else { break };
        let path = format!("/v1/riders/r1/export?limit=2&cursor={cursor}");
        next = server.done("GET", &path, Value::Null).await;
        assert_eq!(
            (&next["profile"], &next["groups"]),
            (&Value::Null, &json!([])),
            "that came with the first"
        );
    }
    assert_eq!(seen, alerts, "each once, in their order");

    let cursor = file["next"].as_str().unwrap();
    for (path, error) in [
        (format!("/v1/riders/r2/export?cursor={cursor}"), "bad_cursor"),
        ("/v1/riders/r1/export?cursor=7".to_owned(), "bad_cursor"),
        ("/v1/riders/r1/export?limit=0".to_owned(), "out_of_range"),
        ("/v1/riders/r1/export?limit=201".to_owned(), "out_of_range"),
        ("/v1/riders/r1/export?limit=x".to_owned(), "out_of_range"),
    ] {
        server.get(&path).await.assert_problem(400, error);
    }
    server.get("/v1/riders/nobody/export").await.assert_problem(404, "not_found");
    let reader = server.key_with(&[Scope::Read, Scope::Riders]).await;
    let refused = server.call_as(&reader, "GET", "/v1/riders/r1/export", Value::Null).await;
    refused.assert_problem(403, "missing_scope");
    server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    server.get("/v1/riders/r1/export").await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn who_a_rider_is_in_wechat_is_exported_and_erased() {
    let server = TestServer::start("").await;
    let dispatch = &server.state.dispatch;
    let app = dispatch.accounts().app_named("default").await.unwrap().unwrap().app.id;
    let rider = || RiderKey { app, rider: "r1".parse().unwrap() };
    let template = Template { program: "wx1".parse().unwrap(), id: "t1".parse().unwrap() };
    let wishes = [
        LinkWish::UnionId("u1".parse().unwrap()),
        LinkWish::OpenId(template.program.clone(), "o-canary".parse().unwrap()),
    ];
    for wish in wishes {
        assert_eq!(dispatch.wechat_link(rider(), wish).await.unwrap(), Linked::Linked);
    }
    dispatch.wechat_bank(rider(), template, 2).await.unwrap();
    let mut identities =
        server.done("GET", "/v1/riders/r1/export", Value::Null).await["wechat_identities"].take();
    for identity in identities.as_array_mut().unwrap() {
        assert!(identity["linked_at"].take().is_string());
    }
    let linked = |program: Value, openid: Value, unionid: Value, template: Value, banked: u32| {
        json!({"program": program, "openid": openid, "unionid": unionid, "linked_at": null, "last_login_at": null,
            "template": template, "banked": banked})
    };
    let expected = json!([
        linked(Value::Null, Value::Null, json!("u1"), Value::Null, 0),
        linked(json!("wx1"), json!("o-canary"), Value::Null, json!("t1"), 2),
    ]);
    assert_eq!(identities, expected);
    let erased = server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    assert_eq!(
        (&erased["erased"]["wechat_identities"], &erased["erased"]["wechat_messages"]),
        (&json!(2), &json!(0))
    );
    server.get("/v1/riders/r1/export").await.assert_problem(404, "not_found");
    server.stop().await;
}

//! The record as backends look through it: alerts, a rider's history, misses and the objective.
//! What is asked wrongly is refused, and never answered with everything.

mod bounds;
mod reports;

use serde_json::{Value, json};

use crate::support::{QUICK, RiderSocket, TestServer, eventually, words};

/// Posts an event that ends after a second if nobody hears it; the alert's id.
async fn brief(server: &TestServer, rider: &str, kind: &str, order: &str) -> String {
    let event =
        json!({"kind": kind, "order": {"id": order}, "target": {"riders": [rider]}, "alert": {"ttl_s": 1}});
    server.post_event(event).await["alert_id"].as_str().unwrap().to_owned()
}

/// Waits until the alert's first delivery has ended.
async fn ended(server: &TestServer, alert: &str) {
    eventually("the delivery ends", async || {
        server.delivery(alert).await["reason"].is_string().then_some(())
    })
    .await;
}

/// A rider who hears the next alert to its end.
async fn hear(rider: &mut RiderSocket, server: &TestServer) {
    let alert = rider.alert().await;
    let id = alert["id"].as_str().unwrap().to_owned();
    rider.ack(&alert).await;
    rider.report(&id, "playing").await;
    rider.report(&id, "played").await;
    eventually("the report is kept", async || {
        (!server.delivery(&id).await["reason"].is_null()).then_some(())
    })
    .await;
}

async fn get(server: &TestServer, path: &str) -> Value {
    server.done("GET", path, Value::Null).await
}

async fn found(server: &TestServer, query: &str) -> Vec<String> {
    let page = get(server, &format!("/v1/alerts?{query}")).await;
    assert_eq!(page["next"], Value::Null, "{query}");
    let alerts = page["alerts"].as_array().unwrap().iter();
    alerts.map(|alert| alert["alert_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn alerts_are_found_by_order_rider_state_kind_and_time() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "骑手/7").await;
    let event = json!({"kind": "order.new", "order": {"id": "o-1"}, "target": {"riders": ["骑手/7"]}});
    let heard = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    hear(&mut rider, &server).await;
    let between = server.now_ms() + 1;
    eventually("time passes", async || (server.now_ms() > between).then_some(())).await;
    let event =
        json!({"kind": "order.urged", "order": {"id": "o-1"}, "target": {"riders": ["r2", "骑手/7"]}});
    let urged = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();

    let all = [urged.clone(), heard.clone()];
    assert_eq!(found(&server, "").await, all);
    assert_eq!(found(&server, "order_id=o-1").await, all);
    assert_eq!(found(&server, "order_id=o-2").await, [""; 0]);
    assert_eq!(found(&server, "rider=%E9%AA%91%E6%89%8B%2F7").await, all);
    for only_urged in ["rider=r2", "kind=order.urged", "state=active", &format!("since={between}")] {
        assert_eq!(found(&server, only_urged).await, [&*urged], "{only_urged}");
    }
    for only_heard in ["kind=order.new", "state=completed", &format!("order_id=o-1&until={between}")] {
        assert_eq!(found(&server, only_heard).await, [&*heard], "{only_heard}");
    }
    let page = get(&server, "/v1/alerts?state=completed").await;
    let row = &page["alerts"][0];
    let alone = server.alert(&heard).await;
    for member in ["event_id", "order_id", "text", "title", "trace_id", "created_at", "ended_at", "state"] {
        assert_eq!(row[member], alone[member], "{member}");
    }
    assert_eq!(words(row, ["delivery_count", "deliveries"]), json!([1, {"played": 1}]));
    server.stop().await;
}

#[tokio::test]
async fn pages_are_walked_with_their_cursors() {
    let server = TestServer::start(QUICK).await;
    let mut posted = Vec::new();
    for number in 0..5 {
        let kind = if number == 2 { "order.urged" } else { "order.new" };
        posted.push(server.alert_for("r1", kind).await);
    }
    posted.sort();
    posted.reverse();
    for path in [
        "/v1/alerts?",
        "/v1/alerts?rider=r1&",
        "/v1/riders/r1/deliveries?",
        "/v1/riders/r1/deliveries?state=pending&",
    ] {
        let (mut walked, mut path_now) = (Vec::new(), format!("{path}limit=2"));
        loop {
            let page = get(&server, &path_now).await;
            let list = page.get("alerts").or(page.get("deliveries")).unwrap().as_array().unwrap();
            assert!(list.len() <= 2);
            walked.extend(list.iter().map(|row| row["alert_id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path_now = format!("{path}limit=1&cursor={next}");
        }
        assert_eq!(walked, posted, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_app_alone() {
    let server = TestServer::start(QUICK).await;
    server.accounts().create_app("other").await.unwrap();
    let foreign = server.key_of("other", &[orderbell::domain::app::Scope::Admin]).await;
    server.alert_for("r1", "order.new").await;
    server.alert_for("r1", "order.new").await;
    let next = get(&server, "/v1/alerts?limit=1").await["next"].as_str().unwrap().to_owned();
    server
        .call_as(&foreign, "GET", &format!("/v1/alerts?cursor={next}"), Value::Null)
        .await
        .assert_problem(400, "bad_cursor");
    for path in [
        format!("/v1/alerts?kind=order.new&cursor={next}"),
        format!("/v1/alerts?cursor={next}A"),
        format!("/v1/alerts?cursor={}", &next[1..]),
        "/v1/alerts?cursor=0".to_owned(),
        "/v1/alerts?cursor=%00".to_owned(),
        format!("/v1/riders/r1/deliveries?cursor={next}"),
        format!("/v1/misses?cursor={next}"),
    ] {
        server.get(&path).await.assert_problem(400, "bad_cursor");
    }
    let history = get(&server, "/v1/riders/r1/deliveries?limit=1").await["next"].as_str().unwrap().to_owned();
    server.get(&format!("/v1/riders/r2/deliveries?cursor={history}")).await.assert_problem(400, "bad_cursor");
    server.stop().await;
}

#[tokio::test]
async fn a_rider_has_a_history_until_they_are_erased() {
    let server = TestServer::start(QUICK).await;
    let missed = brief(&server, "r1", "order.new", "o-1").await;
    ended(&server, &missed).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let offer =
        json!({"kind": "order.offered", "order": {"id": "o-2"}, "target": {"riders": ["r1"]}, "id": "e-2"});
    let offered = server.post_event(offer).await["alert_id"].as_str().unwrap().to_owned();
    rider.alert().await;
    assert_eq!(rider.answer(&offered, "decline").await, "recorded");
    drop(rider);

    let page = get(&server, "/v1/riders/r1/deliveries").await;
    assert_eq!(page["next"], Value::Null);
    let [newest, oldest] = &page["deliveries"].as_array().unwrap()[..] else { panic!("{page}") };
    let shown = ["alert_id", "event_id", "order_id", "kind", "need", "state", "reason", "answer"];
    assert_eq!(
        words(newest, shown),
        json!([offered, "e-2", "o-2", "order.offered", "accept", "declined", "answered", "decline"])
    );
    assert_eq!(words(oldest, ["alert_id", "state", "reason"]), json!([missed, "expired", "never_sent"]));
    assert_eq!(oldest["why"], "the rider was not connected while it lived");
    for (row, there, missing) in [
        (newest, ["created_at", "sent_at", "received_at", "answered_at", "ended_at"], "played_at"),
        (oldest, ["created_at", "ended_at", "delivery_id", "ring", "attempts"], "sent_at"),
    ] {
        assert!(there.iter().all(|member| !row[*member].is_null()), "{row}");
        assert_eq!(row[missing], Value::Null);
    }
    let only = get(&server, "/v1/riders/r1/deliveries?reason=never_sent").await;
    assert_eq!(only["deliveries"].as_array().unwrap().len(), 1);
    let none = json!({"deliveries": [], "next": null});
    assert_eq!(get(&server, "/v1/riders/nobody/deliveries").await, none);
    server.done("DELETE", "/v1/riders/r1", Value::Null).await;
    assert_eq!(get(&server, "/v1/riders/r1/deliveries").await, none);
    server.stop().await;
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() {
    let server = TestServer::start("").await;
    let lists = ["/v1/alerts", "/v1/riders/r1/deliveries", "/v1/misses"];
    let all = [
        "/v1/alerts",
        "/v1/riders/r1/deliveries",
        "/v1/misses",
        "/v1/reports/misses",
        "/v1/reports/objective",
    ];
    for path in all {
        for (query, error) in [
            ("since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "bad_period"),
            ("since=1772339405&until=1772339405", "bad_period"),
            ("since=yesterday", "bad_time"),
            ("until=2026-03-01", "bad_time"),
            ("kind=order.nwe", "unknown_kind"),
            ("colour=red", "bad_query"),
            ("since=1772339405&since=1772339405", "bad_query"),
            ("kind=%ff", "bad_query"),
        ] {
            server.get(&format!("{path}?{query}")).await.assert_problem(400, error);
        }
    }
    for path in lists {
        for limit in ["0", "201", "-1", "1e3", "many", "99999999999"] {
            server.get(&format!("{path}?limit={limit}")).await.assert_problem(400, "out_of_range");
        }
    }
    for (path, error) in [
        ("/v1/alerts?state=done", "unknown_value"),
        ("/v1/alerts?state=played", "unknown_value"),
        ("/v1/alerts?rider=a%20b", "bad_id"),
        ("/v1/alerts?order_id=%00", "bad_id"),
        ("/v1/riders/r1/deliveries?state=active", "unknown_value"),
        ("/v1/riders/r1/deliveries?reason=tired", "unknown_value"),
        ("/v1/misses?reason=tired", "unknown_value"),
        ("/v1/misses?mode=both", "unknown_value"),
        ("/v1/misses?format=xls", "unknown_value"),
        ("/v1/reports/misses?by=station,station", "unknown_value"),
        ("/v1/reports/misses?by=weather", "unknown_value"),
        ("/v1/reports/misses?bom=yes", "unknown_value"),
        ("/v1/reports/objective?by=reason", "unknown_value"),
        ("/v1/reports/objective?within_ms=0", "out_of_range"),
        ("/v1/reports/objective?within_ms=3600001", "out_of_range"),
        ("/v1/reports/misses?since=2026-01-01T00:00:00Z&until=2026-02-02T00:00:00Z", "too_wide"),
    ] {
        server.get(path).await.assert_problem(400, error);
    }
    server.get("/v1/reports/misses?station=nowhere").await.assert_problem(404, "not_found");
    server.stop().await;
}

//! A question costs so much and no more: what is over is refused, or goes on with the next page.

use serde_json::{Value, json};

use super::get;
use crate::support::{TestServer, eventually};

/// Posts an announcement that nobody hears, for so many riders; waits until all of them have missed it.
async fn missed_by(server: &TestServer, riders: usize) {
    let names: Vec<String> = (0..riders).map(|number| format!("r{number:03}")).collect();
    server.done("PUT", "/v1/groups/all", json!({"riders": names})).await;
    let event = json!({"kind": "order.new", "target": {"groups": ["all"]}, "alert": {"ttl_s": 1}});
    let alert = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    eventually("all of them have missed it", async || {
        (server.alert(&alert).await["state"] == "expired").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_report_looks_at_so_many_deliveries_and_no_more() {
    let server = TestServer::start("[reports]\ndeliveries_max = 20\n[dispatch]\nsweep = \"50ms\"\n").await;
    missed_by(&server, 20).await;
    let report = get(&server, "/v1/reports/misses").await;
    assert_eq!(
        report["rows"],
        json!([{"misses": 20, "deliveries": 20, "reason": "never_sent", "why": "the rider was not connected while it lived"}])
    );
    server.alert_for("r000", "order.new").await;
    for path in [
        "/v1/reports/misses",
        "/v1/reports/objective",
        "/v1/reports/misses?station=all",
        "/v1/reports/misses?kind=order.new",
    ] {
        server.get(path).await.assert_problem(400, "too_wide");
    }
    let one = get(&server, "/v1/reports/misses?rider=r000").await;
    assert_eq!(one["totals"]["deliveries"], 2);
    server.stop().await;
}

#[tokio::test]
async fn a_report_has_so_many_rows_and_a_file_as_well() {
    let server = TestServer::start("[reports]\nrows_max = 7\n[dispatch]\nsweep = \"50ms\"\n").await;
    missed_by(&server, 10).await;
    server.get("/v1/reports/misses?by=rider").await.assert_problem(400, "too_wide");
    server.get("/v1/reports/objective?by=rider").await.assert_problem(400, "too_wide");
    assert_eq!(get(&server, "/v1/reports/misses?by=station").await["rows"][0]["misses"], 10);
    let file = server.get("/v1/misses?format=csv").await;
    assert_eq!(file.text().lines().count(), 8);
    let next = file.header("link").strip_prefix("<?").unwrap().strip_suffix(">; rel=\"next\"").unwrap();
    let rest = server.get(&format!("/v1/misses?{next}")).await;
    assert_eq!((rest.text().lines().count(), rest.header("link")), (4, ""));
    server.stop().await;
}

#[tokio::test]
async fn a_page_that_has_looked_enough_goes_on() {
    let server = TestServer::start("[reports]\npage_looks = 3\n[dispatch]\nsweep = \"50ms\"\n").await;
    let urged = server.alert_for("r1", "order.urged").await;
    for _ in 0..5 {
        server.alert_for("r1", "order.new").await;
    }
    for path in ["/v1/alerts?limit=1&kind=order.urged", "/v1/riders/r1/deliveries?limit=1&kind=order.urged"] {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = get(&server, &format!("{path}{cursor}")).await;
            let list = page.get("alerts").or(page.get("deliveries")).unwrap().as_array().unwrap();
            found.extend(list.iter().map(|row| row["alert_id"].clone()));
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((found, pages), (vec![json!(urged)], 2), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn misses_of_one_large_audience_fill_several_pages() {
    let server = TestServer::start("[dispatch]\nsweep = \"50ms\"\n").await;
    missed_by(&server, 25).await;
    let (mut riders, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&server, &format!("/v1/misses?limit=10{cursor}")).await;
        riders.extend(page["misses"].as_array().unwrap().iter().map(|miss| miss["rider"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let mut expected: Vec<Value> = (0..25).map(|number| json!(format!("r{number:03}"))).collect();
    expected.reverse();
    assert_eq!(riders, expected);
    server.stop().await;
}

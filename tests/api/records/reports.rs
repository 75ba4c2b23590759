//! Misses, counted and one by one, as JSON and as files that a real reader of CSV reads; and the objective.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{brief, ended, get, hear};
use crate::support::{QUICK, Reply, RiderSocket, TestServer, words};

/// What Python's reader makes of a file: a list of rows, each with its columns.
async fn read_csv(reply: &Reply) -> Vec<Value> {
    let script = "import csv, io, json, sys\n\
        text = sys.stdin.buffer.read().decode('utf-8-sig')\n\
        rows = list(csv.DictReader(io.StringIO(text, newline=''), strict=True))\n\
        assert all(None not in row and None not in row.values() for row in rows), rows\n\
        print(json.dumps(rows))";
    let mut command = tokio::process::Command::new("python3");
    let mut reader =
        command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    reader.stdin.take().unwrap().write_all(&reply.bytes).await.unwrap();
    let read = reader.wait_with_output().await.unwrap();
    assert!(read.status.success(), "{}", reply.text());
    serde_json::from_slice(&read.stdout).unwrap()
}

/// One heard by r1; one missed by r1, two by =r2; one that r3 was kept from; one void.
async fn play(server: &TestServer) -> String {
    for (station, riders) in [("north", json!(["r1", "=r2"])), ("south", json!(["r1"]))] {
        server.done("PUT", &format!("/v1/groups/{station}"), json!({"riders": riders})).await;
    }
    server.done("POST", "/v1/riders/r3/duty", json!({"on_duty": false})).await;
    let mut r1 = RiderSocket::connect(server, "r1").await;
    server.alert_for("r1", "order.new").await;
    hear(&mut r1, server).await;
    server.alert_for("r3", "order.new").await;
    let taken_back = server.alert_for("=r2", "order.new").await;
    server.done("POST", &format!("/v1/alerts/{taken_back}/cancel"), Value::Null).await;
    let mut missed = Vec::new();
    for (rider, kind, order) in
        [("r1", "order.urged", "o-1"), ("=r2", "order.new", "+o,\"2\""), ("=r2", "order.urged", "o-3")]
    {
        missed.push(brief(server, rider, kind, order).await);
    }
    for alert in &missed {
        ended(server, alert).await;
    }
    missed.remove(1)
}

#[tokio::test]
async fn misses_are_counted_by_whatever_is_asked() {
    let server = TestServer::start(QUICK).await;
    play(&server).await;
    let report = get(&server, "/v1/reports/misses").await;
    assert_eq!(
        report["totals"],
        json!({"deliveries": 6, "open": 0, "heard": 1, "missed": 3, "held_back": 1, "void": 1})
    );
    let rows = report["rows"].as_array().unwrap();
    let told: Vec<_> = rows.iter().map(|row| words(row, ["reason", "misses", "deliveries"])).collect();
    // r1 was connected and never said that it has it.
    assert_eq!(told, [json!(["never_sent", 2, 6]), json!(["not_received", 1, 6]), json!(["off_duty", 1, 6])]);
    assert_eq!(rows[2]["why"], "the rider was off duty");

    let by = async |by: &str, members: [&str; 4]| {
        let report = get(&server, &format!("/v1/reports/misses?by={by}")).await;
        let rows = report["rows"].as_array().unwrap().iter();
        rows.map(|row| words(row, members)).collect::<Vec<_>>()
    };
    assert_eq!(
        by("station,rider", ["station", "rider", "misses", "deliveries"]).await,
        [
            json!(["", "r3", 1, 1]),
            json!(["north", "=r2", 2, 3]),
            json!(["north", "r1", 1, 2]),
            json!(["south", "r1", 1, 2]),
        ]
    );
    assert_eq!(
        by("kind", ["kind", "misses", "deliveries", "rider"]).await,
        [json!(["order.new", 2, 4, null]), json!(["order.urged", 2, 2, null])]
    );
    let hours = by("hour", ["hour", "misses", "deliveries", "rider"]).await;
    assert!(hours.iter().all(|row| row[0].as_str().unwrap().ends_with(":00:00+08:00")), "{hours:?}");
    assert_eq!(hours.iter().map(|row| row[1].as_u64().unwrap()).sum::<u64>(), 4);

    for (scope, deliveries) in
        [("station=south", 2), ("rider=%3Dr2", 3), ("kind=order.urged", 2), ("mode=test", 0)]
    {
        let report = get(&server, &format!("/v1/reports/misses?{scope}")).await;
        assert_eq!(report["totals"]["deliveries"], deliveries, "{scope}");
    }
    let south = get(&server, "/v1/reports/misses?station=south&by=station").await;
    assert_eq!(south["rows"], json!([{"station": "south", "misses": 1, "deliveries": 2}]));
    server.stop().await;
}

#[tokio::test]
async fn a_report_is_a_file_as_well() {
    let server = TestServer::start(QUICK).await;
    play(&server).await;
    let file = server.get("/v1/reports/misses?by=reason,rider&format=csv&bom=1").await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8; header=present");
    let name = file.header("content-disposition");
    assert!(name.starts_with("attachment; filename=\"misses-20") && name.ends_with(".csv\""), "{name}");
    assert!(
        file.bytes.starts_with("\u{FEFF}rider,reason,why,misses,deliveries\r\n".as_bytes()),
        "{}",
        file.text()
    );
    let rows = read_csv(&file).await;
    let told: Vec<_> =
        rows.iter().map(|row| words(row, ["rider", "reason", "misses", "deliveries"])).collect();
    assert_eq!(
        told,
        [
            json!(["'=r2", "never_sent", "2", "3"]),
            json!(["r1", "not_received", "1", "2"]),
            json!(["r3", "off_duty", "1", "1"]),
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn misses_are_listed_one_by_one() {
    let server = TestServer::start(QUICK).await;
    let awkward = play(&server).await;
    let page = get(&server, "/v1/misses").await;
    assert_eq!(page["next"], Value::Null);
    let misses = page["misses"].as_array().unwrap();
    let told: Vec<_> = misses.iter().map(|miss| words(miss, ["rider", "kind", "reason"])).collect();
    assert_eq!(told.len(), 4);
    assert_eq!(told[3], json!(["r3", "order.new", "off_duty"]), "the oldest is the last");
    let miss = misses.iter().find(|miss| miss["alert_id"] == *awkward).unwrap();
    assert_eq!(
        words(miss, ["rider", "stations", "order_id", "reason"]),
        json!(["=r2", ["north"], "+o,\"2\"", "never_sent"])
    );
    for (scope, count) in
        [("reason=off_duty", 1), ("station=north", 3), ("rider=r1", 1), ("kind=order.urged", 2)]
    {
        let page = get(&server, &format!("/v1/misses?{scope}")).await;
        assert_eq!(page["misses"].as_array().unwrap().len(), count, "{scope}");
    }
    server.get("/v1/misses?station=nowhere").await.assert_problem(404, "not_found");

    let file = server.get("/v1/misses?format=csv").await;
    assert_eq!(file.header("link"), "", "it is whole");
    let rows = read_csv(&file).await;
    let listed: Vec<_> = rows.iter().map(|row| words(row, ["rider", "kind", "reason", "alert_id"])).collect();
    let shown = misses.iter().map(|miss| {
        let rider = miss["rider"].as_str().unwrap().replace("=r2", "'=r2");
        json!([rider, miss["kind"], miss["reason"], miss["alert_id"]])
    });
    assert_eq!(listed, shown.collect::<Vec<_>>());
    let row = rows.iter().find(|row| row["alert_id"] == *awkward).unwrap();
    assert_eq!(words(row, ["order_id", "stations", "sent_at"]), json!(["'+o,\"2\"", "north", ""]));

    // The same in files of two, each of which names the next.
    let (mut walked, mut query) = (Vec::new(), "format=csv&limit=2&rider=%3Dr2".to_owned());
    loop {
        let file = server.get(&format!("/v1/misses?{query}")).await;
        walked.extend(read_csv(&file).await);
        let Some(next) = file.header("link").strip_prefix("<?") else { break };
        query = next.strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    let ids: Vec<_> = walked.iter().map(|row| row["alert_id"].clone()).collect();
    let theirs = misses.iter().filter(|miss| miss["rider"] == "=r2").map(|miss| miss["alert_id"].clone());
    assert_eq!(ids, theirs.collect::<Vec<_>>());
    server.stop().await;
}

#[tokio::test]
async fn a_station_has_its_objective() {
    let server = TestServer::start(QUICK).await;
    play(&server).await;
    let settings = json!({"objective": {"within_ms": 60_000, "target_permille": 500}});
    let kept = server.done("PUT", "/v1/settings", settings.clone()).await;
    assert_eq!(kept["objective"], settings["objective"]);
    let report = get(&server, "/v1/reports/objective").await;
    assert_eq!(words(&report, ["within_ms", "target_permille"]), json!([60_000, 500]));
    assert_eq!(
        report["total"],
        json!({"counted": 4, "in_time": 1, "share_permille": 250, "met": false,
            "rest": {"never_sent": 2, "not_received": 1}, "left_out": {"off_duty": 1, "cancelled_by_alert": 1}})
    );
    let rows = report["rows"].as_array().unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| words(row, ["station", "counted", "in_time", "share_permille", "met"]))
        .collect();
    assert_eq!(
        told,
        [
            json!(["", 0, 0, null, null]),
            json!(["north", 4, 1, 250, false]),
            json!(["south", 2, 1, 500, true])
        ]
    );
    let by_hour = get(&server, "/v1/reports/objective?by=hour,station&within_ms=100").await;
    assert!(by_hour["rows"].as_array().unwrap().iter().all(|row| row["hour"].is_string()), "{by_hour}");
    assert_eq!(by_hour["within_ms"], 100);

    server.done("PUT", "/v1/settings", json!({})).await;
    let usual = get(&server, "/v1/reports/objective").await;
    assert_eq!(words(&usual, ["within_ms", "target_permille"]), json!([10_000, 990]));
    for (objective, error) in [
        (json!({"within_ms": 99, "target_permille": 500}), "out_of_range"),
        (json!({"within_ms": 100, "target_permille": 1_001}), "out_of_range"),
        (json!({"within_ms": 100}), "missing_member"),
        (json!({"within_ms": 100, "target_permille": 990, "share": 1}), "unknown_member"),
    ] {
        let refused = server.call("PUT", "/v1/settings", json!({"objective": objective})).await;
        refused.assert_problem(400, error);
    }
    server.stop().await;
}

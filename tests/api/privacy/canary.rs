//! A telephone number, an address and a name go in; nothing of them is found when their time has come, in any file.

use std::path::Path;

use orderbell::domain::Aged;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqlSafeStr, SqliteConnection};

use crate::support::{Process, RiderSocket, TestServer, cli, client, data_of, log_of, reply};

/// What a customer would not like to be read; each is said nowhere else.
const CANARIES: [&str; 4] = ["13812349876", "Canary Lane 77", "Wang Canary", "canary@example.org"];

/// An event that holds all of them, wherever one may.
fn event(rider: &str) -> Value {
    json!({"id": "e1", "kind": "order.assigned", "target": {"riders": [rider]},
        "order": {"id": "o1", "merchant": {"name": CANARIES[2]}, "dropoff": {"area": CANARIES[1], "name": CANARIES[2],
            "phone": CANARIES[0], "address": CANARIES[1]}, "note": CANARIES[3]},
        "alert": {"text": CANARIES[1], "vars": {"phone": CANARIES[0]}},
        "ext": {"phone": CANARIES[0], "address": CANARIES[1], "name": CANARIES[2], "mail": CANARIES[3]}})
}

pub(super) async fn database(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).connect().await.unwrap()
}

pub(super) async fn run(db: &mut SqliteConnection, statement: &str) {
    sqlx::query(AssertSqlSafe(statement.to_owned()).into_sql_str()).execute(db).await.unwrap();
}

/// Files below a folder that hold a canary, and which.
fn holding(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let name = path.display().to_string();
        for canary in CANARIES {
            let inside = bytes.windows(canary.len()).any(|window| window == canary.as_bytes());
            if inside || name.contains(canary) {
                found.push(format!("{name}: {canary}"));
            }
        }
    }
    found
}

#[tokio::test]
async fn of_an_erased_riders_alerts_nothing_is_left_in_any_file() {
    let server = TestServer::start("").await;
    let mut socket = RiderSocket::connect(&server, "r1").await;
    let alert = server.post_event(event("r1")).await["alert_id"].as_str().unwrap().to_owned();
    server.rendered(&alert).await;
    let frame = socket.alert().await;
    assert_eq!(frame["ext"]["mail"], CANARIES[3]);
    let rider = json!({"rider": "r1"});
    assert_eq!(server.done("DELETE", "/v1/riders/r1", Value::Null).await["rider"], rider["rider"]);
    let metrics = server.metrics().await;
    assert!(CANARIES.iter().all(|canary| !metrics.contains(canary)));
    // What its clip is made of is kept for a day longer, as other alerts may have the same.
    let later = orderbell::domain::EpochMs(server.now_ms() + 1);
    assert_eq!(server.state.dispatch.store().forget_recipes(later, 99).await.unwrap(), 1);
    let folder = server.stop().await;
    assert_eq!(holding(&data_of(folder.path())), [""; 0]);
}

#[tokio::test]
async fn of_what_has_aged_nothing_is_left_in_any_file() {
    let server = TestServer::start("").await;
    let alert = server.post_event(event("r1")).await["alert_id"].as_str().unwrap().to_owned();
    server.rendered(&alert).await;
    let recurring = json!({"id": "e2", "kind": "announcement", "target": {"riders": ["r1"]},
        "recur": {"every_s": 3600}, "alert": {"text": CANARIES[1]}, "ext": {"phone": CANARIES[0]}});
    let schedule = server.done("POST", "/v1/events", recurring).await;
    let listed = server.done("GET", "/v1/schedules", Value::Null).await;
    let id = listed["schedules"][0]["schedule_id"].as_str().unwrap_or_else(|| panic!("{schedule} {listed}"));
    server.done("DELETE", &format!("/v1/schedules/{id}"), Value::Null).await;
    server.done("POST", &format!("/v1/alerts/{alert}/cancel"), Value::Null).await;
    let data = data_of(server.folder());
    assert!(!holding(&data).is_empty(), "as long as it is needed it is there");
    let store = server.state.dispatch.store();
    let later = orderbell::domain::EpochMs(server.now_ms() + 1);
    let app = server.app("default").await.app.id;
    assert_eq!(store.age(app, Aged::Texts, later, 99).await.unwrap().rows(), 1);
    assert_eq!(store.tidy(later, 99).await.unwrap().rows(), 1, "the recurring event");
    assert_eq!(store.forget_recipes(later, 99).await.unwrap(), 1);
    let timeline = server.alert(&alert).await;
    assert_eq!(
        (&timeline["state"], &timeline["deliveries"][0]["rider"]),
        (&json!("cancelled"), &json!("r1"))
    );
    let folder = server.stop().await;
    assert_eq!(holding(&data_of(folder.path())), [""; 0]);
}

#[tokio::test]
async fn no_log_line_holds_any_of_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let made = cli(folder.path(), &["keys", "create", "--name", "shop", "--scopes", "admin"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let server = Process::serve(folder.path(), "[log]\nfilter = \"trace\"\n").await;
    let ask = async |method: &str, path: &str, body: Value| {
        let request = client().request(method.parse().unwrap(), format!("{}{path}", server.url));
        let request = request.bearer_auth(&key);
        reply(if body.is_null() { request } else { request.json(&body) }).await
    };
    assert_eq!(ask("POST", "/v1/events", event("r1")).await.status, 200);
    assert_eq!(ask("GET", "/v1/riders/r1/export", Value::Null).await.status, 200);
    assert_eq!(ask("DELETE", "/v1/riders/r1", Value::Null).await.status, 200);
    assert_eq!(server.terminate().await, 0);
    let log = log_of(folder.path());
    assert!(log.contains("A rider was erased."));
    for canary in CANARIES {
        assert!(!log.contains(canary), "{canary}");
    }
}

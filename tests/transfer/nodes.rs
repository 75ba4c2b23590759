//! Nodes and commands on one PostgreSQL database: what is made anywhere holds everywhere, and what cannot be used is
//! refused in one line.

use serde_json::{Value, json};

use crate::postgres_server::Server;
use crate::program::Place;

/// A second node of the same installation: another folder, the same node key, the same database.
fn beside(first: &Place) -> Place {
    let second = Place::on(first.url.clone());
    std::fs::copy(first.data().join("node.key"), second.data().join("node.key")).unwrap();
    second
}

async fn post(url: &str, key: &str, id: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let event = json!({"id": id, "kind": "order.new", "target": {"riders": ["r1"]}});
    let reply = client.post(format!("{url}/v1/events")).bearer_auth(key).json(&event).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test]
async fn two_nodes_and_the_commands_beside_them_share_one_database() {
    let first = Place::on(Server::shared().blank().await);
    assert_eq!(first.refused(&["migrate", "--check"]).await.0, 3);
    let one = first.serve().await;
    let second = beside(&first);
    let two = second.serve().await;
    let key = second.told(&["keys", "create", "--name", "shop", "--scopes", "ingest"]).await;
    let (status, made) = post(&one.url, &key, "e-1").await;
    assert_eq!(status, 200, "{made}");
    let (status, again) = post(&two.url, &key, "e-1").await;
    assert_eq!((status, &again["data"]["duplicate"]), (200, &json!(true)), "{again}");
    assert_eq!(made["data"]["alert_id"], again["data"]["alert_id"]);
    assert!(!first.database().exists(), "nothing of it lies in a folder");
    first.told(&["token", "--rider", "r1"]).await;
    first.told(&["status"]).await;
    first.told(&["migrate", "--check"]).await;
    first.told(&["stop"]).await;
    assert_eq!(post(&two.url, &key, "e-2").await.0, 200, "the other one goes on");
    assert_eq!(two.stop().await, 0);
    drop(one);
}

#[tokio::test]
async fn a_node_with_another_key_is_told_so_at_its_start() {
    let first = Place::on(Server::shared().blank().await);
    first.told(&["token", "--rider", "r1"]).await;
    let stranger = Place::on(first.url.clone());
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["token", "--rider", "r1"]] {
        let (code, complaint) = stranger.refused(command).await;
        assert!(code == 78 && complaint.contains("sealed with another node key"), "{complaint}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_refused_in_one_line() {
    let url = Server::shared().blank().await;
    let place = Place::on(url.clone());
    place.told(&["migrate"]).await;
    let mut db = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (999, 'later', true, '\\x00', 0)";
    sqlx::raw_sql(newer).execute(&mut db).await.unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["keys", "list"]] {
        let (code, complaint) = place.refused(command).await;
        assert!(code == 78 && complaint.contains("newer Orderbell (schema 999"), "{complaint}");
    }
    let foreign = Server::shared().blank().await;
    let mut db = <sqlx::PgConnection as sqlx::Connection>::connect(&foreign).await.unwrap();
    sqlx::raw_sql("CREATE TABLE sold (what TEXT)").execute(&mut db).await.unwrap();
    let (code, complaint) = Place::on(foreign).refused(&["migrate"]).await;
    assert!(code == 78 && complaint.contains("no database of Orderbell"), "{complaint}");

    // A server that is away may come back: its supervisor tries again.
    let away = Place::on("postgres://bell:hidden@127.0.0.1:1/bell".to_owned());
    let (code, complaint) = away.refused(&["migrate"]).await;
    assert!(code == 1 && complaint.starts_with("orderbell: opening the database: "), "{complaint}");
}

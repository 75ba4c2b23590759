//! Backups of a PostgreSQL database, put back into another one or into a folder, and of a folder into a database.

use serde_json::Value;

use crate::everything::{assert_equal, fill, rows_of_file, rows_of_server, truths};
use crate::postgres_server::Server;
use crate::program::Place;

type Rows = std::collections::BTreeMap<String, Vec<String>>;

/// That all rows are there, and that the epoch is the new one.
#[track_caller]
fn assert_another_life(before: &Rows, after: Rows, epoch: &Value) {
    let mut after = after;
    let mark = format!("epoch | {}", epoch.as_str().unwrap());
    assert_eq!(after["meta"], [mark]);
    after.insert("meta".to_owned(), before["meta"].clone());
    assert_equal(before, &after);
}

#[tokio::test]
async fn a_backup_of_either_store_is_put_back_into_either() {
    let place = Place::on_sqlite();
    place.told(&["token", "--rider", "r1"]).await;
    let blank = Server::shared().database().await;
    let truths = truths(&blank).await;
    fill(&place.database(), &truths, 3_000).await;
    let before = rows_of_file(&place.database()).await;
    place.told(&["backup", "--to", &place.path("one")]).await;

    let node = Place::on(blank);
    let told = node.told(&["restore", "--from", &place.path("one")]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let on_server = rows_of_server(&node.url).await;
    assert_another_life(&before, on_server.clone(), &told["epoch"]);
    assert!(!node.database().exists() && node.data().join("node.key").exists());
    let (code, complaint) = node.refused(&["restore", "--from", &place.path("one")]).await;
    assert!(code == 78 && complaint.contains("not empty"), "{complaint}");

    node.told(&["backup", "--to", &node.path("two")]).await;
    let folder = Place::on_sqlite();
    let told = folder.told(&["restore", "--from", &node.path("two")]).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_another_life(&on_server, rows_of_file(&folder.database()).await, &told["epoch"]);
}

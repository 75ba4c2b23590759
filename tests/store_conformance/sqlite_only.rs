//! What only a file can meet: another process, a crash, a full disk, a newer binary's schema.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use orderbell::domain::app::{ApiKey, KeyMode};
use orderbell::domain::{AppId, EpochMs, KeyId, RiderKey, Secret, SecretKind};
use orderbell::store::sqlite::{SqliteOptions, SqliteStore};
use orderbell::store::{Accepted, Admission, AppStore, NewEvent, Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use crate::stage::{Stage, a_sound, an_app, drive, entropy, open, options, own};
use crate::told::Told;

fn app() -> AppId {
    AppId::new(EpochMs(1), entropy(1))
}

fn rider(name: &str) -> RiderKey {
    RiderKey { app: app(), rider: name.parse().unwrap() }
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// Events for three riders each, from a stage that only lends its words.
async fn events(count: usize) -> Vec<NewEvent> {
    let stage = Stage::on_model().await;
    let events = (0..count).map(|n| {
        let id = format!("e{n}");
        stage.event_of(app(), &Told { id: &id, riders: &["r1", "r2", "r3"], ..Told::default() })
    });
    events.collect()
}

#[tokio::test]
async fn a_frame_of_a_test_is_looked_at_once_more() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let stage = Stage::on_model().await;
    let store = open(options(&path)).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    store.admit(rider("t1"), Admission::AsTest, EpochMs(90)).await.unwrap();
    let told =
        Told { key_mode: KeyMode::Test, riders: &["t1"], sound: Some(a_sound("clip")), ..Told::default() };
    store.accept(stage.event_of(app(), &told)).await.unwrap();
    assert_eq!(store.open_deliveries(rider("t1"), 9).await.unwrap().len(), 1);
    // As a fault somewhere else would leave it: open for a rider who is real.
    sqlx::raw_sql("UPDATE riders SET test = 0").execute(&mut raw(&path).await).await.unwrap();
    assert_eq!(store.open_deliveries(rider("t1"), 9).await.unwrap(), []);
    assert_eq!(store.open_ids(rider("t1")).await.unwrap(), []);
    store.close().await;
}

#[tokio::test]
async fn two_processes_write_and_read_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let (server, command) = tokio::join!(open(options(&path)), open(options(&path)));
    server.create_app(an_app(app(), "first")).await.unwrap();
    let events = events(40).await;
    let both = events.into_iter().enumerate().map(|(n, event)| {
        let store = if n % 2 == 0 { Arc::clone(&server) } else { Arc::clone(&command) };
        async move { store.accept(event).await }
    });
    for accepted in join_all(both).await {
        assert!(matches!(accepted.unwrap(), Accepted::New(_)));
    }
    for store in [&server, &command] {
        assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().seq, 40);
    }
    command.close().await;
    server.touch_rider(rider("r1"), EpochMs(5)).await.unwrap();
    server.close().await;
}

#[tokio::test]
async fn a_locked_file_is_unavailable_until_it_is_free() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let store = open(SqliteOptions { wait_max: Duration::from_millis(50), ..options(&path) }).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let mut other = raw(&path).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let touched = store.touch_rider(rider("r1"), EpochMs(5)).await;
    assert!(matches!(touched, Err(StoreError::Unavailable(_))));
    assert_eq!(store.rider(rider("r1")).await.unwrap(), None, "it can be read meanwhile");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    store.touch_rider(rider("r1"), EpochMs(5)).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn opening_again_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let event = events(1).await.remove(0);
    let store = open(options(&path)).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let Accepted::New(receipt) = store.accept(event.clone()).await.unwrap() else { panic!("not new") };
    let before = store.alert(app(), own(&receipt)).await.unwrap();
    store.close().await;
    let store = open(SqliteOptions { epoch: "epoch-2".to_owned(), ..options(&path) }).await;
    assert_eq!(store.epoch().await.unwrap(), "epoch-1", "the epoch is the data's, not the process's");
    assert_eq!(store.alert(app(), own(&receipt)).await.unwrap(), before);
    assert_eq!(store.accept(event).await.unwrap(), Accepted::Duplicate(receipt));
    store.close().await;
}

#[tokio::test]
async fn a_newer_database_and_a_foreign_file_are_refused() {
    const LATER: &str = "INSERT INTO _sqlx_migrations \
         SELECT 9999, 'later', installed_on, success, checksum, 1 FROM _sqlx_migrations \
         WHERE version = 1";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    open(options(&path)).await.close().await;
    sqlx::query(LATER).execute(&mut raw(&path).await).await.unwrap();
    let Err(StoreError::Unusable(why)) = SqliteStore::open(options(&path)).await.map(|_| ()) else {
        panic!("a newer schema was opened")
    };
    assert!(why.contains("newer") && why.contains("9999") && !why.contains('\n'), "{why}");
    let foreign = dir.path().join("letter.txt");
    std::fs::write(&foreign, "Dear Sir, this is not a database. ".repeat(100)).unwrap();
    let refused = SqliteStore::open(options(&foreign)).await.map(|_| ());
    assert!(matches!(refused, Err(StoreError::Unusable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_leaves_whole_events_and_all_that_were_answered() {
    for round in 0..6 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("orderbell.db");
        let (store, writer) = SqliteStore::open(options(&path)).await.unwrap();
        let writer = drive(writer);
        store.create_app(an_app(app(), "first")).await.unwrap();
        let events = events(200).await;
        let calls = join_all(events.iter().map(|event| store.accept(event.clone())));
        let kill = async {
            tokio::time::sleep(Duration::from_millis(2 + round * 3)).await;
            writer.abort();
        };
        let (accepted, ()) = tokio::join!(calls, kill);
        // The killed writer's connection rolls back when it is dropped; another process opens meanwhile.
        let after = open(options(&path)).await;
        for (event, accepted) in events.iter().zip(accepted) {
            let kept = after.event(app(), event.source.clone(), event.id.clone()).await.unwrap();
            if let Ok(Accepted::New(receipt)) = &accepted {
                assert_eq!(kept.as_ref().map(|(_, kept)| kept), Some(receipt), "answered is durable");
            }
            if let Some((_, receipt)) = kept {
                let record = after.alert(app(), own(&receipt)).await.unwrap().unwrap();
                assert_eq!(record.delivery_count, 3, "an event is there whole or not at all");
            }
        }
        after.close().await;
    }
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_recovers_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let store = open(SqliteOptions { pages_max: Some(140), ..options(&path) }).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let mut events = events(400).await.into_iter();
    let mut kept = 0;
    let refused = loop {
        let event = events.next().expect("the file fills up before the events run out");
        match store.accept(event.clone()).await {
            Ok(_) => kept += 1,
            Err(StoreError::Unavailable(_)) => break event,
            Err(other) => panic!("{other:?}"),
        }
    };
    let all = join_all(events.by_ref().take(20).map(|event| store.accept(event))).await;
    assert!(all.iter().any(|one| matches!(one, Err(StoreError::Unavailable(_)))), "a batch meets it too");
    kept += all.iter().filter(|one| one.is_ok()).count();
    let seq = store.rider(rider("r1")).await.unwrap().unwrap().seq;
    assert_eq!(usize::try_from(seq).unwrap(), kept, "what was refused left nothing");
    // Someone makes room.
    let mut other = raw(&path).await;
    sqlx::query("DELETE FROM deliveries WHERE rider_id = 'r2'").execute(&mut other).await.unwrap();
    assert!(matches!(store.accept(refused).await.unwrap(), Accepted::New(_)));
    store.close().await;
}

#[tokio::test]
async fn one_failure_in_a_batch_spoils_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let (store, writer) = SqliteStore::open(options(&path)).await.unwrap();
    let key = |n: u8| ApiKey {
        id: KeyId::new(EpochMs(1), [n; 10]),
        app: app(),
        name: "hook".to_owned(),
        secrets: vec![Secret::new(SecretKind::Bearer, vec![n; 32], EpochMs(1))],
        scopes: Vec::new(),
        mode: KeyMode::Live,
        created_at: EpochMs(1),
        last_used_at: None,
        revoked_at: None,
    };
    // All of this waits in the queue before the writer looks at it: one batch.
    let mut events = events(20).await.into_iter();
    let made = store.create_app(an_app(app(), "first"));
    let before = join_all(events.by_ref().take(10).map(|event| store.accept(event)));
    let keys = join_all([1, 2, 3].map(|n| store.create_key(key(n))));
    let after = join_all(events.map(|event| store.accept(event)));
    let all = async { tokio::join!(made, before, keys, after) };
    let late_writer = async {
        tokio::task::yield_now().await;
        drive(writer);
    };
    let ((made, before, keys, after), ()) = tokio::join!(all, late_writer);
    made.unwrap();
    for accepted in before.into_iter().chain(after) {
        assert!(matches!(accepted.unwrap(), Accepted::New(_)));
    }
    assert!(keys[0].is_ok(), "the first of them");
    assert!(keys[1..].iter().all(|key| matches!(key, Err(StoreError::Taken(_)))), "and only those fail");
    assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().seq, 20, "nothing was done twice");
    store.close().await;
}

#[tokio::test]
async fn a_full_queue_is_waited_for_and_then_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let tight = SqliteOptions {
        queue_capacity: 2,
        wait_max: Duration::from_millis(50),
        ..options(&dir.path().join("a.db"))
    };
    let (store, writer) = SqliteStore::open(tight).await.unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|n| {
            let store = Arc::clone(&store);
            drive(async move { store.touch_rider(rider(&format!("r{n}")), EpochMs(5)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let third = store.touch_rider(rider("r3"), EpochMs(5)).await;
    assert!(matches!(third, Err(StoreError::Unavailable(_))));
    drop(writer);
    for call in waiting {
        assert!(
            matches!(call.await.unwrap(), Err(StoreError::Unavailable(_))),
            "no writer, no answer but this"
        );
    }
    store.close().await;
}

#[tokio::test]
async fn many_keep_their_order_through_a_queue_shorter_than_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let store = open(SqliteOptions { queue_capacity: 16, batch_max: 8, ..options(&path) }).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    // Beside them another caller keeps the writer busy.
    let others = async {
        for _ in 0..50 {
            store.touch_rider(rider("r9"), EpochMs(5)).await.unwrap();
        }
    };
    let (answers, ()) = tokio::join!(store.accept_all(events(500).await), others);
    for (place, answer) in answers.into_iter().enumerate() {
        let Ok(Accepted::New(receipt)) = answer else { panic!("{place}: {answer:?}") };
        let record = store.alert(app(), own(&receipt)).await.unwrap().unwrap();
        assert_eq!(usize::try_from(record.deliveries[0].seq).unwrap(), place + 1);
    }
    store.close().await;
}

#[tokio::test]
async fn behind_one_without_a_place_none_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let tight = SqliteOptions {
        queue_capacity: 3,
        wait_max: Duration::from_millis(50),
        ..options(&dir.path().join("a.db"))
    };
    let (store, writer) = SqliteStore::open(tight).await.unwrap();
    let (made, many) = (store.create_app(an_app(app(), "first")), store.accept_all(events(500).await));
    // The third event has waited for a place in vain by then; those behind it would find one.
    let late_writer = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drive(writer);
    };
    let (made, answers, ()) = tokio::join!(made, many, late_writer);
    made.unwrap();
    assert_eq!(answers.len(), 500);
    for (place, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(Accepted::New(_)) if place < 2 => {}
            Err(StoreError::Unavailable(_)) if place >= 2 => {}
            other => panic!("{place}: {other:?}"),
        }
    }
    store.close().await;
}

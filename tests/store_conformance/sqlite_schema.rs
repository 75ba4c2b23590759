//! A database of an earlier schema is brought up to date with all that is in it, and a restart forgets nothing.

use std::path::Path;

use orderbell::domain::app::{AppLimits, KeyMode, Scope};
use orderbell::domain::book::DropReason;
use orderbell::domain::delivery::Change;
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::{
    AlertState, Answer, AppId, AppSettings, DeliveryState, EpochMs, FirstStatus, Mode, RiderKey, Secret,
    SecretKind,
};
use orderbell::store::{AUDIENCE_MAX, Accepted, AppStore, Outcome, SpeechStore, Store, WordingKey};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::stage::{Stage, an_app, entropy, open, options, own, parsed};
use crate::told::{Told, rules};

/// The schema as it was released, step by step.
const STEPS: [(i64, &str, &str); 3] = [
    (1, "init", include_str!("../../migrations/sqlite/0001_init.sql")),
    (2, "delivery", include_str!("../../migrations/sqlite/0002_delivery.sql")),
    (3, "key_modes", include_str!("../../migrations/sqlite/0003_key_modes.sql")),
];
// What the first release has left: one offer that waits, one alert that was played, one silent event.
const ROWS: &str = "\
    INSERT INTO apps VALUES ('app_00000000000170008000000000000001', 'first', 'zh-CN', 28800, '[[1,2,255],[0,16]]', 1), \
        ('app_00000000000170008000000000000002', 'second', 'en', 0, '[]', 2); \
    INSERT INTO api_keys VALUES \
        ('key_00000000000170008000000000000001', 'app_00000000000170008000000000000001', 'hook', \
         x'0707070707070707070707070707070707070707070707070707070707070707', '[\"ingest\"]', 3, NULL), \
        ('key_00000000000170008000000000000002', 'app_00000000000170008000000000000001', 'hook', \
         x'0808080808080808080808080808080808080808080808080808080808080808', '[\"admin\"]', 2, 4); \
    INSERT INTO riders VALUES \
        ('app_00000000000170008000000000000001', 'r1', 1, 1, NULL, 'latest', 0, 2, 5, 6); \
    INSERT INTO alerts VALUES \
        ('alr_00000000006470008000000000000001', 'app_00000000000170008000000000000001', 'e1', 'o1', 7, \
         'order.offered', 3, 1, 3, 5000, 'accept', 'on_duty_only', 'zh-CN', 't', 'x', 's', '{}', '{}', 'tr', \
         100, 101, 9000, 110, '{\"path\":\"/a.mp3\",\"fallback_path\":\"/b.mp3\",\"mime\":\"audio/mpeg\", \
         \"bytes\":1,\"duration_ms\":2,\"tail_ms\":1,\"canned\":false}', 'active', NULL, 1), \
        ('alr_00000000006570008000000000000002', 'app_00000000000170008000000000000001', 'e2', NULL, NULL, \
         'order.new', 1, 0, 1, 0, 'none', 'anyone', 'zh-CN', 't', 'x', 's', '{}', '{}', 'tr', \
         101, 101, 9000, NULL, NULL, 'completed', 130, 0); \
    INSERT INTO deliveries (id, alert_id, app_id, rider_id, seq, need, expires_at, first_status, state, \
        reason, ring, attempts, plays, sent_at, played_at, ended_at) VALUES \
        ('dlv_00000000006470008000000000000001', 'alr_00000000006470008000000000000001', \
         'app_00000000000170008000000000000001', 'r1', 1, 'accept', 9000, 'offline', 'sent', NULL, 1, 1, 0, \
         120, NULL, NULL), \
        ('dlv_00000000006570008000000000000002', 'alr_00000000006570008000000000000002', \
         'app_00000000000170008000000000000001', 'r1', 2, 'none', 9000, 'offline', 'played', 'played', 1, 1, \
         1, 120, 130, 130); \
    INSERT INTO events VALUES \
        ('app_00000000000170008000000000000001', 'backend', 'e1', \
         x'0101010101010101010101010101010101010101010101010101010101010101', 'order.offered', 'o1', 'tr', \
         100, 'alr_00000000006470008000000000000001'), \
        ('app_00000000000170008000000000000001', 'backend', 'e2', \
         x'0101010101010101010101010101010101010101010101010101010101010101', 'order.new', NULL, 'tr', \
         101, 'alr_00000000006570008000000000000002'), \
        ('app_00000000000170008000000000000001', 'backend', 'e3', \
         x'0101010101010101010101010101010101010101010101010101010101010101', 'income.settled', NULL, 'tr', \
         102, NULL); \
    INSERT INTO templates VALUES \
        ('app_00000000000170008000000000000001', 'order.new', 'en', '[\"new order\"]');";
const MARK: &str = "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
    checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)";

fn app() -> AppId {
    AppId::new(EpochMs(1), entropy(1))
}

fn rider(name: &str) -> RiderKey {
    RiderKey { app: app(), rider: name.parse().unwrap() }
}

/// A database as a release with these steps has left it.
async fn leave(path: &Path, steps: &[(i64, &'static str, &'static str)], rows: &'static str) {
    let mut db = SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(MARK).execute(&mut db).await.unwrap();
    for (number, name, schema) in steps {
        let kind = sqlx::migrate::MigrationType::Simple;
        let sql = sqlx::SqlSafeStr::into_sql_str(*schema);
        let step = sqlx::migrate::Migration::new(*number, (*name).into(), kind, sql, false);
        sqlx::raw_sql(*schema).execute(&mut db).await.unwrap();
        let mark = "INSERT INTO _sqlx_migrations VALUES ($1, $2, CURRENT_TIMESTAMP, 1, $3, 1)";
        let mark = sqlx::query(mark).bind(number).bind(*name).bind(&step.checksum[..]);
        mark.execute(&mut db).await.unwrap();
    }
    sqlx::raw_sql(rows).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn what_was_there_before_tests_is_real() {
    const ORDER: &str = "\
        INSERT INTO apps VALUES ('app_00000000000170008000000000000001', 'first', 'zh-CN', '[]', 1, '{}'); \
        INSERT INTO orders VALUES ('app_00000000000170008000000000000001', 'o1', 5, NULL, 'r1', 1, \
            '{\"stamp\":{\"version\":5,\"occurred_at\":null},\"at\":90}', '{}', 90);";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    leave(&path, &STEPS, ORDER).await;
    let stage = Stage::on_model().await;
    let store = open(options(&path)).await;
    let accept = async |id, key_mode| {
        let told =
            Told { id, key_mode, order: Some("o1"), version: Some(5), riders: &["r1"], ..Told::default() };
        match store.accept(stage.event_of(app(), &told)).await.unwrap() {
            Accepted::New(receipt) => receipt.outcome,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(accept("e1", KeyMode::Live).await, Outcome::Dropped(DropReason::OrderCancelled));
    assert_eq!(accept("e2", KeyMode::Test).await, Outcome::Alerted, "it was no test that was cancelled");
    store.close().await;
}

#[tokio::test]
async fn a_database_of_the_first_release_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    leave(&path, &STEPS[..1], ROWS).await;

    let stage = Stage::on_model().await;
    let store = open(options(&path)).await;
    check_apps_and_keys(&*store).await;
    let phrases = &store.wordings(app()).await.unwrap()[..];
    let [first] = phrases else { panic!("{phrases:?}") };
    assert_eq!(first.key, WordingKey::phrases("order.new", "en", None));
    assert_eq!((first.version, first.list.as_str(), first.saved_at), (1, r#"["new order"]"#, EpochMs(0)));
    let event =
        async |id: &str| store.event(app(), "backend".into(), id.parse().unwrap()).await.unwrap().unwrap();
    let (kind, offered) = event("e1").await;
    assert_eq!((kind.as_str(), offered.outcome, offered.audience), ("order.offered", Outcome::Alerted, None));
    let first = &offered.alerts[0].deliveries[0];
    assert_eq!((first.rider.as_str(), first.status, first.reason), ("r1", FirstStatus::Offline, None));
    assert_eq!(event("e2").await.1.alerts[0].deliveries[0].reason, None, "it was told before it was played");
    assert_eq!(event("e3").await.1.outcome, Outcome::Remembered);
    let again = stage.event_of(app(), &Told { riders: &["r1"], ..Told::default() });
    assert_eq!(store.accept(again).await.unwrap(), Accepted::Duplicate(offered.clone()));

    let offer = store.alert(app(), own(&offered)).await.unwrap().unwrap();
    assert_eq!((offer.alert.mode, offer.alert.starts_at), (Mode::Assign, EpochMs(100)));
    assert_eq!((offer.deliveries[0].sent_ring, offer.deliveries[0].held_until), (1, None));
    assert_eq!(store.pending_since(EpochMs(0), 9).await.unwrap(), [], "what was sent was sent");
    assert_eq!(store.open_deliveries(rider("r1"), 9).await.unwrap().len(), 1);
    let accept = stage.says("r1", own(&offered), Change::Answered(Answer::Accept), 200);
    let told = store.progress(vec![accept]).await.unwrap().remove(0).unwrap();
    assert_eq!(told.delivery.state, DeliveryState::Accepted);
    assert_eq!(store.alert(app(), own(&offered)).await.unwrap().unwrap().alert.state, AlertState::Accepted);
    assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().answered_at, Some(EpochMs(200)));
    store.close().await;
}

/// Secrets that were lists of bytes and hashes are secrets without an end.
async fn check_apps_and_keys(store: &dyn Store) {
    let apps = store.apps().await.unwrap();
    let secret = |kind, kept: &[u8], at| Secret::new(kind, kept.to_vec(), EpochMs(at));
    assert_eq!((&apps[0].settings, apps[0].limits), (&AppSettings::default(), AppLimits::default()));
    let riders = [[1, 2, 255].as_slice(), &[0, 16]].map(|kept| secret(SecretKind::Rider, kept, 1));
    assert_eq!(
        (apps[0].secrets.as_slice(), apps[1].secrets.as_slice()),
        (&riders[..], &[][..]),
        "newest first"
    );
    let keys = store.keys(app()).await.unwrap();
    let told: Vec<_> = keys.iter().map(|key| (key.name.as_str(), key.created_at.0, key.revoked_at)).collect();
    assert_eq!(told, [("hook", 2, Some(EpochMs(4))), ("hook", 3, None)]);
    assert_eq!(keys[1].secrets, [secret(SecretKind::Bearer, &[7; 32], 3)]);
    assert_eq!(
        (keys[1].mode, &keys[1].scopes[..], keys[1].last_used_at),
        (KeyMode::Live, &[Scope::Ingest][..], None)
    );
    assert_eq!(store.key_by_hash([7; 32]).await.unwrap(), Some(keys[1].clone()));
    assert!(!store.revoke_key(app(), keys[0].id, EpochMs(9)).await.unwrap());
    let new = secret(SecretKind::Rider, &[9], 200);
    assert!(store.rotate_app_secret(app(), new.clone(), EpochMs(300)).await.unwrap());
    let kept = &store.apps().await.unwrap()[0].secrets;
    assert_eq!(kept[0], new);
    assert_eq!((kept.len(), kept[1].until), (2, Some(EpochMs(300))));
}

#[tokio::test]
async fn a_restart_goes_on_telling_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("orderbell.db");
    let stage = Stage::on_model().await;
    let store = open(options(&path)).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let riders: Vec<String> = (0..=AUDIENCE_MAX).map(|n| format!("r{n:04}")).collect();
    let names: Vec<&str> = riders.iter().map(String::as_str).collect();
    store.put_group(app(), "city".parse().unwrap(), parsed(&names)).await.unwrap();
    let event = stage.event_of(app(), &Told { groups: &["city"], ..Told::default() });
    let Accepted::New(receipt) = store.accept(event).await.unwrap() else { panic!("not new") };
    let alert = own(&receipt);
    let (policy, world) = (OrderPolicy::default(), stage.world(rules()));
    let part = store.unroll(alert, 600, policy.clone(), world.clone(), EpochMs(110)).await.unwrap();
    assert!(part.more);
    store.close().await;

    let store = open(options(&path)).await;
    assert_eq!(store.due_targets(EpochMs(120), 9).await.unwrap()[0].alert, alert);
    let rest = store.unroll(alert, 600, policy, world, EpochMs(120)).await.unwrap();
    let told: Vec<_> = part.riders.iter().chain(&rest.riders).map(|key| key.rider.as_str()).collect();
    assert_eq!((told, rest.more), (names, false), "each once");
    store.close().await;
}

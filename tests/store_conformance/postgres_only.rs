//! What only a server can meet: a crash, a commit whose answer is lost, rows that others hold, another schema.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use orderbell::domain::{AppId, EpochMs, RiderKey};
use orderbell::store::postgres::{PostgresOptions, PostgresStore};
use orderbell::store::{Accepted, AppStore, Migrate, NewEvent, Store, StoreError};
use sqlx::{Connection, PgConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::postgres_server::{Durability, Server, options};
use crate::stage::{Stage, an_app, drive, entropy, own};
use crate::told::Told;

fn app() -> AppId {
    AppId::new(EpochMs(1), entropy(1))
}

fn rider(name: &str) -> RiderKey {
    RiderKey { app: app(), rider: name.parse().unwrap() }
}

/// Events for three riders each, from a stage that only lends its words.
async fn events(count: usize) -> Vec<NewEvent> {
    let stage = Stage::on_model().await;
    let events = (0..count).map(|n| {
        let (id, order) = (format!("e{n}"), format!("o{n}"));
        stage.event_of(
            app(),
            &Told { id: &id, order: Some(&order), riders: &["r1", "r2", "r3"], ..Told::default() },
        )
    });
    events.collect()
}

async fn open(url: &str) -> Arc<PostgresStore> {
    PostgresStore::open(options(url)).await.unwrap()
}

async fn refusal(options: PostgresOptions) -> String {
    match PostgresStore::open(options).await.map(|_| ()) {
        Err(StoreError::Unusable(why)) => why,
        other => panic!("{other:?} is not a refusal"),
    }
}

async fn raw(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

#[tokio::test]
async fn a_newer_database_and_a_foreign_one_are_refused() {
    const LATER: &str = "INSERT INTO _sqlx_migrations \
         SELECT 9999, 'later', installed_on, success, checksum, 1 FROM _sqlx_migrations WHERE version = 1";
    let server = Server::shared();
    let url = server.database().await;
    let current = PostgresOptions { migrate: Migrate::MustBeCurrent, ..options(&url) };
    PostgresStore::open(current.clone()).await.unwrap().close().await;
    sqlx::raw_sql(LATER).execute(&mut raw(&url).await).await.unwrap();
    for refused in [refusal(options(&url)).await, refusal(current).await] {
        assert!(
            refused.contains("newer") && refused.contains("9999") && !refused.contains('\n'),
            "{refused}"
        );
    }
    let blank = server.blank().await;
    let older = refusal(PostgresOptions { migrate: Migrate::MustBeCurrent, ..options(&blank) }).await;
    assert!(older.contains("orderbell migrate"), "{older}");
    sqlx::raw_sql("CREATE TABLE riders (id INT)").execute(&mut raw(&blank).await).await.unwrap();
    let foreign = refusal(options(&blank)).await;
    assert!(foreign.contains("no database of Orderbell"), "{foreign}");
}

#[tokio::test]
async fn what_would_lose_what_was_accepted_is_refused() {
    let url = Server::shared().database().await;
    let careless = refusal(options(&format!("{url}&options[synchronous_commit]=off"))).await;
    assert!(careless.contains("synchronous_commit"), "{careless}");
    assert!(refusal(options("mysql://nobody@127.0.0.1/orderbell")).await.contains("URL"));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = PostgresStore::open(options(&format!("postgres://x@{nobody}/orderbell"))).await.map(|_| ());
    assert!(matches!(away, Err(StoreError::Unavailable(_))), "it may come: {away:?}");
}

#[tokio::test]
async fn opening_again_finds_everything() {
    let url = Server::shared().blank().await;
    // Two nodes may be the first at once.
    let (store, other) = tokio::join!(open(&url), open(&url));
    store.create_app(an_app(app(), "first")).await.unwrap();
    let event = events(1).await.remove(0);
    let Accepted::New(receipt) = store.accept(event.clone()).await.unwrap() else { panic!("not new") };
    let before = store.alert(app(), own(&receipt)).await.unwrap();
    assert_eq!(other.alert(app(), own(&receipt)).await.unwrap(), before);
    store.close().await;
    other.close().await;
    let store =
        PostgresStore::open(PostgresOptions { epoch: "epoch-2".to_owned(), ..options(&url) }).await.unwrap();
    assert_eq!(store.epoch().await.unwrap(), "epoch-1", "the epoch is the data's, not the process's");
    assert_eq!(store.alert(app(), own(&receipt)).await.unwrap(), before);
    assert_eq!(store.accept(event).await.unwrap(), Accepted::Duplicate(receipt));
    store.close().await;
}

#[tokio::test]
async fn a_row_that_is_held_for_long_is_unavailable_until_it_is_free() {
    let url = Server::shared().database().await;
    let hurried = PostgresOptions { lock_max: Duration::from_millis(20), ..options(&url) };
    let store = PostgresStore::open(hurried).await.unwrap();
    store.create_app(an_app(app(), "first")).await.unwrap();
    let mut events = events(2).await.into_iter();
    store.accept(events.next().unwrap()).await.unwrap();
    let event = events.next().unwrap();
    let mut other = raw(&url).await;
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM riders WHERE id = 'r2' FOR UPDATE").execute(&mut *held).await.unwrap();
    let refused = store.accept(event.clone()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert_eq!(store.event(app(), event.source.clone(), event.id.clone()).await.unwrap(), None);
    assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().seq, 1, "nothing is half done");
    held.rollback().await.unwrap();
    assert!(matches!(store.accept(event).await.unwrap(), Accepted::New(_)));
    store.close().await;
}

#[tokio::test]
async fn whoever_is_chosen_to_break_a_circle_begins_again() {
    let url = Server::shared().database().await;
    let store = open(&url).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let mut events = events(2).await.into_iter();
    store.accept(events.next().unwrap()).await.unwrap();
    let mut other = raw(&url).await;
    // It looks for circles so late that our write finds this one, and must give way.
    sqlx::query("SET deadlock_timeout = '60s'").execute(&mut other).await.unwrap();
    let mut held = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM riders WHERE id = 'r2' FOR UPDATE").execute(&mut *held).await.unwrap();
    let write = store.accept(events.next().unwrap());
    let circle = async {
        let mut looker = raw(&url).await;
        let waits = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
             AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut looker).await.unwrap() {
            tokio::task::yield_now().await;
        }
        sqlx::query("SELECT 1 FROM riders WHERE id = 'r1' FOR UPDATE").execute(&mut *held).await.unwrap();
        held.rollback().await.unwrap();
    };
    let (accepted, ()) = tokio::join!(write, circle);
    assert!(matches!(accepted.unwrap(), Accepted::New(_)));
    assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().seq, 2);
    store.close().await;
}

/// A way to the server that can break where it hurts.
struct Wire {
    url: String,
    trouble: Arc<AtomicU8>,
}

/// All is well.
const WELL: u8 = 0;
/// The next commit reaches the server; its answer does not come back.
const ANSWER_LOST: u8 = 1;
/// The next commit does not reach the server.
const COMMIT_LOST: u8 = 2;

impl Wire {
    async fn to(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_, rest) = url.split_once('@').unwrap();
        let (address, database) = rest.split_once('/').unwrap();
        let here = format!("postgres://postgres@{}/{database}", listener.local_addr().unwrap());
        let (address, trouble) = (address.to_owned(), Arc::new(AtomicU8::new(WELL)));
        let fault = Arc::clone(&trouble);
        drive(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&address).await.unwrap();
                drive(carry(client, server, Arc::clone(&fault)));
            }
        });
        Self { url: here, trouble }
    }

    fn next_commit(&self, trouble: u8) {
        self.trouble.store(trouble, Ordering::SeqCst);
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, trouble: Arc<AtomicU8>) {
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                let commits = up[..count].windows(6).any(|word| word == b"COMMIT");
                let fault = if commits { trouble.swap(WELL, Ordering::SeqCst) } else { WELL };
                if fault == COMMIT_LOST {
                    return;
                }
                server.write_all(&up[..count]).await.unwrap();
                if fault == ANSWER_LOST {
                    assert!(server.read(&mut down).await.is_ok_and(|count| count > 0));
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                if client.write_all(&down[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_gives_the_event_once() {
    let url = Server::shared().database().await;
    let wire = Wire::to(&url).await;
    let store = open(&wire.url).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    for (event, trouble) in events(4).await.into_iter().zip([ANSWER_LOST, COMMIT_LOST, WELL, ANSWER_LOST]) {
        wire.next_commit(trouble);
        let Accepted::New(receipt) = store.accept(event.clone()).await.unwrap() else {
            panic!("{trouble}: not new")
        };
        assert_eq!(store.alert(app(), own(&receipt)).await.unwrap().unwrap().delivery_count, 3);
        assert_eq!(store.accept(event).await.unwrap(), Accepted::Duplicate(receipt));
    }
    assert_eq!(store.rider(rider("r1")).await.unwrap().unwrap().seq, 4, "each once");
    wire.next_commit(ANSWER_LOST);
    let many = store.accept_all(events(8).await.split_off(4)).await;
    assert!(many.iter().all(|one| matches!(one, Ok(Accepted::New(_)))), "{many:?}");
    wire.next_commit(ANSWER_LOST);
    let touched = store.touch_rider(rider("r9"), EpochMs(5)).await;
    assert!(matches!(touched, Err(StoreError::Unsure(_))), "{touched:?}");
    assert!(store.rider(rider("r9")).await.unwrap().is_some(), "and so it was done");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_leaves_whole_events_and_all_that_were_answered() {
    let server = Server::start(Durability::Durable);
    let url = server.database().await;
    let store = open(&url).await;
    store.create_app(an_app(app(), "first")).await.unwrap();
    let events = events(400).await;
    for part in events.chunks(200) {
        let calls = join_all(part.iter().map(|event| store.accept(event.clone())));
        let kill = async {
            // In the middle of it: some are kept, and others wait.
            while store.rider(rider("r1")).await.ok().flatten().is_none_or(|rider| rider.seq % 200 < 20) {
                tokio::task::yield_now().await;
            }
            tokio::task::block_in_place(|| server.ask("kill"));
            tokio::time::sleep(Duration::from_millis(100)).await;
            tokio::task::block_in_place(|| server.ask("start"));
            Instant::now()
        };
        let (accepted, back) = tokio::join!(calls, kill);
        store.touch_rider(rider("r9"), EpochMs(5)).await.unwrap();
        assert!(back.elapsed() < Duration::from_secs(10), "it heals by itself");
        for (event, accepted) in part.iter().zip(accepted) {
            let kept = store.event(app(), event.source.clone(), event.id.clone()).await.unwrap();
            match accepted {
                Ok(Accepted::New(receipt)) => {
                    assert_eq!(kept.map(|(_, kept)| kept), Some(receipt), "answered is durable");
                }
                Err(StoreError::Unavailable(_)) => assert_eq!(kept, None, "nothing was done"),
                Err(StoreError::Unsure(_)) => {}
                other => panic!("{other:?}"),
            }
            let again = store.accept(event.clone()).await.unwrap();
            let (Accepted::New(receipt) | Accepted::Duplicate(receipt)) = again else { panic!("{again:?}") };
            let record = store.alert(app(), own(&receipt)).await.unwrap().unwrap();
            assert_eq!(record.delivery_count, 3, "an event is there whole or not at all");
        }
    }
    let mut seqs: Vec<i64> = sqlx::query_scalar("SELECT seq FROM deliveries WHERE rider_id = 'r2'")
        .fetch_all(&mut raw(&url).await)
        .await
        .unwrap();
    seqs.sort_unstable();
    assert!(seqs.into_iter().eq(1..=400), "no number twice, none left out");
    store.close().await;
}

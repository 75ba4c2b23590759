//! One run: a server with its folder and ports, backends that post, riders that listen, someone who asks for records;
//! and at the end the settling, after which the history is judged.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::backend::{Api, Backend};
use crate::database::Database;
use crate::dice::Dice;
use crate::history::{Flow, History};
use crate::op::{Entry, Op};
use crate::proxy::Proxy;
use crate::record::Record;
use crate::rider::Rider;
use crate::server::{Server, Store};
use crate::strike::Ground;

/// Everything that plays in one run.
pub(crate) struct Stage {
    /// The server.
    pub(crate) server: Server,
    /// What was seen.
    pub(crate) history: Arc<History>,
    /// The way of the riders.
    pub(crate) proxy: Proxy,
    /// How often the server ended by itself.
    pub(crate) gave_up: usize,
    /// The longest that anything took to flow again after a fault.
    pub(crate) slowest: Duration,
    riders: Arc<[String]>,
    api: Api,
    posting: CancellationToken,
    listening: CancellationToken,
    backends: JoinSet<anyhow::Result<()>>,
    listeners: JoinSet<anyhow::Result<()>>,
    asking: JoinSet<anyhow::Result<()>>,
    burden: Arc<AtomicUsize>,
    folder: TempDir,
    /// The database server, where there is one.
    pub(crate) database: Option<Database>,
    /// How soon after each return of the database things flowed again.
    pub(crate) returns: Vec<Return>,
}

/// How soon things flowed after the database was there again.
#[derive(Clone, Copy)]
pub(crate) struct Return {
    /// The first event was accepted.
    pub(crate) accepted: Duration,
    /// A rider got an alert.
    pub(crate) heard: Duration,
}

/// Backends that post at the same time.
const BACKENDS: usize = 4;
/// Riders that listen.
const RIDERS: usize = 6;
/// After a fault everybody is served again within this: heartbeat, silence, back-off, and a machine with other work.
const FLOW_LIMIT: Duration = Duration::from_secs(20);
/// Limit for everything to end when nothing is disturbed any more.
const SETTLE_LIMIT: Duration = Duration::from_mins(2);
/// Between two looks at something that is awaited.
const POLL: Duration = Duration::from_millis(25);
/// Between two looks at something that is measured.
const LOOK: Duration = Duration::from_millis(5);
/// Between two questions for a record while all goes on.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// Questions at one time when all is over.
const ASKED_AT_ONCE: usize = 8;
/// It asks for the latest alerts: those that change.
const YOUNG: usize = 100;

impl Stage {
    /// Starts a server on this ground, and everybody around it.
    pub(crate) async fn open(seed: u64, ground: Ground, log: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (store, database) = match ground {
            Ground::Folder(prepare) => {
                prepare(&folder.path().join("data"))?;
                (Store::Folder, None)
            }
            Ground::Database => {
                let database = Database::start().await?;
                (Store::Database(database.url()), Some(database))
            }
        };
        let server = Server::start(folder.path(), log, store).await?;
        let key = server.command(&["keys", "create", "--name", "faults", "--scopes", "ingest,read"]).await?;
        let history = Arc::new(History::new());
        let riders: Arc<[String]> = (0..RIDERS).map(|number| format!("r_{number}")).collect();
        let proxy = Proxy::open(server.address).await?;
        let (posting, listening) = (CancellationToken::new(), CancellationToken::new());
        let burden = Arc::new(AtomicUsize::new(0));
        let mut backends = JoinSet::new();
        for number in 0..BACKENDS {
            let (riders, history) = (Arc::clone(&riders), Arc::clone(&history));
            let backend = Backend::new(number, server.address, &key, riders, history, seed)?;
            backends.spawn(backend.run(posting.clone()));
        }
        let mut listeners = JoinSet::new();
        for name in riders.iter() {
            let token = server.command(&["token", "--rider", name]).await?;
            let rider = Rider::new(name, token, proxy.address, &history, seed, &burden);
            listeners.spawn(rider.run(listening.clone()));
        }
        let api = Api::new(server.address, &key, FLOW_LIMIT)?;
        let mut asking = JoinSet::new();
        asking.spawn(ask(api.clone(), Arc::clone(&history), Dice::new(seed, "asker"), posting.clone()));
        let (gave_up, slowest) = (0, Duration::ZERO);
        Ok(Self {
            server,
            history,
            proxy,
            gave_up,
            slowest,
            riders,
            api,
            posting,
            listening,
            backends,
            listeners,
            asking,
            burden,
            folder,
            database,
            returns: Vec::new(),
        })
    }

    /// How many riders listen.
    pub(crate) fn rider_count(&self) -> usize {
        self.riders.len()
    }

    /// The server's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Waits until posts are answered with yes and every rider gets new alerts, both from now on.
    pub(crate) async fn flows_again(&mut self) -> anyhow::Result<()> {
        let (before, began) = (self.history.flow(), Instant::now());
        loop {
            if let Some(status) = self.server.ended()? {
                anyhow::bail!("the server ended by itself: {status}");
            }
            let now = self.history.flow();
            let deaf: Vec<_> = self
                .riders
                .iter()
                .filter(|rider| now.heard.get(*rider) <= before.heard.get(*rider))
                .collect();
            if now.accepted > before.accepted && deaf.is_empty() {
                break;
            }
            if began.elapsed() > FLOW_LIMIT {
                let accepted = now.accepted - before.accepted;
                let what = format!("after {FLOW_LIMIT:?}: {accepted} posts accepted, {deaf:?} got nothing");
                self.history.note(Op::Stuck { what });
                break;
            }
            tokio::time::sleep(POLL).await;
        }
        self.slowest = self.slowest.max(began.elapsed());
        Ok(())
    }

    /// Notes how soon after now an event is accepted, and a rider gets an alert.
    pub(crate) async fn note_return(&mut self) {
        let (before, began) = (self.history.flow(), Instant::now());
        let (mut accepted, mut heard) = (None, None);
        while (accepted.is_none() || heard.is_none()) && began.elapsed() < FLOW_LIMIT {
            tokio::time::sleep(LOOK).await;
            let now = self.history.flow();
            let all = |flow: &Flow| flow.heard.values().sum::<usize>();
            if accepted.is_none() && now.accepted > before.accepted {
                accepted = Some(began.elapsed());
            }
            if heard.is_none() && all(&now) > all(&before) {
                heard = Some(began.elapsed());
            }
        }
        let [accepted, heard] = [accepted, heard].map(|soon| soon.unwrap_or(FLOW_LIMIT));
        self.returns.push(Return { accepted, heard });
    }

    /// What a supervisor does: starts the server again if it has ended, as long as it takes.
    pub(crate) async fn revive(&mut self) -> anyhow::Result<()> {
        let Some(status) = self.server.ended()? else { return Ok(()) };
        self.gave_up += usize::from(status.signal().is_none());
        let end = Instant::now() + FLOW_LIMIT;
        while let Err(error) = self.server.restart().await {
            anyhow::ensure!(Instant::now() < end, "the server did not start again: {error:#}");
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Ends the posting, waits until all is over, asks for every record, before and after a clean stop and start.
    pub(crate) async fn settle(mut self) -> anyhow::Result<Vec<Entry>> {
        self.posting.cancel();
        all(&mut self.backends).await.context("a backend")?;
        all(&mut self.asking).await.context("the asker")?;
        let alerts = self.find_alerts().await?;
        self.await_ends(&alerts).await?;
        let end = Instant::now() + FLOW_LIMIT;
        while self.burden.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            tokio::time::sleep(POLL).await;
        }
        self.listening.cancel();
        all(&mut self.listeners).await.context("a rider")?;
        self.ask_all(&alerts).await?;
        self.server.stop().await?;
        self.server.restart().await?;
        self.ask_all(&alerts).await?;
        self.server.stop().await?;
        Ok(self.history.entries())
    }

    /// Every alert that was told of, and those of events whose answer was lost.
    async fn find_alerts(&self) -> anyhow::Result<Vec<String>> {
        let (mut alerts, mut untold) = (BTreeSet::new(), BTreeSet::new());
        for Entry { op, .. } in self.history.entries() {
            if let Op::Post { event, .. } = &op {
                untold.insert(event.clone());
            }
            if let Op::Told { event, alert: Some(alert), .. } = op {
                untold.remove(&event);
                alerts.insert(alert);
            }
        }
        for event in untold {
            let looked = self.api.event(&event, &self.history).await?;
            alerts.extend(looked.with_context(|| format!("no answer to the question for {event}"))?);
        }
        Ok(alerts.into_iter().collect())
    }

    /// Until every delivery has ended. What never ends is in the history, for the checker to find.
    async fn await_ends(&self, alerts: &[String]) -> anyhow::Result<()> {
        let end = Instant::now() + SETTLE_LIMIT;
        let mut open = alerts.to_vec();
        while !open.is_empty() && Instant::now() < end {
            let asked = self.ask_all(&open).await?;
            open = asked.into_iter().filter(is_open).map(|record| record.alert).collect();
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }

    /// Asks for each of these once; what there is.
    async fn ask_all(&self, alerts: &[String]) -> anyhow::Result<Vec<Record>> {
        let asking = alerts.iter().map(|alert| self.api.alert(alert, &self.history));
        let asked: Vec<_> =
            futures_util::stream::iter(asking).buffer_unordered(ASKED_AT_ONCE).collect().await;
        Ok(asked.into_iter().collect::<anyhow::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}

/// Asks for one record after the other while all goes on: what is told once may not be taken back.
async fn ask(api: Api, history: Arc<History>, mut dice: Dice, stop: CancellationToken) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let young = history.latest(YOUNG);
        if let Some(alert) = young.get(dice.place(young.len())) {
            api.alert(alert, &history).await?;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    Ok(())
}

fn is_open(record: &Record) -> bool {
    record.deliveries.iter().any(|standing| standing.reason.is_none())
}

async fn all(tasks: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

//! The backend: it posts events and takes them back, says who is on duty, and asks again with the same id whenever it
//! did not get its answer.

use std::sync::Arc;
use std::time::Duration;

use orderbell::dispatch::{AcceptError, Arrival, Duty, EventAnswer, SettleError};
use orderbell::domain::app::KeyMode;
use orderbell::domain::book::Admission;
use orderbell::domain::{AlertId, DevicePolicy, GroupId, OrderKey, RiderId, RiderKey};
use orderbell::intake::parse_event;
use orderbell::store::{RiderPatch, StoreResult};

use crate::simulation::arbiter::Arbiter;
use crate::simulation::device::sleep_ms;
use crate::simulation::dice::Dice;
use crate::simulation::graves::named;
use crate::simulation::ledger::{Broken, Fault, Ledger};
use crate::simulation::node::{APP, Address, Node};
use crate::simulation::plan::{After, EventPlan, Order, Post, RiderPlan};

/// One of the backend's workers.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) address: Arc<Address>,
    pub(crate) dice: Dice,
}

/// One of them with an event in hand, who can see what is decided.
pub(crate) struct Worker {
    pub(crate) backend: Backend,
    pub(crate) arbiter: Arc<Arbiter>,
}

impl Worker {
    /// Posts the event, and does what its plan wants then.
    pub(crate) async fn post(self, event: EventPlan) {
        let Self { mut backend, arbiter } = self;
        let answer = backend.post(&event).await;
        let Some((after_ms, act)) = event.after else { return };
        sleep_ms(after_ms).await;
        match (act, answer.alert_id) {
            (After::CancelOrder, _) => {
                backend.cancel_order(event.key_mode, event.order.as_deref().unwrap()).await;
            }
            (After::CancelAlert, Some(alert)) => backend.cancel_alert(event.key_mode, alert).await,
            (After::Settle, Some(alert)) => {
                let winner = arbiter.decide(alert, &event.riders);
                backend.settle(alert, winner).await;
            }
            // It was dropped, or comes again and again.
            (After::CancelAlert | After::Settle, None) => {}
        }
    }
}

/// A backend does not wait longer for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

impl Backend {
    /// Posts one event until it is accepted.
    async fn post(&mut self, event: &EventPlan) -> EventAnswer {
        tokio::time::sleep_until(self.ledger.time.at(event.at_ms)).await;
        match event.post {
            Post::Once => self.post_until_accepted(event).await,
            Post::Twice => {
                let mut other = self.clone();
                other.dice.next();
                let (answer, _same) =
                    tokio::join!(self.post_until_accepted(event), other.post_until_accepted(event));
                answer
            }
            Post::Impatient { ms } => {
                let first = self.post_until_accepted(event);
                let limit = Duration::from_millis(u64::try_from(ms).unwrap());
                if tokio::time::timeout(limit, first).await.is_err() {
                    self.ledger.injected(Fault::CallerLeft);
                }
                self.post_until_accepted(event).await
            }
        }
    }

    /// Settles an offer as it was decided, now and then again, or by mistake for somebody else: that is refused.
    pub(crate) async fn settle(mut self, alert: AlertId, winner: Option<RiderId>) {
        let Ok(first) = self.settle_for(alert, winner.clone()).await else { return };
        self.ledger.seen().settles += 1;
        self.ledger.note(format_args!("backend: settled for {winner:?}, {first} ended"));
        if self.dice.per_mille(300) {
            let again = self.settle_for(alert, winner.clone()).await;
            if !matches!(again, Ok(0)) {
                self.ledger.broken(Broken::TwoEffects, format_args!("settled again: {again:?}"));
            }
        }
        if self.dice.per_mille(300) {
            let record = self.ledger.record(alert).unwrap();
            let others = record.deliveries.into_iter().map(|delivery| delivery.rider);
            let Some(other) = others.into_iter().find(|rider| Some(rider) != winner.as_ref()) else { return };
            let contradicted = self.settle_for(alert, Some(other)).await;
            if !matches!(contradicted, Err(SettleError::Otherwise)) {
                self.ledger.broken(Broken::TwoWinners, format_args!("settled otherwise: {contradicted:?}"));
            }
        }
    }

    async fn settle_for(&mut self, alert: AlertId, winner: Option<RiderId>) -> Result<usize, SettleError> {
        let ask = |node: Arc<Node>| {
            let winner = winner.clone();
            async move {
                match node.dispatch.settle(*APP, KeyMode::Live, alert, winner).await {
                    Err(SettleError::Store(error)) => Err(error),
                    settled => Ok(settled),
                }
            }
        };
        self.until_done(ask).await
    }

    /// Makes a group.
    pub(crate) async fn gather(mut self, group: GroupId, members: Vec<RiderId>) {
        let ask = |node: Arc<Node>| {
            let (group, members) = (group.clone(), members.clone());
            async move { node.dispatch.put_group(*APP, group, members).await }
        };
        self.until_done(ask).await;
    }

    /// Describes a rider.
    pub(crate) fn introduce(mut self, rider: RiderKey, plan: &RiderPlan) -> impl Future<Output = ()> + use<> {
        let test = plan.test;
        let devices = if plan.all_devices { DevicePolicy::All } else { DevicePolicy::Latest };
        let patch = RiderPatch { devices: Some(devices), ..RiderPatch::default() };
        let ask = move |node: Arc<Node>| {
            let (rider, patch) = (rider.clone(), patch.clone());
            async move {
                if test {
                    node.dispatch.admit(rider.clone(), Admission::AsTest).await?;
                }
                node.dispatch.put_rider(rider, patch).await
            }
        };
        async move { drop(self.until_done(ask).await) }
    }

    /// Carries out what is planned beside events.
    pub(crate) async fn order(mut self, at_ms: i64, order: Order, riders: Arc<Vec<RiderKey>>) {
        tokio::time::sleep_until(self.ledger.time.at(at_ms)).await;
        match order {
            Order::Restart => {
                let node = self.address.find().await;
                self.ledger.injected(Fault::Restart);
                tokio::select! {
                    biased;
                    () = node.dead.cancelled() => {}
                    () = node.shut_down() => {}
                }
            }
            Order::Close { key_mode, order } => self.cancel_order(key_mode, &order).await,
            Order::JumpWall { ms } => {
                self.ledger.injected(Fault::WallJump);
                self.ledger.time.jump(ms);
            }
            Order::Duty { rider, on } => {
                let rider = &riders[rider];
                let duty = if on { Duty::On } else { Duty::Off };
                let ask = |node: Arc<Node>| {
                    let rider = rider.clone();
                    async move { node.dispatch.set_duty(rider, duty).await }
                };
                self.until_done(ask).await;
                self.ledger.note(format_args!("backend: {} {duty:?} duty", rider.rider));
            }
        }
    }

    async fn post_until_accepted(&mut self, event: &EventPlan) -> EventAnswer {
        loop {
            let node = self.address.find().await;
            self.ledger.posted(event);
            let answer = tokio::select! {
                biased;
                () = node.dead.cancelled() => None,
                answer = tokio::time::timeout(PATIENCE, accept(&node, event)) => answer.ok(),
            };
            match answer {
                Some(Ok(answer)) => {
                    self.ledger.accepted(event, answer.clone());
                    self.ledger.stored(event, answer.outcome.as_str());
                    return answer;
                }
                Some(Err(error)) => {
                    assert!(matches!(error, AcceptError::Store(_)), "{} is refused: {error}", event.id);
                    self.back_off().await;
                }
                None => self.back_off().await,
            }
        }
    }

    async fn cancel_alert(&mut self, by: KeyMode, alert: AlertId) {
        let cancel =
            |by| move |node: Arc<Node>| async move { node.dispatch.cancel_alert(*APP, by, alert).await };
        let tests = !self.ledger.seen().testers.is_empty();
        if tests && by == KeyMode::Live && self.dice.per_mille(300) {
            let by_test_key = self.until_done(cancel(KeyMode::Test)).await;
            if by_test_key.is_some() {
                self.ledger.broken(Broken::WorldsMixed, format_args!("a test key cancelled {alert}"));
            }
        }
        let ended = self.until_done(cancel(by)).await;
        self.ledger.note(format_args!("backend: alert cancelled, {ended:?}"));
    }

    async fn cancel_order(&mut self, key_mode: KeyMode, order: &str) {
        let order = OrderKey { app: *APP, key_mode, order: order.parse().unwrap() };
        let least = self.ledger.cancelling(&order);
        let ask = |node: Arc<Node>| {
            let order = order.clone();
            async move { node.dispatch.cancel_order(order).await }
        };
        let ended = self.until_done(ask).await;
        self.ledger.cancelled(&order, least);
        let order = named(&order);
        self.ledger.note(format_args!("backend: order {order} cancelled, {ended} ended"));
    }

    /// Asks until the answer is yes.
    async fn until_done<T, F>(&mut self, ask: impl Fn(Arc<Node>) -> F) -> T
    where
        F: Future<Output = StoreResult<T>>,
    {
        loop {
            let node = self.address.find().await;
            let answer = tokio::select! {
                biased;
                () = node.dead.cancelled() => None,
                answer = tokio::time::timeout(PATIENCE, ask(Arc::clone(&node))) => answer.ok(),
            };
            match answer {
                Some(Ok(answer)) => return answer,
                Some(Err(_)) | None => self.back_off().await,
            }
        }
    }

    async fn back_off(&mut self) {
        sleep_ms(self.dice.between(100, 2_000)).await;
    }
}

async fn accept(node: &Node, event: &EventPlan) -> Result<EventAnswer, AcceptError> {
    let dispatch = &node.dispatch;
    let app = dispatch.accounts().app(*APP).await?.unwrap();
    let received_at = dispatch.clock().now().wall;
    let parsed =
        parse_event(event.body.to_string().as_bytes(), dispatch.kinds(), || dispatch.fresh_event_id())?;
    let trace_id = format!("trace-{}", event.id);
    dispatch
        .accept(
            app,
            Arrival { source: "api".into(), key_mode: event.key_mode, parsed, trace_id, received_at },
        )
        .await
}

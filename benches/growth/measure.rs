//! What is measured: the calls of the hot path and of the sweep, each as often on the small store as on the large one.
//! Riders are taken from all who have a past, and what is made is made in the present.

use std::sync::Arc;
use std::time::{Duration, Instant};

use orderbell::domain::delivery::Change;
use orderbell::domain::{AlertId, AppId, EpochMs, RiderKey};
use orderbell::store::{Accepted, AlertFilter, HistoryFilter, PageSize, Span, Store, Whose};
use tokio::task::JoinSet;

use super::Clock;
use super::figures::Laps;
use super::fill::{Filled, a_sound, last_week, progress, send_callbacks};
use super::multiply::{APPS, RIDERS, TOLD, order, rider};
use super::orders::{About, event, to};

/// Calls of each kind in one round.
const CALLS: u64 = 40;
const CALLERS: u64 = 64;
/// How long many callers call in one round.
const SPAN: Duration = Duration::from_millis(400);
/// Rows forgotten at once while accepts are measured: the small store has enough of them for all rounds.
const FORGOTTEN: u32 = 25;
const BATCH: u32 = 500;

/// One of the two stores, and where its bench has come to.
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) store: Arc<dyn Store>,
    filled: Filled,
    deliveries: u64,
    clock: Clock,
    made: u64,
    open: Vec<(RiderKey, AlertId)>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Measure {
    Accept,
    AcceptOfNoOrder,
    AcceptAgain,
    MarkRendered,
    TouchRider,
    OpenIds,
    OpenDeliveries,
    EndedReasons,
    Sent,
    Received,
    Played,
    AcceptOfMany,
    AcceptWhileForgetting,
    ExpireDue,
    DueSteps,
    DueTargets,
    DueBursts,
    DueAsks,
    DueCalls,
    DueSchedules,
    Unrendered,
    PendingSince,
    ClaimCallbacks,
    DuePresence,
    ForgetNothing,
    GetAlert,
    GetEvent,
    ListAlerts,
    ListOfOrder,
    RiderHistory,
    Outcomes,
}

impl Measure {
    /// In the order in which a round takes them: what is accepted is opened, heard and so ended in the same round.
    pub(crate) const ALL: [Self; 31] = [
        Self::Accept,
        Self::AcceptOfNoOrder,
        Self::AcceptAgain,
        Self::MarkRendered,
        Self::TouchRider,
        Self::OpenIds,
        Self::OpenDeliveries,
        Self::EndedReasons,
        Self::Sent,
        Self::Received,
        Self::Played,
        Self::AcceptOfMany,
        Self::AcceptWhileForgetting,
        Self::ExpireDue,
        Self::DueSteps,
        Self::DueTargets,
        Self::DueBursts,
        Self::DueAsks,
        Self::DueCalls,
        Self::DueSchedules,
        Self::Unrendered,
        Self::PendingSince,
        Self::ClaimCallbacks,
        Self::DuePresence,
        Self::ForgetNothing,
        Self::GetAlert,
        Self::GetEvent,
        Self::ListAlerts,
        Self::ListOfOrder,
        Self::RiderHistory,
        Self::Outcomes,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept, 1 caller",
            Self::AcceptOfNoOrder => "accept, no order, 1 caller",
            Self::AcceptAgain => "accept of the same event again",
            Self::MarkRendered => "mark_rendered",
            Self::TouchRider => "connect: touch_rider",
            Self::OpenIds => "connect: open_ids",
            Self::OpenDeliveries => "connect: open_deliveries",
            Self::EndedReasons => "connect: ended_reasons",
            Self::Sent => "progress: sent",
            Self::Received => "progress: received",
            Self::Played => "progress: played",
            Self::AcceptOfMany => "accept, 64 callers",
            Self::AcceptWhileForgetting => "accept, 64 callers, forgetting",
            Self::ExpireDue => "sweep: expire_due",
            Self::DueSteps => "sweep: due_steps",
            Self::DueTargets => "sweep: due_targets",
            Self::DueBursts => "sweep: due_bursts",
            Self::DueAsks => "sweep: due_asks",
            Self::DueCalls => "sweep: due_calls",
            Self::DueSchedules => "sweep: due_schedules",
            Self::Unrendered => "sweep: unrendered",
            Self::PendingSince => "sweep: pending_since",
            Self::ClaimCallbacks => "sweep: claim_callbacks",
            Self::DuePresence => "sweep: due_presence",
            Self::ForgetNothing => "forget, nothing is old enough",
            Self::GetAlert => "alert, of any age",
            Self::GetEvent => "event, of the last week",
            Self::ListAlerts => "list: 50 alerts of an app",
            Self::ListOfOrder => "list: alerts of an order",
            Self::RiderHistory => "list: a rider's last 2",
            Self::Outcomes => "report: 100 outcomes",
        }
    }
}

impl Side {
    pub(crate) fn new(store: Arc<dyn Store>, filled: Filled, deliveries: u64, clock: Clock) -> Self {
        let name = format!("{deliveries} deliveries");
        Self { name, store, filled, deliveries, clock, made: 0, open: Vec::new() }
    }

    /// One round of a measure.
    pub(crate) async fn run(&mut self, measure: Measure) -> Laps {
        match measure {
            Measure::AcceptOfMany => return self.accepts_of_many(Forgetting::No).await,
            Measure::AcceptWhileForgetting => return self.accepts_of_many(Forgetting::Slices).await,
            _one_by_one => {}
        }
        let mut laps = Laps::default();
        for call in 0..CALLS {
            laps.push(self.lap(measure, call).await.as_secs_f64());
        }
        if measure == Measure::Played {
            self.open.clear();
            send_callbacks(&*self.store, self.clock.set_to_real()).await;
        }
        laps
    }

    async fn lap(&mut self, measure: Measure, call: u64) -> Duration {
        let now = self.clock.set_to_real();
        let long_ago = now.plus_ms(-400 * 86_400_000);
        let store = Arc::clone(&self.store);
        let store = &*store;
        match measure {
            Measure::Accept => self.accept(About::Orders, now).await,
            Measure::AcceptOfNoOrder => self.accept(About::Nothing, now).await,
            Measure::AcceptAgain => self.accept_again(now).await,
            Measure::MarkRendered => {
                let (_, alert) = self.opened(call);
                timed(store.mark_rendered(alert, a_sound(), now)).await
            }
            Measure::TouchRider => timed(store.touch_rider(self.any_rider(call), now)).await,
            Measure::OpenIds => timed(store.open_ids(self.any_rider(call))).await,
            Measure::OpenDeliveries => timed(store.open_deliveries(self.any_rider(call), BATCH)).await,
            Measure::EndedReasons => {
                let (rider, alert) = self.opened(call);
                timed(store.ended_reasons(rider, vec![alert])).await
            }
            Measure::Sent => self.says(call, Change::Sent, now).await,
            Measure::Received => self.says(call, Change::Received, now).await,
            Measure::Played => {
                // What is about no order was opened with the rest, and ends with it.
                let (rider, alert) = self.opened(call + CALLS);
                progress(store, &rider, alert, Change::Played { play: 1 }, now).await;
                self.says(call, Change::Played { play: 1 }, now).await
            }
            Measure::ExpireDue => timed(store.expire_due(now, 3, BATCH)).await,
            Measure::DueSteps => timed(store.due_steps(now, BATCH)).await,
            Measure::DueTargets => timed(store.due_targets(now, BATCH)).await,
            Measure::DueBursts => timed(store.due_bursts(now, BATCH)).await,
            Measure::DueAsks => timed(store.due_asks(now, BATCH)).await,
            Measure::DueCalls => timed(store.due_calls(now, BATCH)).await,
            Measure::DueSchedules => timed(store.due_schedules(now, BATCH)).await,
            Measure::Unrendered => timed(store.unrendered(BATCH)).await,
            Measure::PendingSince => timed(store.pending_since(now.plus_ms(-10_000), BATCH)).await,
            Measure::ClaimCallbacks => {
                timed(store.claim_callbacks(now, now.plus_ms(1), Vec::new(), 8, 64)).await
            }
            Measure::DuePresence => timed(store.due_presence(now, BATCH)).await,
            Measure::ForgetNothing => timed(store.forget_events(long_ago, BATCH)).await,
            Measure::GetAlert => {
                let (app, alert) = self.any_alert(call);
                timed(store.alert(app, alert)).await
            }
            Measure::GetEvent => {
                let (app, number) = self.any_order(call);
                let id = format!("{}-created", order(number)).parse().unwrap();
                let began = Instant::now();
                assert!(store.event(app, "backend".to_owned(), id).await.unwrap().is_some());
                began.elapsed()
            }
            Measure::ListAlerts => self.list(call, None).await,
            Measure::ListOfOrder => self.list(call, Some(call)).await,
            Measure::RiderHistory => {
                let filter = HistoryFilter { span: Span::ALL, state: None, reason: None, kind: None };
                let size = PageSize { rows: 2, looks: 2 };
                timed(store.rider_history(self.any_rider(call), filter, None, size)).await
            }
            Measure::Outcomes => {
                let (app, _) = self.any_order(call);
                timed(store.outcomes(app, Whose::All, Span::ALL, None, 100)).await
            }
            Measure::AcceptOfMany | Measure::AcceptWhileForgetting => Duration::ZERO,
        }
    }

    async fn list(&self, call: u64, of_order: Option<u64>) -> Duration {
        let (app, number) = self.any_order(call);
        let about = of_order.map(|_| order(number).parse().unwrap());
        let filter = AlertFilter { span: Span::ALL, order: about, rider: None, state: None, kind: None };
        timed(self.store.find_alerts(app, filter, None, PageSize { rows: 50, looks: 50 })).await
    }

    /// Reads what became of a day's deliveries of one app as a report does; how many, and how long it took.
    pub(crate) async fn day(&self) -> (usize, Duration) {
        const SLICE: u32 = 1_000;
        let (began, until) = (Instant::now(), self.clock.set_to_real().plus_ms(-86_400_000));
        let span = Span { since: until.plus_ms(-86_400_000), until };
        let (mut read, mut after) = (0, None);
        loop {
            let outcomes = self.store.outcomes(self.filled.apps[0], Whose::All, span, after, SLICE);
            let outcomes = outcomes.await.unwrap();
            read += outcomes.len();
            after = outcomes.last().map(|last| (last.alert, last.rider.clone()));
            if outcomes.len() < SLICE as usize {
                return (read, began.elapsed());
            }
        }
    }

    async fn accept(&mut self, about: About, now: EpochMs) -> Duration {
        self.made += 1;
        let rider = self.any_rider(self.made);
        let name = format!("order-now-{}", self.made);
        let new = event(rider.app, &name, now, to(&[rider.rider.as_str()], &[]), about);
        let began = Instant::now();
        let accepted = self.store.accept(new).await.unwrap();
        let lap = began.elapsed();
        let Accepted::New(receipt) = accepted else { panic!("{name} is not new") };
        self.open.push((rider, receipt.alerts[0].alert));
        lap
    }

    async fn accept_again(&mut self, now: EpochMs) -> Duration {
        self.made += 1;
        let (app, number) = self.any_order(self.made);
        let rider = rider(number % RIDERS);
        let again = event(app, &order(number), now, to(&[&rider], &[]), About::Orders);
        let began = Instant::now();
        let accepted = self.store.accept(again).await.unwrap();
        assert!(matches!(accepted, Accepted::Duplicate(_)));
        began.elapsed()
    }

    async fn says(&self, call: u64, change: Change, now: EpochMs) -> Duration {
        let (rider, alert) = self.opened(call);
        let began = Instant::now();
        progress(&*self.store, &rider, alert, change, now).await;
        began.elapsed()
    }

    async fn accepts_of_many(&mut self, forgetting: Forgetting) -> Laps {
        let (began, now) = (Instant::now(), self.clock.set_to_real());
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (store, apps, from) = (Arc::clone(&self.store), self.filled.apps.clone(), self.made);
            callers.spawn(async move {
                let mut laps = Laps::default();
                for n in 0.. {
                    if began.elapsed() >= SPAN {
                        break;
                    }
                    let number = (from + caller * 79 + n * CALLERS) % RIDERS;
                    let name = format!("order-now-{from}-{caller}-{n}");
                    let (app, rider) = (apps[usize::try_from(number % APPS).unwrap()], rider(number));
                    let new = event(app, &name, now, to(&[&rider], &[]), About::Orders);
                    let lap = Instant::now();
                    assert!(matches!(store.accept(new).await.unwrap(), Accepted::New(_)));
                    laps.push(lap.elapsed().as_secs_f64());
                }
                laps
            });
        }
        if let Forgetting::Slices = forgetting {
            self.forget(now, FORGOTTEN).await;
        }
        let mut laps = Laps::default();
        while let Some(one) = callers.join_next().await {
            laps.append(one.unwrap());
        }
        self.made += 1;
        // They end unheard, so that rounds to come find as few that are open.
        while self.store.expire_due(now.plus_ms(3_600_000), 0, BATCH).await.unwrap().len() == BATCH as usize {
        }
        laps
    }

    /// Forgets some of the oldest.
    async fn forget(&self, now: EpochMs, rows: u32) {
        let before = now.plus_ms(-60_000);
        let events = self.store.forget_events(before, rows).await.unwrap();
        let orders = self.store.forget_orders(before, rows).await.unwrap();
        assert_eq!((events, orders), (u64::from(rows), u64::from(rows)), "nothing is left to forget");
    }

    fn opened(&self, call: u64) -> (RiderKey, AlertId) {
        self.open[usize::try_from(call).unwrap()].clone()
    }

    fn any_rider(&self, call: u64) -> RiderKey {
        let number = (self.made * 31 + call * 1_009) % RIDERS;
        let app = self.filled.apps[usize::try_from(number % APPS).unwrap()];
        RiderKey { app, rider: rider(number).parse().unwrap() }
    }

    fn any_alert(&self, call: u64) -> (AppId, AlertId) {
        let place = usize::try_from(self.made + call).unwrap() % self.filled.alerts.len();
        self.filled.alerts[place]
    }

    /// The number of an order whose event is not forgotten; the oldest half of them may be.
    fn any_order(&self, call: u64) -> (AppId, u64) {
        let week = last_week(self.deliveries / TOLD);
        let (middle, half) = (u64::midpoint(week.start, week.end), (week.end - week.start) / 2);
        let number = middle + (self.made * 7_919 + call * 104_729) % half;
        (self.filled.apps[usize::try_from(number % APPS).unwrap()], number)
    }
}

/// Whether old rows are forgotten meanwhile.
#[derive(Clone, Copy)]
enum Forgetting {
    No,
    Slices,
}

async fn timed<T>(call: impl Future<Output = orderbell::store::StoreResult<T>>) -> Duration {
    let began = Instant::now();
    call.await.unwrap();
    began.elapsed()
}

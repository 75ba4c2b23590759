//! Everyday life in a few calls: what backends, riders and sweeps ask of a store while a service runs.
//! Tests live it on a database that holds something, and then look at the plan of every statement that was run.

mod wechat;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::app::{App, AppLimits, KeyMode};
use crate::domain::callback::{CallbackTarget, TargetState, WantedKinds};
use crate::domain::delivery::{Answer, Change};
use crate::domain::kind::{Ends, OrderPolicy};
use crate::domain::ladder::{Act, HttpCall, Ladder, Step};
use crate::domain::order::Stamp;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::target::DutyRule;
use crate::domain::{
    Alert, AlertId, AppId, AppSettings, Arbiter, CallbackTargetId, EpochMs, Head, Hook, HookDelivery,
    HookDeliveryId, HookId, HookMode, HookVerdict, Mode, OrderKey, Presence, Repeat, RiderId, RiderKey,
    Settlement, Sound, Target,
};
use crate::store::{
    Accepted, AfterAttempt, AlertFilter, CallResult, CallbackAttempt, CallbackFilter, Duty, HistoryFilter,
    HookPut, NewEvent, Online, PageSize, Progress, RiderPatch, Span, Store, When, Whose, World,
};

/// When this life is lived.
pub(in crate::store) const NOW: EpochMs = EpochMs(1_790_000_000_000);

struct Nobody;

impl Presence for Nobody {
    fn is_online(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }

    fn is_audible(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }
}

/// The app that lives it.
pub(in crate::store) fn app() -> AppId {
    AppId::new(EpochMs(1), [1; 10])
}

/// Makes the app, and its past: so many orders, a rider for each ten, all told and over.
pub(in crate::store) async fn past(store: &dyn Store, orders: u16) {
    let app = App {
        id: app(),
        name: "everyday".to_owned(),
        lang: "zh-CN".to_owned(),
        secrets: Vec::new(),
        limits: AppLimits::default(),
        created_at: EpochMs(1),
        settings: AppSettings::default(),
    };
    store.create_app(app).await.unwrap();
    for (number, batch_max) in [(1, 1), (2, 100)] {
        store.put_callback_target(a_target(number, batch_max)).await.unwrap();
    }
    let long_ago = NOW.plus_ms(-86_400_000);
    let events = (0..orders).map(|n| Told::new(n, &[&format!("rider-{}", n / 10)]).at(long_ago).event());
    for accepted in store.accept_all(events.collect()).await {
        let Accepted::New(receipt) = accepted.unwrap() else { panic!("not new") };
        assert_eq!(receipt.alerts.len(), 1);
    }
    while !store.expire_due(NOW, 3, 1_000).await.unwrap().is_empty() {}
    tell_backends(store, NOW, AfterAttempt::Delivered).await;
}

/// A place for callbacks: of offers, each in the order of its alert, or of everything, in one order.
fn a_target(number: u8, batch_max: u32) -> CallbackTarget {
    let offers = WantedKinds::These(["offer.*".to_owned(), "rider.*".to_owned()].into());
    CallbackTarget {
        id: CallbackTargetId::new(EpochMs(1), [number; 10]),
        app: app(),
        url: "https://backend.example/told".to_owned(),
        kinds: if batch_max > 1 { WantedKinds::All } else { offers },
        batch_max,
        state: TargetState::Active,
        created_at: EpochMs(1),
    }
}

/// Tells them all that waits to be told at `at`.
async fn tell_backends(store: &dyn Store, at: EpochMs, after: AfterAttempt) {
    loop {
        let batches = store.claim_callbacks(at, at.plus_ms(9_000), Vec::new(), 8, 64).await.unwrap();
        if batches.is_empty() {
            return;
        }
        for batch in batches {
            let attempt = CallbackAttempt { at, took_ms: 9, status: Some(200), error: None };
            store.finish_callbacks(batch, attempt, after, at).await.unwrap();
        }
    }
}

/// Lives a day: orders come in and are told, heard, answered, cancelled and forgotten.
pub(in crate::store) async fn live(store: &dyn Store) {
    riders(store).await;
    notices_and_orders(store).await;
    offers(store).await;
    ladders(store).await;
    audiences(store).await;
    bursts(store).await;
    callbacks(store).await;
    hooks(store).await;
    wechat::live(store).await;
    record(store).await;
    sweeps(store).await;
}

async fn riders(store: &dyn Store) {
    let rider = key("rider-1");
    store.put_rider(rider.clone(), RiderPatch::default(), NOW).await.unwrap();
    store.touch_rider(rider.clone(), NOW).await.unwrap();
    store.rider(rider.clone()).await.unwrap();
    store.riders(app(), vec![rider.rider.clone()]).await.unwrap();
    let members = (0..20).map(|n| format!("rider-{n}").parse().unwrap()).collect();
    store.put_group(app(), "station".parse().unwrap(), members).await.unwrap();
    store.set_duty(rider, Duty::Off, NOW).await.unwrap();
    // Nobody knows them yet: their number is looked for. (Erasing a rider walks, and is no matter of every day.)
    store.touch_rider(key("new-rider"), NOW).await.unwrap();
}

async fn notices_and_orders(store: &dyn Store) {
    let told = Told::new(60_000, &["rider-2"]);
    let alert = accept(store, &told).await;
    store.accept(told.event()).await.unwrap();
    store.event(app(), "backend".to_owned(), "event-60000".parse().unwrap()).await.unwrap();
    assert!(store.mark_rendered(alert, a_sound(), NOW).await.unwrap());
    store.open_ids(key("rider-2")).await.unwrap();
    assert_eq!(store.open_deliveries(key("rider-2"), 10).await.unwrap().len(), 1);
    for change in [Change::Sent, Change::Received, Change::Playing, Change::Played { play: 1 }] {
        says(store, "rider-2", alert, change).await;
    }
    store.ended_reasons(key("rider-2"), vec![alert]).await.unwrap();
    store.alert(app(), alert).await.unwrap();
    let assigns = OrderPolicy { assigns: true, ..OrderPolicy::default() };
    accept(store, &Told { policy: assigns, ..Told::new(60_001, &["rider-3"]) }).await;
    let ends = OrderPolicy { ends: Some(Ends::Cancelled), ..OrderPolicy::default() };
    accept(store, &Told { policy: ends, ..Told::new(60_002, &["rider-2"]).of_order(60_001) }).await;
    let alert = accept(store, &Told::new(60_003, &["rider-3"])).await;
    store.cancel_alert(app(), alert, NOW).await.unwrap();
    accept(store, &Told::new(60_004, &["rider-3"])).await;
    let order = OrderKey { app: app(), key_mode: KeyMode::Live, order: "order-60004".parse().unwrap() };
    assert_eq!(store.cancel_order(order, NOW).await.unwrap().len(), 1);
}

async fn offers(store: &dyn Store) {
    let offer = |n| Told { mode: Mode::Grab, ..Told::new(n, &["rider-4", "rider-5"]) };
    let alert = accept(store, &offer(60_010)).await;
    store.mark_rendered(alert, a_sound(), NOW).await.unwrap();
    says(store, "rider-4", alert, Change::Answered(Answer::Decline)).await;
    says(store, "rider-5", alert, Change::Answered(Answer::Accept)).await;
    let alert = accept(store, &offer(60_011)).await;
    store.settle(app(), alert, Settlement::Nobody, NOW).await.unwrap();
    let alert = accept(store, &Told { arbiter: Arbiter::Backend, ..offer(60_012) }).await;
    says(store, "rider-4", alert, Change::Answered(Answer::Accept)).await;
    let asks = store.due_asks(NOW.plus_ms(1), 10).await.unwrap();
    let (alert, rider) = asks[0].clone();
    store.take_ask(alert, rider.clone(), NOW.plus_ms(9), NOW.plus_ms(1)).await.unwrap();
    store.ask_again(alert, rider, None).await.unwrap();
}

async fn ladders(store: &dyn Store) {
    let http = HttpCall { url: "https://calls.example/".to_owned(), ..HttpCall::default() };
    let acts = [Act::Repeat, Act::Station { groups: Vec::new() }, Act::Desk, Act::Http(http), Act::Exhausted];
    let steps = acts.into_iter().zip(1..).map(|(act, after_s)| Step { after_s, act, fallback: false });
    let ladder = Ladder::new(steps.collect()).unwrap();
    let told = Told { mode: Mode::Grab, ladder, ..Told::new(60_020, &["rider-6"]) };
    let alert = accept(store, &told).await;
    store.mark_rendered(alert, a_sound(), NOW).await.unwrap();
    store.laddered(key("rider-6")).await.unwrap();
    for second in 1..=5 {
        let at = NOW.plus_ms(second * 1_000);
        let level = store.due_steps(at, 10).await.unwrap()[0].level;
        let stepped = store.step(alert, level, When::Due, Some(a_sound()), world(0), at).await.unwrap();
        assert!(stepped.is_some(), "level {level} is not taken");
    }
    let calls = store.due_calls(NOW.plus_ms(9_000), 10).await.unwrap();
    store.take_call(calls[0].id, NOW.plus_ms(10_000), NOW.plus_ms(9_000)).await.unwrap();
    store.finish_call(calls[0].id, CallResult::Again(NOW.plus_ms(10_000)), NOW).await.unwrap();
    store.finish_call(calls[0].id, CallResult::Done(200), NOW).await.unwrap();
    store.notices(app(), 0, 10).await.unwrap();
}

async fn audiences(store: &dyn Store) {
    let mut told = Told::new(60_030, &["rider-7"]).event();
    told.target.groups = vec!["station".parse().unwrap()];
    store.audience(app(), told.target.clone()).await.unwrap();
    told.target.broadcast = true;
    if let Some(alert) = &mut told.alert {
        alert.head.starts_at = NOW.plus_ms(10);
    }
    let alert = told.alert.as_ref().unwrap().id;
    store.accept(told).await.unwrap();
    assert_eq!(store.due_targets(NOW.plus_ms(10), 10).await.unwrap().len(), 1);
    for _part in 0..2 {
        let policy = OrderPolicy::default();
        store.unroll(alert, 5, policy, world(0), NOW.plus_ms(10)).await.unwrap();
    }
    store.cancel_alert(app(), alert, NOW.plus_ms(11)).await.unwrap();
}

async fn bursts(store: &dyn Store) {
    for n in [60_040, 60_041] {
        let policy = OrderPolicy { merges: true, ..OrderPolicy::default() };
        let mut told = Told { policy, ..Told::new(n, &["rider-8"]) }.event();
        told.world = world(1_000);
        store.accept(told).await.unwrap();
    }
    let later = NOW.plus_ms(2_000);
    assert_eq!(store.due_bursts(later, 10).await.unwrap().len(), 1);
    store.merge(key("rider-8"), None, world(0), later).await.unwrap();
}

async fn callbacks(store: &dyn Store) {
    let (soon, later) = (NOW.plus_ms(12_000), NOW.plus_ms(60_000));
    let rider = key("rider-1");
    store.presence_changed(rider.clone(), soon).await.unwrap();
    store.due_presence(soon, 10).await.unwrap();
    store.tell_presence(rider, Online::Yes, soon).await.unwrap();
    store.doubt_presence(later).await.unwrap();
    tell_backends(store, soon, AfterAttempt::Again(later)).await;
    tell_backends(store, later, AfterAttempt::Delivered).await;
    let filters = [
        CallbackFilter { kind: Some("delivery.played".to_owned()), ..CallbackFilter::default() },
        CallbackFilter { target: Some(a_target(1, 1).id), ..CallbackFilter::default() },
    ];
    for filter in filters {
        let shown = store.callbacks(app(), filter, None, 10).await.unwrap();
        store.callback(app(), shown[0].callback.id).await.unwrap();
        store.redeliver_callback(app(), shown[0].callback.id, later).await.unwrap();
    }
    tell_backends(store, later, AfterAttempt::Delivered).await;
}

async fn hooks(store: &dyn Store) {
    let hook = a_hook();
    let id = hook.id.clone();
    assert_eq!(store.put_hook(hook.clone(), 9).await.unwrap(), HookPut::Kept);
    assert_eq!(store.put_hook(Hook { version: 2, ..hook }, 9).await.unwrap(), HookPut::Kept);
    assert!(store.hook(id.clone()).await.unwrap().is_some());
    store.hooks(app()).await.unwrap();
    let requests = (0..=255).map(a_request).collect();
    store.note_hook_deliveries(requests, 120).await.unwrap();
    let size = PageSize { rows: 5, looks: 5 };
    for verdict in [None, Some(HookVerdict::Unmapped)] {
        let page = store.hook_deliveries(app(), id.clone(), verdict, None, size).await.unwrap();
        store.hook_deliveries(app(), id.clone(), verdict, page.next, size).await.unwrap();
        store.hook_delivery(app(), page.rows[0].id).await.unwrap();
    }
    let order = OrderKey { app: app(), key_mode: KeyMode::Live, order: "order-60001".parse().unwrap() };
    assert!(store.order_memory(order).await.unwrap().is_some());
    assert!(store.forget_hook_deliveries(NOW.plus_ms(100), 10).await.unwrap() > 0);
}

fn a_hook() -> Hook {
    Hook {
        id: HookId::new("everyday", [1; 20]).unwrap(),
        app: app(),
        preset: None,
        profile: "{}".to_owned(),
        params: BTreeMap::new(),
        secrets: BTreeMap::new(),
        mode: HookMode::Live,
        live_percent: 0,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

fn a_request(number: u8) -> HookDelivery {
    HookDelivery {
        id: HookDeliveryId::new(NOW.plus_ms(number.into()), [number; 10]),
        hook: a_hook().id,
        app: app(),
        at: NOW.plus_ms(number.into()),
        verdict: if number.is_multiple_of(2) { HookVerdict::Mapped } else { HookVerdict::Unmapped },
        reason: String::new(),
        request: "{}".to_owned(),
        items: "[]".to_owned(),
        events: Vec::new(),
        riders: vec!["rider-1".parse().unwrap()],
        status: 200,
        trace_id: String::new(),
    }
}

/// What is looked up afterwards.
async fn record(store: &dyn Store) {
    let size = PageSize { rows: 5, looks: 20 };
    let all = AlertFilter { span: Span::ALL, order: None, rider: None, state: None, kind: None };
    let of_order = AlertFilter { order: Some("order-60001".parse().unwrap()), ..all.clone() };
    let of_rider = AlertFilter { rider: Some("rider-2".parse().unwrap()), ..all.clone() };
    for filter in [all, of_order, of_rider] {
        let page = store.find_alerts(app(), filter.clone(), None, size).await.unwrap();
        let last = page.rows.last().map(|row| row.alert.id);
        store.find_alerts(app(), filter, last, size).await.unwrap();
    }
    let filter = HistoryFilter { span: Span::ALL, state: None, reason: None, kind: None };
    store.rider_history(key("rider-2"), filter, None, size).await.unwrap();
    for whose in [Whose::All, Whose::Rider("rider-2".parse().unwrap())] {
        let outcomes = store.outcomes(app(), whose.clone(), Span::ALL, None, 5).await.unwrap();
        let last = outcomes.last().map(|last| (last.alert, last.rider.clone()));
        store.outcomes(app(), whose, Span::ALL, last, 5).await.unwrap();
    }
    store.groups_of(app(), vec!["rider-2".parse().unwrap()]).await.unwrap();
}

/// What is asked again and again, and mostly in vain.
async fn sweeps(store: &dyn Store) {
    let now = NOW.plus_ms(20_000);
    store.expire_due(now, 3, 100).await.unwrap();
    store.due_steps(now, 100).await.unwrap();
    store.due_targets(now, 100).await.unwrap();
    store.due_bursts(now, 100).await.unwrap();
    store.due_asks(now, 100).await.unwrap();
    store.due_calls(now, 100).await.unwrap();
    store.due_schedules(now, 100).await.unwrap();
    store.unrendered(100).await.unwrap();
    store.pending_since(NOW, 100).await.unwrap();
    store.forget_events(NOW.plus_ms(-80_000_000), 10).await.unwrap();
    store.forget_orders(NOW.plus_ms(-80_000_000), 10).await.unwrap();
    store.forget_recipes(NOW, 10).await.unwrap();
    store.wording_stamp(app()).await.unwrap();
    store.schedules(app()).await.unwrap();
}

async fn accept(store: &dyn Store, told: &Told) -> AlertId {
    let event = told.event();
    let alert = event.alert.as_ref().unwrap().id;
    assert!(matches!(store.accept(event).await.unwrap(), Accepted::New(_)));
    alert
}

async fn says(store: &dyn Store, rider: &str, alert: AlertId, change: Change) {
    let progress = Progress { rider: key(rider), alert, change, at: NOW, settle_ms: 30_000 };
    assert!(store.progress(vec![progress]).await.unwrap()[0].is_some());
}

fn key(rider: &str) -> RiderKey {
    RiderKey { app: app(), rider: rider.parse().unwrap() }
}

fn a_sound() -> Sound {
    Sound {
        path: "/audio/a.mp3".to_owned(),
        fallback_path: "/audio/b.mp3".to_owned(),
        mime: "audio/mpeg".to_owned(),
        bytes: 1,
        duration_ms: 48_000,
        tail_ms: 45_000,
        canned: false,
        recipe: Some("{}".to_owned()),
    }
}

fn world(merge_ms: i64) -> World {
    let rules = Rules {
        alerts_per_minute: 0,
        quiet: Quiet::No,
        merge_ms,
        tombstone_ms: 600_000,
        settle_ms: 30_000,
        unresponsive_after: 1,
    };
    World {
        rules,
        presence: Arc::new(Nobody),
        messaging: wechat::messaging(),
        entropy: Arc::new(crate::clock::random_bytes),
    }
}

/// An event in few words.
struct Told {
    number: u16,
    order: u16,
    riders: Vec<String>,
    at: EpochMs,
    policy: OrderPolicy,
    mode: Mode,
    arbiter: Arbiter,
    ladder: Ladder,
}

impl Told {
    fn new(number: u16, riders: &[&str]) -> Self {
        Self {
            number,
            order: number,
            riders: riders.iter().map(|rider| (*rider).to_owned()).collect(),
            at: NOW,
            policy: OrderPolicy::default(),
            mode: Mode::Notify,
            arbiter: Arbiter::Service,
            ladder: Ladder::default(),
        }
    }

    fn at(self, at: EpochMs) -> Self {
        Self { at, ..self }
    }

    fn of_order(self, order: u16) -> Self {
        Self { order, ..self }
    }

    fn event(&self) -> NewEvent {
        let (alert, number) = (self.alert(), self.number);
        let mut away = alert.clone();
        away.head = Head::notice(self.fresh(), app(), "order.reassigned_away", self.at, alert.expires_at);
        NewEvent {
            app: app(),
            key_mode: KeyMode::Live,
            source: "backend".to_owned(),
            id: alert.event_id.clone(),
            body_hash: [7; 32],
            kind: alert.kind.clone(),
            policy: self.policy.clone(),
            order_id: alert.order_id.clone(),
            stamp: Stamp { version: Some(i64::from(number)), occurred_at: None },
            previous_rider: None,
            target: Target {
                riders: self.riders.iter().map(|rider| rider.parse().unwrap()).collect(),
                groups: Vec::new(),
                broadcast: false,
                exclude: Vec::new(),
                duty: DutyRule::OnDutyOnly,
            },
            trace_id: format!("trace-{number}"),
            received_at: self.at,
            away: self.policy.assigns.then_some(away),
            alert: Some(alert),
            schedule: None,
            world: world(0),
        }
    }

    /// An id that nobody has.
    fn fresh(&self) -> AlertId {
        AlertId::new(self.at, crate::clock::random_bytes())
    }

    fn alert(&self) -> Alert {
        let number = self.number;
        let head = Head {
            order_id: format!("order-{}", self.order).parse().ok(),
            need: self.mode.need(),
            mode: self.mode,
            arbiter: self.arbiter,
            ladder: self.ladder.clone(),
            collapse_key: Some(format!("order:order-{}:order.new", self.order)),
            ..Head::notice(self.fresh(), app(), "order.new", self.at, self.at.plus_ms(600_000))
        };
        Alert {
            head,
            event_id: format!("event-{number}").parse().unwrap(),
            version: Some(i64::from(number)),
            interrupt: false,
            repeat: Repeat { count: 1, gap_ms: 5_000 },
            lang: "zh-CN".to_owned(),
            title: "新订单".to_owned(),
            text: "您有新的订单".to_owned(),
            said: "您有新的订单".into(),
            card: "{}".to_owned(),
            ext: "{}".to_owned(),
            trace_id: format!("trace-{number}"),
            callback_url: None,
            jitter_ms: 0,
            stored_at: self.at,
            rendered_at: None,
            sound: None,
        }
    }
}

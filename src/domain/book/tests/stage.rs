//! A book with one app, a clock, riders who are all online, and short ways to say things.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::app::KeyMode;
use crate::domain::book::{Audience, Book, Context, Entered, Incoming, Progress, Progressed, Stepped, When};
use crate::domain::delivery::{Answer, AnswerOutcome, Change};
use crate::domain::id::IdEntropy;
use crate::domain::kind::{Ends, OrderPolicy};
use crate::domain::ladder::{Act, Ladder, Step};
use crate::domain::order::Stamp;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::wechat::Messaging;
use crate::domain::{
    AlertId, AppId, Arbiter, Delivery, EpochMs, Head, Mode, OrderId, Presence, RiderId, RiderKey, Urgency,
};

pub(super) const RULES: Rules = Rules {
    alerts_per_minute: 0,
    quiet: Quiet::No,
    merge_ms: 0,
    tombstone_ms: 600_000,
    settle_ms: 60_000,
    unresponsive_after: 3,
};

/// Everyone is connected but those whose name says otherwise.
struct Everyone;

impl Presence for Everyone {
    fn is_online(&self, _app: AppId, rider: &RiderId) -> bool {
        !rider.as_str().starts_with("away")
    }

    fn is_audible(&self, app: AppId, rider: &RiderId) -> bool {
        self.is_online(app, rider)
    }
}

pub(super) struct Stage {
    pub(super) book: Book,
    pub(super) now: EpochMs,
    pub(super) rules: Rules,
    pub(super) messaging: Arc<Messaging>,
    ids: AtomicU64,
}

/// What an event says, in few words.
#[derive(Clone)]
pub(super) struct Says<'a> {
    pub(super) kind: &'a str,
    pub(super) key_mode: KeyMode,
    pub(super) mode: Mode,
    pub(super) arbiter: Arbiter,
    pub(super) order: Option<&'a str>,
    pub(super) stamp: Stamp,
    pub(super) policy: OrderPolicy,
    pub(super) urgency: Urgency,
    pub(super) ladder: Vec<Step>,
    pub(super) candidates: &'a [&'a str],
    pub(super) life_ms: i64,
    pub(super) answer_ms: Option<i64>,
    pub(super) collapse: Option<&'a str>,
}

pub(super) fn says(kind: &str, mode: Mode) -> Says<'_> {
    Says {
        kind,
        key_mode: KeyMode::Live,
        mode,
        arbiter: Arbiter::Service,
        order: Some("o1"),
        stamp: Stamp::default(),
        policy: OrderPolicy::default(),
        urgency: Urgency::Critical,
        ladder: Vec::new(),
        candidates: &[],
        life_ms: 60_000,
        answer_ms: None,
        collapse: None,
    }
}

pub(super) fn assigned() -> Says<'static> {
    let policy = OrderPolicy { assigns: true, ..OrderPolicy::default() };
    Says { policy, ..says("order.assigned", Mode::Ack) }
}

pub(super) fn cancelled() -> Says<'static> {
    let policy = OrderPolicy { ends: Some(Ends::Cancelled), ..OrderPolicy::default() };
    Says { policy, ..says("order.cancelled", Mode::Ack) }
}

pub(super) fn grab() -> Says<'static> {
    says("order.available", Mode::Grab)
}

pub(super) fn version(version: i64) -> Stamp {
    Stamp { version: Some(version), occurred_at: None }
}

pub(super) fn step(after_s: u32, act: Act) -> Step {
    Step { after_s, act, fallback: false }
}

pub(super) fn rider(name: &str) -> RiderId {
    name.parse().unwrap()
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            book: Book::default(),
            now: EpochMs(1_000_000),
            rules: RULES,
            messaging: Arc::default(),
            ids: AtomicU64::new(1),
        }
    }

    pub(super) fn app() -> AppId {
        AppId::new(EpochMs(1), [0; 10])
    }

    pub(super) fn key(name: &str) -> RiderKey {
        RiderKey { app: Self::app(), rider: rider(name) }
    }

    fn fresh(&self) -> IdEntropy {
        let mut entropy = [0; 10];
        entropy[2..].copy_from_slice(&self.ids.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        entropy
    }

    pub(super) fn with<T>(&mut self, work: impl FnOnce(&mut Book, &Context<'_>) -> T) -> T {
        let mut book = std::mem::take(&mut self.book);
        let entropy = || self.fresh();
        let (rules, messaging, at) = (self.rules, &self.messaging, self.now);
        let context = Context { rules, presence: &Everyone, messaging, entropy: &entropy, at };
        let result = work(&mut book, &context);
        self.book = book;
        result
    }

    pub(super) fn wait_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    fn head(&self, says: &Says<'_>) -> Head {
        let id = AlertId::new(self.now, self.fresh());
        let life = self.now.plus_ms(says.life_ms);
        Head {
            key_mode: says.key_mode,
            order_id: says.order.map(|order| order.parse().unwrap()),
            urgency: says.urgency,
            need: says.mode.need(),
            mode: says.mode,
            arbiter: says.arbiter,
            collapse_key: says.collapse.map(str::to_owned),
            answer_ms: says.answer_ms,
            ladder: Ladder::new(says.ladder.clone()).unwrap(),
            candidates: says.candidates.iter().map(|name| rider(name)).collect(),
            ..Head::notice(id, Self::app(), says.kind, self.now, life)
        }
    }

    /// An event enters for these riders.
    pub(super) fn tell(&mut self, says: &Says<'_>, riders: &[&str]) -> Entered {
        let head = self.head(says);
        let away = self.head(&Says { kind: "order.reassigned_away", ..says_of(says) });
        let order: Option<OrderId> = says.order.map(|order| order.parse().unwrap());
        let riders = riders.iter().map(|name| rider(name)).collect();
        self.with(|book, context| {
            let incoming = Incoming {
                app: Self::app(),
                key_mode: says.key_mode,
                order: order.as_ref(),
                stamp: says.stamp,
                policy: &says.policy,
                alert: Some(&head),
                away: Some(&away),
                previous_rider: None,
                audience: Audience::Now(riders),
            };
            book.accept(&incoming, context)
        })
    }

    /// The same, and its alert.
    pub(super) fn alert(&mut self, says: &Says<'_>, riders: &[&str]) -> AlertId {
        self.tell(says, riders).alerts[0].alert
    }

    pub(super) fn progress(&mut self, alert: AlertId, name: &str, change: Change) -> Option<Progressed> {
        let progress =
            Progress { rider: Self::key(name), alert, change, at: self.now, settle_ms: self.rules.settle_ms };
        self.book.progress(&progress)
    }

    pub(super) fn answer(&mut self, alert: AlertId, name: &str, answer: Answer) -> Option<AnswerOutcome> {
        self.progress(alert, name, Change::Answered(answer))?.outcome
    }

    pub(super) fn step_due(&mut self, alert: AlertId) -> Option<Stepped> {
        let level = self.book.head(alert)?.due_level(self.now)?;
        self.with(|book, context| book.step(alert, level, When::Due, &[], context))
    }

    pub(super) fn delivery(&self, alert: AlertId, name: &str) -> &Delivery {
        self.book.delivery(alert, &rider(name)).unwrap()
    }

    pub(super) fn has(&self, alert: AlertId, name: &str) -> bool {
        self.book.delivery(alert, &rider(name)).is_some()
    }
}

/// The same event without what an away alert does not take over.
fn says_of<'a>(says: &Says<'a>) -> Says<'a> {
    Says {
        mode: Mode::Ack,
        ladder: Vec::new(),
        candidates: &[],
        answer_ms: None,
        collapse: None,
        ..says.clone()
    }
}

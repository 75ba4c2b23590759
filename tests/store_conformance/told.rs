//! An event in few words, and what becomes of it on the way to the store.

use orderbell::domain::Sound;
use orderbell::domain::app::KeyMode;
use orderbell::domain::kind::{Ends, OrderPolicy};
use orderbell::domain::ladder::{Act, Ladder, Step};
use orderbell::domain::order::Stamp;
use orderbell::domain::settings::{Quiet, Rules};
use orderbell::domain::target::DutyRule;
use orderbell::domain::{
    Alert, AlertId, AlertState, AppId, Arbiter, EpochMs, Head, Mode, Repeat, Target, Urgency,
};
use orderbell::store::{NewEvent, World};

use crate::stage::parsed;

/// An event in few words.
#[derive(Clone)]
pub(crate) struct Told<'a> {
    pub(crate) id: &'a str,
    pub(crate) key_mode: KeyMode,
    pub(crate) source: &'a str,
    pub(crate) body: u8,
    pub(crate) kind: &'a str,
    pub(crate) policy: OrderPolicy,
    pub(crate) silent: Silent,
    pub(crate) order: Option<&'a str>,
    pub(crate) version: Option<i64>,
    pub(crate) previous: Option<&'a str>,
    pub(crate) riders: &'a [&'a str],
    pub(crate) groups: &'a [&'a str],
    pub(crate) exclude: &'a [&'a str],
    pub(crate) everyone: Everyone,
    pub(crate) duty: DutyRule,
    pub(crate) urgency: Urgency,
    pub(crate) mode: Mode,
    pub(crate) arbiter: Arbiter,
    pub(crate) answer_ms: Option<i64>,
    pub(crate) ladder: Vec<Step>,
    pub(crate) candidates: &'a [&'a str],
    pub(crate) key: Option<&'a str>,
    pub(crate) starts_at: Option<i64>,
    pub(crate) expires_at: i64,
    pub(crate) callback_url: Option<&'a str>,
    pub(crate) sound: Option<Sound>,
    pub(crate) rules: Rules,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Silent {
    Yes,
    No,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Everyone {
    Yes,
    No,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self {
            id: "e1",
            key_mode: KeyMode::Live,
            source: "backend",
            body: 1,
            kind: "order.new",
            policy: OrderPolicy::default(),
            silent: Silent::No,
            order: None,
            version: None,
            previous: None,
            riders: &[],
            groups: &[],
            exclude: &[],
            everyone: Everyone::No,
            duty: DutyRule::OnDutyOnly,
            urgency: Urgency::Normal,
            mode: Mode::Notify,
            arbiter: Arbiter::Service,
            answer_ms: None,
            ladder: Vec::new(),
            candidates: &[],
            key: None,
            starts_at: None,
            expires_at: 1_000_000,
            callback_url: None,
            sound: None,
            rules: rules(),
        }
    }
}

/// Rules that hold nothing back.
pub(crate) fn rules() -> Rules {
    Rules {
        alerts_per_minute: 0,
        quiet: Quiet::No,
        merge_ms: 0,
        tombstone_ms: 600_000,
        settle_ms: 30_000,
        unresponsive_after: 2,
    }
}

pub(crate) fn step(after_s: u32, act: Act) -> Step {
    Step { after_s, act, fallback: false }
}

/// A kind that gives its order to its rider.
pub(crate) fn assigns() -> OrderPolicy {
    OrderPolicy { assigns: true, ..OrderPolicy::default() }
}

/// A kind that ends its order's other alerts.
pub(crate) fn ends(ends: Ends) -> OrderPolicy {
    OrderPolicy { ends: Some(ends), ..OrderPolicy::default() }
}

impl Told<'_> {
    /// The event, whose alerts take their ids from `id`.
    pub(crate) fn event(&self, app: AppId, at: EpochMs, world: World, id: &dyn Fn() -> AlertId) -> NewEvent {
        let alert = (self.silent == Silent::No).then(|| self.alert(app, at, id()));
        let away = (self.policy.assigns && alert.is_some()).then(|| self.away(app, at, id()));
        NewEvent {
            app,
            key_mode: self.key_mode,
            source: self.key_mode.source(self.source),
            id: self.id.parse().unwrap(),
            body_hash: [self.body; 32],
            kind: self.kind.to_owned(),
            policy: self.policy.clone(),
            order_id: self.order.map(|order| order.parse().unwrap()),
            stamp: Stamp { version: self.version, occurred_at: None },
            previous_rider: self.previous.map(|rider| rider.parse().unwrap()),
            target: Target {
                riders: parsed(self.riders),
                groups: parsed(self.groups),
                broadcast: self.everyone == Everyone::Yes,
                exclude: parsed(self.exclude),
                duty: self.duty,
            },
            trace_id: format!("trace-{}", self.id),
            received_at: at,
            alert,
            away,
            schedule: None,
            world,
        }
    }

    fn away(&self, app: AppId, at: EpochMs, id: AlertId) -> Alert {
        let mode = Mode::Notify;
        let plain = Self { kind: "order.reassigned_away", mode, key: None, sound: None, ..Told::default() };
        let key_mode = self.key_mode;
        let callback_url = self.callback_url;
        let plain = Told {
            id: self.id,
            key_mode,
            order: self.order,
            expires_at: self.expires_at,
            callback_url,
            ..plain
        };
        plain.alert(app, at, id)
    }

    fn alert(&self, app: AppId, created_at: EpochMs, id: AlertId) -> Alert {
        Alert {
            head: self.head(app, created_at, id),
            event_id: self.id.parse().unwrap(),
            version: self.version,
            interrupt: self.urgency == Urgency::Critical,
            repeat: Repeat { count: 3, gap_ms: 5_000 },
            lang: "zh-CN".to_owned(),
            title: "新订单".to_owned(),
            text: "it's new; --".to_owned(),
            said: "您有新的订单".into(),
            card: r#"{"short_no":"12"}"#.to_owned(),
            ext: "{}".to_owned(),
            trace_id: format!("trace-{}", self.id),
            callback_url: self.callback_url.map(str::to_owned),
            jitter_ms: 250,
            stored_at: EpochMs(0),
            rendered_at: self.sound.is_some().then_some(created_at),
            sound: self.sound.clone(),
        }
    }

    fn head(&self, app: AppId, created_at: EpochMs, id: AlertId) -> Head {
        Head {
            id,
            app,
            key_mode: self.key_mode,
            order_id: self.order.map(|order| order.parse().unwrap()),
            kind: self.kind.to_owned(),
            urgency: self.urgency,
            need: self.mode.need(),
            mode: self.mode,
            arbiter: self.arbiter,
            duty: self.duty,
            collapse_key: self.key.map(ToOwned::to_owned),
            created_at,
            starts_at: self.starts_at.map_or(created_at, EpochMs),
            expires_at: EpochMs(self.expires_at),
            answer_ms: self.answer_ms,
            ladder: Ladder::new(self.ladder.clone()).unwrap(),
            candidates: parsed(self.candidates),
            state: AlertState::Active,
            ended_at: None,
            winner: None,
            steps_done: 0,
            step_due_at: None,
            ladder_late_ms: 0,
            candidates_asked: 0,
            open_count: 0,
            unrolling: false,
        }
    }
}

//! Orders as a backend tells of them: events of a realistic size for benches that call a store.
//! Whoever listens is offline and no rule holds anything back, so that only the store is measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orderbell::domain::app::{App, AppLimits, KeyMode};
use orderbell::domain::kind::OrderPolicy;
use orderbell::domain::order::Stamp;
use orderbell::domain::settings::{Quiet, Rules};
use orderbell::domain::target::DutyRule;
use orderbell::domain::{
    Alert, AlertId, AppId, AppSettings, EpochMs, Head, OrderId, Presence, Repeat, RiderId, Target, Urgency,
};
use orderbell::store::{NewEvent, World};

/// Whether events are about orders, as almost all are, and take the place of older ones.
#[derive(Clone, Copy)]
pub(crate) enum About {
    Orders,
    Nothing,
}

struct Nobody;

impl Presence for Nobody {
    fn is_online(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }

    fn is_audible(&self, _app: AppId, _rider: &RiderId) -> bool {
        false
    }
}

/// An app without secrets; its id and name are made of a number.
pub(crate) fn an_app(number: u8) -> App {
    App {
        id: AppId::new(EpochMs(1), [number; 10]),
        name: format!("bench-{number}"),
        lang: "zh-CN".to_owned(),
        secrets: Vec::new(),
        limits: AppLimits::default(),
        created_at: EpochMs(1),
        settings: AppSettings::default(),
    }
}

/// These riders and groups.
pub(crate) fn to(riders: &[&str], groups: &[&str]) -> Target {
    Target {
        riders: riders.iter().map(|rider| rider.parse().unwrap()).collect(),
        groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
        broadcast: false,
        exclude: Vec::new(),
        duty: DutyRule::OnDutyOnly,
    }
}

/// Ten bytes nobody had before.
pub(crate) fn entropy() -> [u8; 10] {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&COUNTER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

/// A new order, as its backend tells of it at `at`; what it says is over ten minutes later.
pub(crate) fn event(app: AppId, order: &str, at: EpochMs, target: Target, about: About) -> NewEvent {
    let (order_id, collapse_key): (Option<OrderId>, _) = match about {
        About::Orders => (order.parse().ok(), Some(format!("order:{order}:order.new"))),
        About::Nothing => (None, None),
    };
    let head = Head {
        order_id: order_id.clone(),
        urgency: Urgency::High,
        duty: target.duty,
        collapse_key,
        ..Head::notice(AlertId::new(at, entropy()), app, "order.new", at, at.plus_ms(600_000))
    };
    let alert = Alert {
        head,
        event_id: format!("{order}-created").parse().unwrap(),
        version: Some(1),
        interrupt: false,
        repeat: Repeat { count: 2, gap_ms: 5_000 },
        lang: "zh-CN".to_owned(),
        title: "新订单".to_owned(),
        text: "您有新的订单，请及时处理".to_owned(),
        said: "您有新的订单，请及时处理".into(),
        card: r#"{"short_no":"12","merchant":"川味小馆","area":"望京","distance_m":1800,"fee_cents":650}"#
            .to_owned(),
        ext: "{}".to_owned(),
        trace_id: format!("trace-{order}"),
        callback_url: None,
        jitter_ms: 0,
        stored_at: at,
        rendered_at: None,
        sound: None,
    };
    NewEvent {
        app,
        key_mode: KeyMode::Live,
        source: "backend".to_owned(),
        id: alert.event_id.clone(),
        body_hash: [7; 32],
        kind: alert.kind.clone(),
        policy: OrderPolicy::default(),
        order_id,
        stamp: Stamp { version: Some(1), occurred_at: None },
        previous_rider: None,
        target,
        trace_id: format!("trace-{order}"),
        received_at: at,
        alert: Some(alert),
        away: None,
        schedule: None,
        world: World {
            rules: RULES,
            presence: Arc::new(Nobody),
            messaging: Arc::default(),
            entropy: Arc::new(entropy),
        },
    }
}

const RULES: Rules = Rules {
    alerts_per_minute: 0,
    quiet: Quiet::No,
    merge_ms: 0,
    tombstone_ms: 600_000,
    settle_ms: 30_000,
    unresponsive_after: 3,
};

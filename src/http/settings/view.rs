//! The settings of an app as they are shown: as `PUT` takes them.
//! Header values of calls may be secret; who may not change them does not see them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::ladder::{Act, HttpCall, Step};
use crate::domain::{Aged, Ages, AppSettings, GroupId, SoundProfile};

/// What an app has set for itself.
#[derive(Serialize, ToSchema)]
pub struct SettingsView {
    /// Name in the IANA time zone database.
    time_zone: String,
    /// When alerts that are not pressing are held back.
    quiet_hours: Option<QuietView>,
    /// Whether bursts of new orders are told in one sentence.
    merge: bool,
    /// Cap for each rider; 0 for none, `null` for the server's own.
    alerts_per_minute: Option<u32>,
    /// Cut off types of events; `null` for the server's own.
    type_prefix: Option<String>,
    /// How your riders are spoken to.
    speech: SpeechView,
    /// Within which time how many alerts should be heard; `null` for the server's own.
    objective: Option<ObjectiveView>,
    /// How long what is kept of you stays, in hours.
    retention: RetentionView,
    /// Your own ladders, by kind.
    ladders: BTreeMap<String, Vec<LadderStep>>,
}

/// How an app speaks.
#[derive(Serialize, ToSchema)]
#[schema(as = SpeechSettings)]
pub struct SpeechView {
    /// The voice for each language, by name; for what is missing the first that speaks it.
    voices: BTreeMap<String, String>,
    /// In percent of normal speech; `null` for normal.
    speed_percent: Option<u32>,
    /// For what ears clips are levelled, unless a rider has their own; `null` for the server's own.
    profile: Option<SoundProfile>,
}

/// A share of all alerts, and the time from the event to the ear within which they should be heard.
#[derive(Serialize, ToSchema)]
#[schema(as = Objective)]
pub struct ObjectiveView {
    within_ms: u32,
    /// Of a thousand alerts so many.
    target_permille: u32,
}

/// How long what is kept of an app stays, in hours; `null` for as long as the server says.
#[derive(Serialize, ToSchema)]
#[schema(as = Retention)]
#[expect(clippy::struct_field_names, reason = "each says its unit, as members of the API do")]
pub struct RetentionView {
    /// What alerts say and show, after their end.
    texts_h: Option<u32>,
    /// Alerts with their deliveries, after their end.
    alerts_h: Option<u32>,
    /// Notices.
    notices_h: Option<u32>,
    /// Calls of ladders, after their end.
    calls_h: Option<u32>,
    /// Callbacks that you have.
    callbacks_h: Option<u32>,
    /// Callbacks that were given up.
    dead_callbacks_h: Option<u32>,
    /// Self-checks of devices.
    checks_h: Option<u32>,
}

/// A part of the day; it may run over midnight.
#[derive(Serialize, ToSchema)]
pub struct QuietView {
    /// `HH:MM`.
    from: String,
    /// `HH:MM`, the first minute after it.
    to: String,
}

/// A step of a ladder.
#[derive(Serialize, ToSchema)]
pub struct LadderStep {
    /// Seconds after the alert became active.
    after_s: u32,
    /// `repeat`, `louder`, `next`, `station`, `desk`, `http` or `exhausted`.
    r#do: &'static str,
    /// Taken at once when no rider of the alert can hear it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<bool>,
    /// With `station`.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<GroupId>>,
    /// With `http`.
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<CallView>,
}

/// A call to somebody else's service.
#[derive(Serialize, ToSchema)]
pub struct CallView {
    url: String,
    /// `POST` unless it says otherwise.
    method: Option<String>,
    /// Values are `…` for who may not change them.
    headers: BTreeMap<String, String>,
    /// JSON whose texts may name slots.
    body: Option<Value>,
}

/// Whether values that may be secret are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Secrets {
    Shown,
    Hidden,
}

impl SettingsView {
    pub(super) fn of(settings: &AppSettings, secrets: Secrets) -> Self {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let quiet = settings.quiet_hours;
        let ladders = settings.ladders.iter().map(|(kind, ladder)| {
            let steps = ladder.steps().iter().map(|step| LadderStep::of(step, secrets));
            (kind.clone(), steps.collect())
        });
        Self {
            time_zone: settings.time_zone.clone(),
            quiet_hours: quiet
                .map(|hours| QuietView { from: clock(hours.from_min), to: clock(hours.to_min) }),
            merge: settings.merge,
            alerts_per_minute: settings.alerts_per_minute,
            type_prefix: settings.type_prefix.clone(),
            speech: SpeechView {
                voices: settings.speech.voices.clone(),
                speed_percent: settings.speech.speed_percent,
                profile: settings.speech.profile,
            },
            objective: settings.objective.map(|objective| ObjectiveView {
                within_ms: objective.within_ms,
                target_permille: objective.target_permille,
            }),
            retention: RetentionView::of(&settings.retention),
            ladders: ladders.collect(),
        }
    }
}

impl RetentionView {
    fn of(ages: &Ages) -> Self {
        Self {
            texts_h: ages.hours(Aged::Texts),
            alerts_h: ages.hours(Aged::Alerts),
            notices_h: ages.hours(Aged::Notices),
            calls_h: ages.hours(Aged::Calls),
            callbacks_h: ages.hours(Aged::Callbacks),
            dead_callbacks_h: ages.hours(Aged::DeadCallbacks),
            checks_h: ages.hours(Aged::Checks),
        }
    }
}

impl LadderStep {
    fn of(step: &Step, secrets: Secrets) -> Self {
        let (groups, http) = match &step.act {
            Act::Station { groups } if !groups.is_empty() => (Some(groups.clone()), None),
            Act::Http(call) => (None, Some(CallView::of(call, secrets))),
            Act::Station { .. } | Act::Repeat | Act::Louder | Act::Next | Act::Desk | Act::Exhausted => {
                (None, None)
            }
        };
        let fallback = step.fallback.then_some(true);
        Self { after_s: step.after_s, r#do: step.act.word(), fallback, groups, http }
    }
}

impl CallView {
    fn of(call: &HttpCall, secrets: Secrets) -> Self {
        let shown = |value: &str| match secrets {
            Secrets::Shown => value.to_owned(),
            Secrets::Hidden => "…".to_owned(),
        };
        let headers = call.headers.iter().map(|(name, value)| (name.clone(), shown(value)));
        Self {
            url: call.url.clone(),
            method: call.method.clone(),
            headers: headers.collect(),
            body: call.body.clone(),
        }
    }
}

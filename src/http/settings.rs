//! What an app sets for itself: time zone, quiet hours, merging, the cap for each rider, its own ladders.
//! `PUT` replaces all of it; what is not named has its default again.

use axum::extract::State;
use serde_json::{Map, Value, json};

use super::AppState;
use super::auth::{MayAdminister, MayRead};
use super::body::JsonValue;
use super::problem::{Answer, Success};
use super::test_mode::LiveKey;
use crate::domain::AppSettings;
use crate::domain::app::Scope;
use crate::domain::ladder::{Act, HttpCall, Step};
use crate::domain::settings::QuietHours;
use crate::intake::{InputError, Reader, read_ladder};

/// Most alerts a minute that a cap may allow.
const PER_MINUTE_MAX: i64 = 1_000;
/// Longest prefix of types.
const TYPE_PREFIX_CHARS_MAX: usize = 100;

/// Look at your settings.
///
/// As `PUT` takes them. Values of headers in calls are shown to administrators only.
///
/// # Errors
/// 401, 403, 503.
#[utoipa::path(
    get,
    path = "/v1/settings",
    operation_id = "getSettings",
    tag = "Settings",
    security(("apiKey" = ["read"])),
    responses((status = 200, description = "Done")),
)]
pub async fn get(MayRead(caller): MayRead) -> Answer<Value> {
    let secrets = if caller.may(Scope::Admin) { Secrets::Shown } else { Secrets::Hidden };
    Ok(Success(view(&caller.app.app.settings, secrets)))
}

/// Replace your settings.
///
/// What is not named has its default again. They hold for the next event.
///
/// # Errors
/// 400 with the member at fault, 401, 403, 503.
#[utoipa::path(
    put,
    path = "/v1/settings",
    operation_id = "putSettings",
    tag = "Settings",
    security(("apiKey" = ["admin"])),
    responses((status = 200, description = "Done")),
    extensions(("x-errors" = json!(["unknown_step", "out_of_order", "bad_call", "url_not_allowed", "bad_time"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    JsonValue(body): JsonValue,
) -> Answer<Value> {
    let settings = read(&Reader::new(&body)?)?;
    state.dispatch.put_settings(&caller.app, settings.clone()).await?;
    Ok(Success(view(&settings, Secrets::Shown)))
}

fn read(body: &Reader<'_>) -> Result<AppSettings, InputError> {
    body.only(&["time_zone", "quiet_hours", "merge", "alerts_per_minute", "type_prefix", "ladders"])?;
    let defaults = AppSettings::default();
    let mut settings = AppSettings {
        time_zone: body.text("time_zone", 64)?.unwrap_or(defaults.time_zone),
        merge: body.boolean("merge")?.unwrap_or(defaults.merge),
        type_prefix: body.text("type_prefix", TYPE_PREFIX_CHARS_MAX)?,
        ..AppSettings::default()
    };
    let cap = body.integer("alerts_per_minute", 0, PER_MINUTE_MAX)?;
    settings.alerts_per_minute = cap.and_then(|cap| u32::try_from(cap).ok());
    if let Some(hours) = body.object("quiet_hours")? {
        hours.only(&["from", "to"])?;
        let (from_min, to_min) = (read_minute(&hours, "from")?, read_minute(&hours, "to")?);
        settings.quiet_hours = Some(QuietHours { from_min, to_min });
    }
    if let Some(ladders) = body.object("ladders")? {
        for kind in ladders.names() {
            let ladder = read_ladder(&ladders, kind)?.unwrap_or_default();
            settings.ladders.insert(kind.to_owned(), ladder);
        }
    }
    Ok(settings)
}

/// `HH:MM`, as minutes after midnight.
fn read_minute(hours: &Reader<'_>, name: &str) -> Result<u16, InputError> {
    let text = hours.text(name, 5)?.ok_or_else(|| hours.missing(name))?;
    let minute = text.split_once(':').and_then(|(hour, minute)| {
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        let two = |text: &str| digits(text).then(|| text.parse::<u16>().ok()).flatten();
        let (hour, minute) = (two(hour)?, two(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    });
    minute.ok_or_else(|| hours.error(name, "bad_time", "is no time of day, HH:MM"))
}

/// Whether values that may be secret are shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Secrets {
    Shown,
    Hidden,
}

fn view(settings: &AppSettings, secrets: Secrets) -> Value {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let quiet_hours =
        settings.quiet_hours.map(|hours| json!({"from": clock(hours.from_min), "to": clock(hours.to_min)}));
    let ladders = settings.ladders.iter().map(|(kind, ladder)| {
        let steps: Vec<Value> = ladder.steps().iter().map(|step| step_view(step, secrets)).collect();
        (kind.clone(), Value::Array(steps))
    });
    json!({
        "time_zone": settings.time_zone,
        "quiet_hours": quiet_hours,
        "merge": settings.merge,
        "alerts_per_minute": settings.alerts_per_minute,
        "type_prefix": settings.type_prefix,
        "ladders": ladders.collect::<Map<String, Value>>(),
    })
}

fn step_view(step: &Step, secrets: Secrets) -> Value {
    let mut view = json!({"after_s": step.after_s, "do": step.act.word()});
    if step.fallback {
        view["fallback"] = json!(true);
    }
    match &step.act {
        Act::Station { groups } if !groups.is_empty() => view["groups"] = json!(groups),
        Act::Http(call) => view["http"] = call_view(call, secrets),
        Act::Station { .. } | Act::Repeat | Act::Louder | Act::Next | Act::Desk | Act::Exhausted => {}
    }
    view
}

fn call_view(call: &HttpCall, secrets: Secrets) -> Value {
    let shown = |value: &str| match secrets {
        Secrets::Shown => value.to_owned(),
        Secrets::Hidden => "…".to_owned(),
    };
    let headers = call.headers.iter().map(|(name, value)| (name.clone(), json!(shown(value))));
    json!({
        "url": call.url,
        "method": call.method,
        "headers": headers.collect::<Map<String, Value>>(),
        "body": call.body,
    })
}

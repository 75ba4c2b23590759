//! What an app sets for itself: time zone, quiet hours, merging, the cap for each rider, its own ladders.
//! `PUT` replaces all of it; what is not named has its default again.

pub mod view;

use std::collections::BTreeMap;

use axum::extract::State;

use super::AppState;
use super::auth::{MayAdminister, MayRead};
use super::body::JsonValue;
use super::problem::{Answer, Envelope, Success};
use super::speech::{SPEED_MAX, SPEED_MIN, VOICE_CHARS_MAX};
use super::test_mode::LiveKey;
use crate::domain::app::Scope;
use crate::domain::report::Objective;
use crate::domain::retention::HOURS_MAX;
use crate::domain::settings::QuietHours;
use crate::domain::settings::SpeechSettings;
use crate::domain::{Aged, Ages, AppSettings, SoundProfile};
use crate::intake::{InputError, Reader, read_ladder};
use crate::speech::Lang;
use view::{Secrets, SettingsView};

/// Most alerts a minute that a cap may allow.
const PER_MINUTE_MAX: i64 = 1_000;
/// Longest prefix of types.
const TYPE_PREFIX_CHARS_MAX: usize = 100;
/// Shortest time of an objective: nothing sounds sooner.
pub(super) const WITHIN_MS_MIN: i64 = 100;
/// Longest time of an objective.
pub(super) const WITHIN_MS_MAX: i64 = 3_600_000;

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
    responses((status = 200, description = "Done", body = Envelope<SettingsView>)),
)]
pub async fn get(MayRead(caller): MayRead) -> Answer<SettingsView> {
    let secrets = if caller.may(Scope::Admin) { Secrets::Shown } else { Secrets::Hidden };
    Ok(Success(SettingsView::of(&caller.app.app.settings, secrets)))
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
    request_body(content = ref("#/components/schemas/SettingsBody")),
    responses((status = 200, description = "Done", body = Envelope<SettingsView>)),
    extensions(("x-errors" = json!(["unknown_voice", "unknown_step", "out_of_order", "bad_call", "url_not_allowed", "bad_time", "not_together", "bad_id", "test_key"]))),
)]
pub async fn put(
    State(state): State<AppState>,
    LiveKey(MayAdminister(caller)): LiveKey<MayAdminister>,
    JsonValue(body): JsonValue,
) -> Answer<SettingsView> {
    let body = Reader::new(&body)?;
    let settings = AppSettings { speech: read_speech(&state, &body)?, ..read(&body)? };
    state.dispatch.put_settings(&caller.app, settings.clone()).await?;
    Ok(Success(SettingsView::of(&settings, Secrets::Shown)))
}

fn read(body: &Reader<'_>) -> Result<AppSettings, InputError> {
    body.only(&[
        "time_zone",
        "quiet_hours",
        "merge",
        "alerts_per_minute",
        "type_prefix",
        "speech",
        "objective",
        "retention",
        "ladders",
    ])?;
    let defaults = AppSettings::default();
    let mut settings = AppSettings {
        time_zone: body.text("time_zone", 64)?.unwrap_or(defaults.time_zone),
        merge: body.boolean("merge")?.unwrap_or(defaults.merge),
        type_prefix: body.text("type_prefix", TYPE_PREFIX_CHARS_MAX)?,
        retention: read_ages(body)?,
        ..AppSettings::default()
    };
    let cap = body.integer("alerts_per_minute", 0, PER_MINUTE_MAX)?;
    settings.alerts_per_minute = cap.and_then(|cap| u32::try_from(cap).ok());
    if let Some(hours) = body.object("quiet_hours")? {
        hours.only(&["from", "to"])?;
        let (from_min, to_min) = (read_minute(&hours, "from")?, read_minute(&hours, "to")?);
        settings.quiet_hours = Some(QuietHours { from_min, to_min });
    }
    settings.objective = read_objective(body)?;
    if let Some(ladders) = body.object("ladders")? {
        for kind in ladders.names() {
            let ladder = read_ladder(&ladders, kind)?.unwrap_or_default();
            settings.ladders.insert(kind.to_owned(), ladder);
        }
    }
    Ok(settings)
}

/// Both numbers of the objective, or the server's own.
fn read_objective(body: &Reader<'_>) -> Result<Option<Objective>, InputError> {
    let Some(objective) = body.object("objective")? else { return Ok(None) };
    objective.only(&["within_ms", "target_permille"])?;
    let number = |name: &str, least, most| {
        let number = objective.integer(name, least, most)?.ok_or_else(|| objective.missing(name))?;
        u32::try_from(number).map_err(|_| objective.missing(name))
    };
    Ok(Some(Objective {
        within_ms: number("within_ms", WITHIN_MS_MIN, WITHIN_MS_MAX)?,
        target_permille: number("target_permille", 1, 1_000)?,
    }))
}

/// How long what is kept of the app stays, in hours: each within its bounds, and no text longer than its alert.
fn read_ages(body: &Reader<'_>) -> Result<Ages, InputError> {
    let Some(ages) = body.object("retention")? else { return Ok(Ages::default()) };
    let names = Aged::ALL.map(member_of);
    ages.only(&names)?;
    let mut own = Vec::new();
    for (what, name) in Aged::ALL.into_iter().zip(names) {
        let hours = ages.integer(name, what.hours_min().into(), HOURS_MAX.into())?;
        own.extend(hours.and_then(|hours| u32::try_from(hours).ok()).map(|hours| (what, hours)));
    }
    let own = Ages::of(own);
    if own.hours(Aged::Texts) > own.hours(Aged::Alerts) && own.hours(Aged::Alerts).is_some() {
        return Err(ages.error(
            "texts_h",
            "out_of_order",
            "is longer than alerts_h: texts go with their alert",
        ));
    }
    Ok(own)
}

/// The member of the settings that says how old something becomes.
fn member_of(what: Aged) -> &'static str {
    match what {
        Aged::Texts => "texts_h",
        Aged::Alerts => "alerts_h",
        Aged::Notices => "notices_h",
        Aged::Calls => "calls_h",
        Aged::Callbacks => "callbacks_h",
        Aged::DeadCallbacks => "dead_callbacks_h",
        Aged::Checks => "checks_h",
    }
}

/// How the app speaks: voices that there are, in languages that they speak.
fn read_speech(state: &AppState, body: &Reader<'_>) -> Result<SpeechSettings, InputError> {
    let Some(speech) = body.object("speech")? else { return Ok(SpeechSettings::default()) };
    speech.only(&["voices", "speed_percent", "profile"])?;
    let speed = speech.integer("speed_percent", SPEED_MIN, SPEED_MAX)?;
    let mut settings = SpeechSettings {
        voices: BTreeMap::new(),
        speed_percent: speed.and_then(|speed| u32::try_from(speed).ok()),
        profile: speech.word("profile", SoundProfile::parse, "plain, street")?,
    };
    let Some(voices) = speech.object("voices")? else { return Ok(settings) };
    let known = state.speech.voices();
    for tag in voices.names() {
        let lang = Lang::parse(tag);
        let lang = lang.ok_or_else(|| voices.error(tag, "unknown_value", "is none of zh-CN, yue, en"))?;
        let Some(name) = voices.text(tag, VOICE_CHARS_MAX)? else { continue };
        match known.iter().find(|voice| voice.name == name) {
            Some(voice) if voice.langs.contains(&lang) => settings.voices.insert(lang.tag().to_owned(), name),
            Some(_) => {
                return Err(voices.error(tag, "unknown_voice", "this voice does not speak the language"));
            }
            None => return Err(voices.error(tag, "unknown_voice", "there is no such voice")),
        };
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

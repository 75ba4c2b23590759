//! What an event says: the kind's policy, the event's own wishes and the phrase, put together into one alert.
//! Pure: the same event at the same moment makes the same alert.

use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::directory::AppEntry;
use crate::clock::EpochMs;
use crate::domain::app::KeyMode;
use crate::domain::kind::Voice;
use crate::domain::target::DutyRule;
use crate::domain::{
    Alert, AlertId, AlertState, Arbiter, Event, EventId, Head, Kind, Mode, Need, Order, Overrides, Repeat,
    Said, Target,
};
use crate::intake::InputError;
use crate::speech::{Lang, Phrases, Rendered, free_text};

/// Makes the alert of an event; `None` if its kind is silent here: stored and remembered, nobody is told.
pub(super) fn draft(
    event: &Event,
    kind: &Kind,
    app: &AppEntry,
    phrases: &Phrases,
    made: Made,
) -> Result<Option<Alert>, InputError> {
    let lang = language(event, app)?;
    let Some(mut rendered) = render(event, kind, app, phrases, lang, made.at)? else { return Ok(None) };
    if kind.voice == Voice::Chime && event.overrides.text.is_none() {
        rendered.said = Said::default();
    }
    let overrides = &event.overrides;
    let head = head(event, kind, app, &made);
    Ok(Some(Alert {
        head,
        event_id: event.id.clone(),
        version: event.order.as_ref().and_then(|order| order.version),
        interrupt: kind.interrupt,
        repeat: Repeat {
            count: overrides.repeat_count.unwrap_or(kind.repeat.count),
            gap_ms: overrides.repeat_gap_ms.unwrap_or(kind.repeat.gap_ms),
        },
        lang: lang.tag().to_owned(),
        title: kind.title(lang.tag()).to_owned(),
        text: rendered.text,
        said: rendered.said,
        card: card(event),
        ext: Value::Object(event.ext.clone()).to_string(),
        trace_id: made.trace_id,
        callback_url: event.callback_url.clone(),
        jitter_ms: 0,
        stored_at: made.at,
        rendered_at: None,
        sound: None,
    }))
}

/// What decisions go by: the kind's policy, the app's ladder, the event's own wishes.
fn head(event: &Event, kind: &Kind, app: &AppEntry, born: &Made) -> Head {
    let (id, at) = (born.id, born.at);
    let (overrides, offer) = (&event.overrides, event.offer.as_ref());
    let mode = offer.map_or(kind.mode, |offer| offer.mode);
    let of_kind = || app.app.settings.ladders.get(&kind.name).unwrap_or(&kind.ladder).clone();
    let ladder = offer.and_then(|offer| offer.ladder.clone()).unwrap_or_else(of_kind);
    let timeout_s = offer.and_then(|offer| offer.timeout_s).or(overrides.ttl_s);
    let window_s = timeout_s.unwrap_or(kind.ttl_s);
    let life_s = match mode.need() {
        Need::Accept => overrides.ttl_s.unwrap_or(ladder.span_s(window_s)),
        Need::None | Need::Confirm => overrides.ttl_s.unwrap_or(window_s),
    };
    let starts_at = event.deliver_at.map_or(at, |deliver_at| deliver_at.max(at));
    let default_arbiter = match mode {
        Mode::Grab if event.callback_url.is_some() => Arbiter::Backend,
        Mode::Grab | Mode::Assign | Mode::Ack | Mode::Notify => Arbiter::Service,
    };
    Head {
        id,
        app: app.app.id,
        key_mode: born.key_mode,
        order_id: event.order.as_ref().and_then(|order| order.id.clone()),
        kind: kind.name.clone(),
        urgency: overrides.urgency.unwrap_or(kind.urgency),
        need: mode.need(),
        mode,
        arbiter: offer.and_then(|offer| offer.arbiter).unwrap_or(default_arbiter),
        duty: event.target.duty,
        collapse_key: collapse_key(event, kind),
        created_at: at,
        starts_at,
        expires_at: starts_at.plus_ms(i64::from(life_s) * 1000),
        answer_ms: (mode.need() == Need::Accept).then_some(i64::from(window_s) * 1000),
        ladder,
        candidates: offer.map(|offer| offer.candidates.clone()).unwrap_or_default(),
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

/// The event's own key, else one for its order and kind; none where it is to stand beside older ones.
fn collapse_key(event: &Event, kind: &Kind) -> Option<String> {
    if event.overrides.supersede == Some(false) {
        return None;
    }
    let of_order = || {
        let order = event.order.as_ref()?.id.as_ref()?;
        Some(format!("order:{order}:{}", kind.name))
    };
    event.overrides.collapse_key.clone().or_else(of_order)
}

/// What whoever loses an order by `event` is told of it: the order, and none of the event's own wishes.
pub(super) fn away(event: &Event, kind: &Kind) -> Event {
    let overrides = Overrides {
        vars: event.overrides.vars.clone(),
        lang: event.overrides.lang.clone(),
        ..Overrides::default()
    };
    Event { kind: kind.name.clone(), offer: None, overrides, deliver_at: None, ..event.clone() }
}

/// The alert that tells of `count` new orders at once.
pub(super) fn merged(
    kind: &Kind,
    app: &AppEntry,
    phrases: &Phrases,
    id: AlertId,
    at: EpochMs,
    count: usize,
) -> Option<Alert> {
    let trace_id = id.hex();
    let mut vars = Map::new();
    vars.insert("n".to_owned(), json!(count));
    let target = Target {
        riders: Vec::new(),
        groups: Vec::new(),
        broadcast: false,
        exclude: Vec::new(),
        duty: DutyRule::OnDutyOnly,
    };
    let event = Event {
        id: EventId::fresh(at, [0; 10]),
        kind: kind.name.clone(),
        occurred_at: None,
        order: None,
        previous_rider: None,
        target,
        offer: None,
        overrides: Overrides { vars, ..Overrides::default() },
        callback_url: None,
        deliver_at: None,
        recurrence: None,
        ext: Map::new(),
    };
    // Whose world it is in is known when what it stands for is looked at.
    let made = Made { id, at, key_mode: KeyMode::Live, trace_id };
    draft(&event, kind, app, phrases, made).ok().flatten()
}

/// When, in whose world and under which names the alert is made.
pub(super) struct Made {
    pub(super) id: AlertId,
    pub(super) at: EpochMs,
    pub(super) key_mode: KeyMode,
    pub(super) trace_id: String,
}

/// Which phrase an event would be spoken with.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PhraseUsed {
    /// `text` of the event, a phrase of the app's for this `merchant`, its `own` for all, or a `built_in` one.
    pub from: &'static str,
    /// The language it is in.
    pub lang: &'static str,
    /// Its place among those, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    /// As it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
}

/// The phrase that `draft` speaks with; `None` where it makes no alert.
pub(super) fn phrase_of(
    event: &Event,
    kind: &Kind,
    app: &AppEntry,
    phrases: &Phrases,
    at: EpochMs,
) -> Result<Option<PhraseUsed>, InputError> {
    let lang = language(event, app)?;
    let Some(rendered) = render(event, kind, app, phrases, lang, at)? else { return Ok(None) };
    let tag = rendered.lang.tag();
    if event.overrides.text.is_some() {
        return Ok(Some(PhraseUsed { from: "text", lang: tag, place: None, phrase: None }));
    }
    let own = app.phrases(&kind.name, lang, event.merchant());
    let index = rendered.phrase_index;
    let (from, place, used) = match index.checked_sub(own.all.len()) {
        None if index < own.of_merchant => ("merchant", index, own.all.get(index)),
        None => ("own", index - own.of_merchant, own.all.get(index)),
        Some(place) => ("built_in", place, phrases.of(&kind.name, rendered.lang).get(place)),
    };
    let phrase = used.map(|phrase| phrase.template().to_owned());
    Ok(Some(PhraseUsed { from, lang: tag, place: Some(place), phrase }))
}

fn language(event: &Event, app: &AppEntry) -> Result<Lang, InputError> {
    match event.overrides.lang.as_deref() {
        None => Ok(app.lang),
        Some(tag) => Lang::parse(tag).ok_or_else(|| InputError {
            error: "unknown_value",
            pointer: Some("/alert/lang".to_owned()),
            detail: "is none of zh-CN, yue, en".to_owned(),
        }),
    }
}

fn render(
    event: &Event,
    kind: &Kind,
    app: &AppEntry,
    phrases: &Phrases,
    lang: Lang,
    at: EpochMs,
) -> Result<Option<Rendered>, InputError> {
    if let Some(text) = &event.overrides.text {
        let spoken =
            free_text(text, lang, &app.lexicon(lang, event.merchant())).map_err(|error| InputError {
                error: "bad_text",
                pointer: Some("/alert/text".to_owned()),
                detail: error.to_string(),
            })?;
        return Ok(Some(spoken));
    }
    let own = app.phrases(&kind.name, lang, event.merchant()).all;
    if own.is_empty() && !kind.speaks {
        return Ok(None);
    }
    let (offset_s, lexicon) = (app.zone.offset_s(at), app.lexicon(lang, event.merchant()));
    Ok(phrases.render(&kind.name, lang, own, &slots(event), offset_s, &lexicon))
}

/// The values a phrase may name: those of the order, and over them the event's own.
fn slots(event: &Event) -> Map<String, Value> {
    let order = event.order.clone().unwrap_or_default();
    let Order { short_no, platform, merchant, area, phone_tail, distance_m, fee_cents, items, .. } = order;
    let known = [
        ("platform", json!(platform)),
        ("short_no", json!(short_no)),
        ("merchant", json!(merchant)),
        ("area", json!(area)),
        ("tail", json!(phone_tail)),
        ("distance_m", json!(distance_m)),
        ("fee_cents", json!(fee_cents)),
        ("items", json!(items)),
        ("promised_at", json!(order.promised_at)),
        ("reason", json!(order.reason)),
    ];
    let mut slots: Map<String, Value> = known
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    slots.extend(event.overrides.vars.clone());
    slots
}

/// The order as the rider's card shows it.
fn card(event: &Event) -> String {
    let order = event.order.as_ref().and_then(|order| serde_json::to_value(order).ok());
    let mut card = match order {
        Some(Value::Object(members)) => members,
        Some(_) | None => Map::new(),
    };
    if let Some(at) = event.occurred_at {
        card.insert("occurred_at".to_owned(), json!(at));
    }
    if let Some(rider) = &event.previous_rider {
        card.insert("previous_rider_id".to_owned(), json!(rider));
    }
    Value::Object(card).to_string()
}

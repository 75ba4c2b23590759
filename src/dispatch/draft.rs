//! What an event says: the kind's policy, the event's own wishes and the phrase, put together into one alert.
//! Pure: the same event at the same moment makes the same alert.

use serde_json::{Map, Value, json};

use super::directory::AppEntry;
use crate::clock::EpochMs;
use crate::domain::{Alert, AlertId, AlertState, Event, Kind, Order, Repeat};
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
    let Some(rendered) = render(event, kind, app, phrases, lang)? else { return Ok(None) };
    let overrides = &event.overrides;
    let asked_ttl_s = overrides.ttl_s.or(event.offer.and_then(|offer| offer.timeout_s));
    let ttl_ms = i64::from(asked_ttl_s.unwrap_or(kind.ttl_s)) * 1000;
    let need = event.offer.map_or(kind.need, |offer| offer.need);
    Ok(Some(Alert {
        id: made.id,
        app: app.app.id,
        event_id: event.id.clone(),
        order_id: event.order.as_ref().and_then(|order| order.id.clone()),
        version: event.order.as_ref().and_then(|order| order.version),
        kind: kind.name.clone(),
        urgency: overrides.urgency.unwrap_or(kind.urgency),
        interrupt: kind.interrupt,
        repeat: Repeat {
            count: overrides.repeat_count.unwrap_or(kind.repeat.count),
            gap_ms: overrides.repeat_gap_ms.unwrap_or(kind.repeat.gap_ms),
        },
        need,
        duty: event.target.duty,
        lang: lang.tag().to_owned(),
        title: kind.title(lang.tag()).to_owned(),
        text: rendered.text,
        said: rendered.said,
        card: card(event),
        ext: Value::Object(event.ext.clone()).to_string(),
        trace_id: made.trace_id,
        created_at: made.at,
        stored_at: made.at,
        expires_at: made.at.plus_ms(ttl_ms),
        rendered_at: None,
        sound: None,
        state: AlertState::Active,
        ended_at: None,
    }))
}

/// When and under which names the alert is made.
pub(super) struct Made {
    pub(super) id: AlertId,
    pub(super) at: EpochMs,
    pub(super) trace_id: String,
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
) -> Result<Option<Rendered>, InputError> {
    if let Some(text) = &event.overrides.text {
        let spoken = free_text(text, lang).map_err(|error| InputError {
            error: "bad_text",
            pointer: Some("/alert/text".to_owned()),
            detail: error.to_string(),
        })?;
        return Ok(Some(spoken));
    }
    let own = app.phrases(&kind.name, lang);
    if own.is_empty() && !kind.speaks {
        return Ok(None);
    }
    Ok(phrases.render(&kind.name, lang, own, &slots(event), app.app.utc_offset_s))
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

//! The canonical event of `POST /v1/events`, from JSON to [`Event`].
//! Personal data that no sentence needs (phone, address, name of the customer) is accepted and dropped here.

use serde_json::Value;

use super::offer;
use super::reader::{InputError, Reader};
use crate::domain::kind::{MAX_REPEAT_COUNT, MAX_REPEAT_GAP_MS, MAX_TTL_S, MERGED};
use crate::domain::recurrence::{EVERY_S_MAX, Rule};
use crate::domain::target::{DutyRule, MAX_GROUPS, MAX_RIDERS};
use crate::domain::{EpochMs, Event, EventId, Kinds, Order, Overrides, Recurrence, Target, Urgency};

/// Longest text an event may speak, in characters: half a minute of speech.
pub(super) const TEXT_CHARS_MAX: usize = 120;
/// Largest `ext` and `vars`, in bytes of JSON.
pub(super) const EXTRA_BYTES_MAX: usize = 2048;
/// Longest note, in characters.
pub(super) const NOTE_CHARS_MAX: usize = 500;
/// Longest id of a merchant, in characters.
pub(super) const MERCHANT_CHARS_MAX: usize = 128;
/// Longest name or short member, in characters.
pub(super) const NAME_CHARS_MAX: usize = 100;

type Read<T> = Result<T, InputError>;

/// Reads an event. `fresh_id` names it if the backend did not: such an event is never a duplicate.
///
/// # Errors
/// The first thing wrong, with its place.
pub(super) fn read_event(top: &Reader<'_>, kinds: &Kinds, fresh_id: impl FnOnce() -> EventId) -> Read<Event> {
    top.only(&[
        "id",
        "kind",
        "occurred_at",
        "order",
        "previous_rider_id",
        "target",
        "offer",
        "alert",
        "callback_url",
        "deliver_at",
        "recur",
        "ext",
    ])?;
    let kind = top.text("kind", NAME_CHARS_MAX)?.ok_or_else(|| top.missing("kind"))?;
    // What tells of several orders at once is made here, and only here.
    if kind == MERGED || kinds.get(&kind).is_none() {
        return Err(top.error("kind", "unknown_kind", "there is no such kind"));
    }
    let target = read_target(top)?;
    let offer = top.object("offer")?.map(|offer| offer::read(&offer)).transpose()?;
    let (deliver_at, recurrence) = read_times(top)?;
    Ok(Event {
        id: top.id("id")?.unwrap_or_else(fresh_id),
        kind,
        occurred_at: top.moment("occurred_at")?,
        order: top.object("order")?.map(|order| read_order(&order)).transpose()?,
        previous_rider: top.id("previous_rider_id")?,
        target,
        offer,
        overrides: top.object("alert")?.map(|alert| read_overrides(&alert)).transpose()?.unwrap_or_default(),
        callback_url: read_callback_url(top)?,
        deliver_at,
        recurrence,
        ext: top.raw_object("ext", EXTRA_BYTES_MAX)?,
    })
}

fn read_order(order: &Reader<'_>) -> Read<Order> {
    order.only(&[
        "id",
        "version",
        "short_no",
        "platform",
        "status",
        "merchant",
        "dropoff",
        "distance_m",
        "fee_cents",
        "items",
        "promised_at",
        "ready_at",
        "note",
        "reason",
    ])?;
    let merchant = order.object("merchant")?;
    let dropoff = order.object("dropoff")?;
    if let Some(merchant) = &merchant {
        merchant.only(&["id", "name", "address", "phone", "location", "lat", "lng", "coord"])?;
    }
    if let Some(dropoff) = &dropoff {
        dropoff.only(&[
            "area",
            "phone_tail",
            "name",
            "phone",
            "address",
            "location",
            "lat",
            "lng",
            "coord",
        ])?;
    }
    let phone_tail = dropoff.as_ref().map(|dropoff| read_phone_tail(dropoff)).transpose()?.flatten();
    let area = dropoff.as_ref().map(|dropoff| dropoff.text("area", NAME_CHARS_MAX)).transpose()?.flatten();
    let name = merchant.as_ref().map(|merchant| merchant.text("name", NAME_CHARS_MAX)).transpose()?.flatten();
    Ok(Order {
        id: order.id("id")?,
        version: order.integer("version", 0, i64::MAX)?,
        short_no: order.code("short_no", 32)?,
        platform: order.text("platform", 32)?,
        status: order.code("status", 64)?,
        merchant_id: merchant.as_ref().and_then(read_merchant_id),
        merchant: name,
        area,
        phone_tail,
        distance_m: order.integer("distance_m", 0, 10_000_000)?,
        fee_cents: order.integer("fee_cents", 0, 100_000_000)?,
        items: order.integer("items", 0, 100_000)?,
        promised_at: order.moment("promised_at")?,
        ready_at: order.moment("ready_at")?,
        note: order.text("note", NOTE_CHARS_MAX)?,
        reason: order.text("reason", NOTE_CHARS_MAX)?,
    })
}

/// What is no id is nothing we know the merchant by; it was never looked at, and is refused no more than then.
fn read_merchant_id(merchant: &Reader<'_>) -> Option<String> {
    let id = match merchant.value("id")? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (1..=MERCHANT_CHARS_MAX).contains(&id.chars().count()).then_some(id)
}

/// Four digits, kept as text: `0006` is not six.
fn read_phone_tail(dropoff: &Reader<'_>) -> Read<Option<String>> {
    let Some(tail) = dropoff.text("phone_tail", 4)? else { return Ok(None) };
    if tail.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(Some(tail));
    }
    Err(dropoff.error("phone_tail", "bad_value", "is the last four digits, as text"))
}

/// Reads whom an event is for.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn read_target(top: &Reader<'_>) -> Read<Target> {
    let target = top.object("target")?.ok_or_else(|| top.missing("target"))?;
    target.only(&["riders", "groups", "near", "broadcast", "exclude", "on_duty"])?;
    if target.value("near").is_some() {
        return Err(target.error("near", "not_supported", "choosing riders by place is not offered"));
    }
    let duty = match target.boolean("on_duty")? {
        None | Some(true) => DutyRule::OnDutyOnly,
        Some(false) => DutyRule::Anyone,
    };
    let read = Target {
        riders: target.ids("riders", MAX_RIDERS)?,
        groups: target.ids("groups", MAX_GROUPS)?,
        broadcast: target.boolean("broadcast")?.unwrap_or(false),
        exclude: target.ids("exclude", MAX_RIDERS)?,
        duty,
    };
    if read.is_empty() {
        return Err(target.error("", "empty_target", "names no rider, no group and is no broadcast"));
    }
    Ok(read)
}

/// Furthest moment an event may wait for: a month.
const DELIVER_WITHIN_MS: i64 = 31 * 86_400_000;

fn read_times(top: &Reader<'_>) -> Read<(Option<EpochMs>, Option<Recurrence>)> {
    let deliver_at = top.moment("deliver_at")?;
    let Some(recur) = top.object("recur")? else { return Ok((deliver_at, None)) };
    if deliver_at.is_some() {
        return Err(recur.error("", "not_together", "does not go with deliver_at"));
    }
    recur.only(&["cron", "every_s", "until", "times"])?;
    let every_s = recur.integer("every_s", 1, i64::from(EVERY_S_MAX))?;
    let rule = match (recur.text("cron", NAME_CHARS_MAX)?, every_s) {
        (Some(cron), None) => Rule::Cron(cron),
        (None, Some(seconds)) => Rule::EveryS(u32::try_from(seconds).unwrap_or(EVERY_S_MAX)),
        (Some(_), Some(_)) => return Err(recur.error("every_s", "not_together", "does not go with cron")),
        (None, None) => return Err(recur.missing("cron")),
    };
    let times = recur.integer("times", 1, i64::MAX)?.and_then(|times| u64::try_from(times).ok());
    Ok((None, Some(Recurrence { rule, until: recur.moment("until")?, times })))
}

/// Whether a moment lies further ahead than an event may wait.
#[must_use]
pub fn is_too_far(at: EpochMs, now: EpochMs) -> bool {
    at.since_ms(now) > DELIVER_WITHIN_MS
}

fn read_overrides(alert: &Reader<'_>) -> Read<Overrides> {
    alert.only(&[
        "urgency",
        "template",
        "text",
        "vars",
        "lang",
        "ttl_s",
        "repeat",
        "collapse_key",
        "supersede",
    ])?;
    if alert.value("template").is_some() {
        return Err(alert.error("template", "not_supported", "phrases are set for an app, or given as text"));
    }
    let small = |reader: &Reader<'_>, name: &str, least: i64, most: i64| -> Read<Option<u32>> {
        Ok(reader.integer(name, least, most)?.and_then(|number| u32::try_from(number).ok()))
    };
    let repeat = alert.object("repeat")?;
    let (mut count, mut gap_ms) = (None, None);
    if let Some(repeat) = &repeat {
        repeat.only(&["count", "gap_ms"])?;
        count = small(repeat, "count", 1, i64::from(MAX_REPEAT_COUNT))?;
        gap_ms = small(repeat, "gap_ms", 0, i64::from(MAX_REPEAT_GAP_MS))?;
    }
    let urgency = alert.integer("urgency", 0, 3)?.and_then(|number| u8::try_from(number).ok());
    let text = alert.text("text", TEXT_CHARS_MAX)?.map(|text| text.trim().to_owned());
    Ok(Overrides {
        urgency: urgency.and_then(|number| Urgency::try_from(number).ok()),
        text: text.filter(|text| !text.is_empty()),
        vars: alert.raw_object("vars", EXTRA_BYTES_MAX)?,
        lang: alert.text("lang", 35)?,
        ttl_s: small(alert, "ttl_s", 1, i64::from(MAX_TTL_S))?,
        repeat_count: count,
        repeat_gap_ms: gap_ms,
        collapse_key: alert.text("collapse_key", NAME_CHARS_MAX)?,
        supersede: alert.boolean("supersede")?,
    })
}

/// Reads where the backend wants to hear of an event.
///
/// # Errors
/// `wrong_type`, `too_long`, `bad_url`.
pub(super) fn read_callback_url(top: &Reader<'_>) -> Read<Option<String>> {
    let Some(url) = top.text("callback_url", 2048)? else { return Ok(None) };
    let good = url.parse::<http::Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if good { Ok(Some(url)) } else { Err(top.error("callback_url", "bad_url", "is not an http(s) URL")) }
}

#[cfg(test)]
mod tests;

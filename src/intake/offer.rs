//! The offer of an event and its ladder, from JSON to [`Offer`].
//! Ladders of an app's own are read here as well: they are written in the same way.

use super::reader::{InputError, Reader};
use crate::domain::kind::MAX_TTL_S;
use crate::domain::ladder::{Act, HttpCall, Ladder, MAX_STEPS, Step};
use crate::domain::offer::MAX_CANDIDATES;
use crate::domain::target::MAX_GROUPS;
use crate::domain::{Arbiter, Mode, Need, Offer};

type Read<T> = Result<T, InputError>;

/// Most seconds a rider has to answer: beyond an hour it is no offer to a rider on the road.
pub(super) const TIMEOUT_S_MAX: u32 = 3_600;
/// Headers of one call.
const HEADERS_MAX: usize = 20;
/// Longest URL and longest header value, in characters.
const URL_CHARS_MAX: usize = 2_048;
/// Largest body of a call, in bytes of JSON.
const BODY_BYTES_MAX: usize = 4_096;

/// Reads an offer.
pub(super) fn read(offer: &Reader<'_>) -> Read<Offer> {
    offer.only(&["mode", "timeout_s", "arbiter", "ladder", "candidates"])?;
    let mode = offer.word("mode", Mode::parse, "notify, ack, assign, grab")?;
    let mode = mode.ok_or_else(|| offer.missing("mode"))?;
    let timeout_s = offer.integer("timeout_s", 1, i64::from(TIMEOUT_S_MAX))?;
    let arbiter = offer.word("arbiter", Arbiter::parse, "service, backend")?;
    if arbiter == Some(Arbiter::Backend) && mode.need() != Need::Accept {
        return Err(offer.error("arbiter", "not_together", "backend decides assign and grab only"));
    }
    let candidates = offer.ids("candidates", MAX_CANDIDATES)?;
    let ladder = read_ladder(offer, "ladder")?;
    if let Some(ladder) = &ladder {
        let asks_next = ladder.steps().iter().any(|step| step.act == Act::Next);
        if asks_next && candidates.is_empty() {
            return Err(offer.error("ladder", "no_candidates", "the step next needs offer.candidates"));
        }
    }
    let timeout_s = timeout_s.and_then(|seconds| u32::try_from(seconds).ok());
    Ok(Offer { mode, timeout_s, arbiter, ladder, candidates })
}

/// Reads the ladder that a member holds.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read_ladder(of: &Reader<'_>, name: &str) -> Read<Option<Ladder>> {
    let Some(steps) = of.objects(name, MAX_STEPS)? else { return Ok(None) };
    let steps: Vec<Step> = steps.iter().map(read_step).collect::<Read<_>>()?;
    let wrong = || of.error(name, "out_of_order", "steps stand in the order of after_s");
    Ladder::new(steps).map(Some).ok_or_else(wrong)
}

fn read_step(step: &Reader<'_>) -> Read<Step> {
    step.only(&["after_s", "do", "fallback", "group", "groups", "http"])?;
    let after_s = step.integer("after_s", 0, i64::from(MAX_TTL_S))?.ok_or_else(|| step.missing("after_s"))?;
    let word = step.text("do", 64)?.ok_or_else(|| step.missing("do"))?;
    let mut groups = step.ids("groups", MAX_GROUPS)?;
    groups.extend(step.id("group")?);
    let act = match word.as_str() {
        "repeat" | "ring" => Act::Repeat,
        "louder" => Act::Louder,
        "next" => Act::Next,
        "station" => Act::Station { groups },
        "desk" => Act::Desk,
        "http" => Act::Http(read_call(&step.object("http")?.ok_or_else(|| step.missing("http"))?)?),
        "exhausted" => Act::Exhausted,
        _ => {
            let known = "is none of repeat, louder, next, station, desk, http, exhausted";
            return Err(step.error("do", "unknown_step", known));
        }
    };
    let only_http = step.value("http").is_some() && !matches!(act, Act::Http(_));
    if only_http {
        return Err(step.error("http", "not_together", "goes with do: http only"));
    }
    let fallback = step.boolean("fallback")?.unwrap_or(false);
    Ok(Step { after_s: u32::try_from(after_s).unwrap_or(MAX_TTL_S), act, fallback })
}

fn read_call(call: &Reader<'_>) -> Read<HttpCall> {
    call.only(&["url", "method", "headers", "body"])?;
    let url = call.text("url", URL_CHARS_MAX)?.ok_or_else(|| call.missing("url"))?;
    let known = |word: &str| ["GET", "POST", "PUT"].contains(&word).then(|| word.to_owned());
    let method = call.word("method", known, "GET, POST, PUT")?;
    let mut headers = Vec::new();
    if let Some(map) = call.object("headers")? {
        for name in map.names() {
            let value = map.text(name, URL_CHARS_MAX)?.unwrap_or_default();
            headers.push((name.to_owned(), value));
        }
    }
    if headers.len() > HEADERS_MAX {
        return Err(call.error("headers", "too_many", &format!("has more than {HEADERS_MAX}")));
    }
    let body = call.value("body").cloned();
    if body.as_ref().is_some_and(|body| body.to_string().len() > BODY_BYTES_MAX) {
        return Err(call.error("body", "too_long", &format!("is more than {BODY_BYTES_MAX} bytes of JSON")));
    }
    Ok(HttpCall { url, method, headers, body })
}

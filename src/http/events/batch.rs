//! Many events in one request: each is parsed, judged and answered by itself, in the order of the list.
//! Only what is wrong with the batch as such, or a store that takes nothing at all, refuses the whole.

use std::borrow::Cow;

use http::HeaderMap;
use serde::Serialize;
use tracing::error;
use utoipa::ToSchema;

use super::super::auth::Caller;
use super::super::notices::word;
use super::super::problem::{ItemProblem, Problem};
use super::super::{AppState, request_id};
use super::{admit, arrival, types};
use crate::dispatch::{AcceptError, Arrival, EventAnswer};
use crate::domain::app::KeyMode;
use crate::intake::{
    Batch, Form, IDEMPOTENCY_KEY, InputError, Types, Wrapping, parse_item, readable, split, unreadable,
};
use crate::store::StoreError;

/// What a backend is told of its batch.
#[derive(Serialize, ToSchema)]
pub struct BatchTold {
    /// Events that are stored now.
    accepted: usize,
    /// Events that were stored before.
    duplicates: usize,
    /// Events that were refused.
    failed: usize,
    /// One for each event, in the order of the list.
    results: Vec<ItemTold>,
}

/// What a backend is told of one event of its batch.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ItemTold {
    /// As of an event that was posted alone.
    Done {
        /// Its place in the list, from 0.
        index: usize,
        /// 200.
        status: u16,
        /// Its answer.
        #[serde(flatten)]
        answer: Box<EventAnswer>,
    },
    /// The problem that it would have been answered with alone; places are those in the batch.
    Refused {
        /// Its place in the list, from 0.
        index: usize,
        /// What is wrong with it.
        #[serde(flatten)]
        problem: ItemProblem,
    },
}

/// Why one event was refused.
enum Refusal {
    Input(InputError),
    TooLarge,
    Accept(AcceptError),
}

/// Takes a batch.
pub(super) async fn post(
    state: &AppState,
    caller: Caller,
    query: &str,
    headers: &HeaderMap,
    (form, wrapping): (Form, Wrapping),
    body: &[u8],
) -> Result<BatchTold, Problem> {
    if word(query, "wait").is_some() || word(query, "timeout_ms").is_some() {
        return Err(Problem::bad_request("bad_query", "a batch is not waited for"));
    }
    if headers.contains_key(IDEMPOTENCY_KEY) {
        let detail = "Idempotency-Key names one event; in a batch each has an id of its own";
        return Err(Problem::bad_request("not_together", detail));
    }
    let body = readable(body);
    let batch = split(&body, wrapping)?;
    admit(state, &caller, u32::try_from(batch.items.len()).unwrap_or(u32::MAX))?;
    let mut arrivals = Vec::with_capacity(batch.items.len());
    let mut refusals = Vec::with_capacity(batch.items.len());
    let (types, key_mode) = (types(state, &caller), caller.mode());
    for item in &batch.items {
        let read = match (&body, unreadable(item.get())) {
            (Cow::Owned(_), Some(error)) => Err(Refusal::Input(error)),
            (Cow::Owned(_) | Cow::Borrowed(_), _) => {
                read(state, key_mode, headers, (form, item.get()), &types)
            }
        };
        match read {
            Ok(arrival) => {
                arrivals.push(arrival);
                refusals.push(None);
            }
            Err(refusal) => refusals.push(Some(refusal)),
        }
    }
    let mut answers = state.dispatch.accept_all(caller.app, arrivals).await?.into_iter();
    let results = refusals.into_iter().map(|refusal| match refusal {
        Some(refusal) => Err(refusal),
        None => match answers.next() {
            Some(answer) => answer.map_err(Refusal::Accept),
            None => Err(Refusal::Accept(StoreError::Unavailable("no answer came".into()).into())),
        },
    });
    tell(state.limits.max_body_bytes, &batch, results.collect())
}

fn read(
    state: &AppState,
    key_mode: KeyMode,
    headers: &HeaderMap,
    (form, item): (Form, &str),
    types: &Types<'_>,
) -> Result<Arrival, Refusal> {
    if item.len() > state.limits.max_body_bytes {
        return Err(Refusal::TooLarge);
    }
    let parsed = parse_item(form, item.as_bytes(), types, || state.dispatch.fresh_event_id());
    parsed.map(|parsed| arrival(state, key_mode, headers, parsed)).map_err(Refusal::Input)
}

fn tell(
    bytes_max: usize,
    batch: &Batch<'_>,
    results: Vec<Result<EventAnswer, Refusal>>,
) -> Result<BatchTold, Problem> {
    note_failures(&results)?;
    let mut told =
        BatchTold { accepted: 0, duplicates: 0, failed: 0, results: Vec::with_capacity(results.len()) };
    for (index, result) in results.into_iter().enumerate() {
        told.results.push(match result {
            Ok(answer) => {
                if answer.duplicate {
                    told.duplicates += 1;
                } else {
                    told.accepted += 1;
                }
                ItemTold::Done { index, status: 200, answer: Box::new(answer) }
            }
            Err(refusal) => {
                told.failed += 1;
                let problem = problem(bytes_max, batch, index, refusal);
                ItemTold::Refused { index, problem: problem.into() }
            }
        });
    }
    Ok(told)
}

/// Writes one line for all that the store refused; a store that took nothing refuses the whole batch.
fn note_failures(results: &[Result<EventAnswer, Refusal>]) -> Result<(), Problem> {
    let failures = results.iter().filter_map(|result| match result {
        Err(Refusal::Accept(AcceptError::Store(error))) => Some(error),
        Ok(_) | Err(_) => None,
    });
    let failures: Vec<&StoreError> = failures.collect();
    let Some(first) = failures.first() else { return Ok(()) };
    error!(
        request.id = request_id(),
        error = *first as &dyn std::error::Error,
        failed = failures.len(),
        events = results.len(),
        "The store refused events of a batch."
    );
    let took_some =
        results.iter().any(|result| matches!(result, Ok(_) | Err(Refusal::Accept(AcceptError::Conflict))));
    let unsure = failures.iter().any(|error| matches!(error, StoreError::Unsure(_)));
    match (took_some, unsure) {
        (true, _) => Ok(()),
        (false, true) => Err(Problem::unsure()),
        (false, false) => Err(Problem::unavailable()),
    }
}

fn problem(bytes_max: usize, batch: &Batch<'_>, index: usize, refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Input(error) | Refusal::Accept(AcceptError::Input(error)) => batch.tell(index, error).into(),
        Refusal::TooLarge => Problem::too_large(bytes_max),
        // The log has one line for all of them.
        Refusal::Accept(AcceptError::Store(StoreError::Unavailable(_))) => Problem::unavailable(),
        Refusal::Accept(AcceptError::Store(StoreError::Unsure(_))) => Problem::unsure(),
        Refusal::Accept(error @ (AcceptError::Store(_) | AcceptError::Conflict)) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Batch, Problem, Refusal, Wrapping, split, tell};
    use crate::dispatch::AcceptError;
    use crate::intake::InputError;
    use crate::store::StoreError;

    fn unavailable() -> Refusal {
        Refusal::Accept(StoreError::Unavailable("full".into()).into())
    }

    fn input() -> Refusal {
        let pointer = Some("/order/fee_cents".to_owned());
        Refusal::Input(InputError {
            error: "wrong_type",
            pointer,
            detail: "is not a whole number".to_owned(),
        })
    }

    fn told(refusals: Vec<Refusal>) -> Result<Value, Problem> {
        let body = format!("[{}]", vec!["{}"; refusals.len()].join(","));
        let batch: Batch<'_> = split(body.as_bytes(), Wrapping::Bare).unwrap();
        tell(65_536, &batch, refusals.into_iter().map(Err).collect()).map(|told| json!(told))
    }

    #[test]
    fn each_refusal_stands_at_its_place() {
        let told =
            told(vec![input(), Refusal::TooLarge, Refusal::Accept(AcceptError::Conflict), unavailable()]);
        let told = told.unwrap();
        assert_eq!((&told["accepted"], &told["failed"]), (&json!(0), &json!(4)));
        let seen = |index: usize| {
            let one = &told["results"][index];
            json!([one["index"], one["status"], one["error"], one["pointer"]])
        };
        assert_eq!(seen(0), json!([0, 400, "wrong_type", "/0/order/fee_cents"]));
        assert_eq!(seen(1), json!([1, 413, "too_large", null]));
        assert_eq!(seen(2), json!([2, 409, "event_id_conflict", null]));
        assert_eq!(seen(3), json!([3, 503, "unavailable", null]), "the store has taken note of another");
    }

    #[test]
    fn a_store_that_takes_nothing_refuses_the_whole() {
        let word =
            |refusals: Vec<Refusal>| crate::http::problem::ItemProblem::from(told(refusals).unwrap_err());
        let all = word(vec![unavailable(), unavailable()]);
        assert_eq!((all.status, all.error), (503, "unavailable"));
        let with_bad_input = word(vec![input(), unavailable()]);
        assert_eq!((with_bad_input.status, with_bad_input.error), (503, "unavailable"));
        let unsure = Refusal::Accept(StoreError::Unsure("disk".into()).into());
        let unsure = word(vec![unavailable(), unsure]);
        assert_eq!((unsure.status, unsure.error), (503, "outcome_unknown"));
    }
}

//! What is shown of callbacks and their tries.
//! A URL may hold a credential in its query: only who may change it sees it whole.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::dispatch::callback_body;
use crate::domain::app::Scope;
use crate::domain::callback::{Callback, CallbackState};
use crate::domain::{AlertId, CallbackId, CallbackTargetId, EventId, OrderId, RiderId};
use crate::http::auth::Caller;
use crate::http::moment::Moment;
use crate::store::{CallbackAttempt, CallbackRecord};

/// Where a callback stands.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CallbackState)]
pub enum StateWord {
    /// It is to be sent, for the first time or again.
    Waiting,
    /// Your backend has it.
    Delivered,
    /// It is not tried any more, unless you ask for it.
    Dead,
}

/// A callback.
#[derive(Serialize, ToSchema)]
#[schema(as = Callback)]
pub struct CallbackView {
    callback_id: CallbackId,
    /// What happened; the list is open.
    kind: String,
    alert_id: Option<AlertId>,
    /// Your id of the alert's event.
    event_id: Option<EventId>,
    order_id: Option<OrderId>,
    rider: Option<RiderId>,
    /// The target it is for; not there where an event named the address itself.
    target_id: Option<CallbackTargetId>,
    /// Where it goes now.
    url: String,
    state: StateWord,
    /// When it happened.
    at: Moment,
    /// When it is sent next; not there while it waits for another of its alert, and once it has ended.
    due_at: Option<Moment>,
    ended_at: Option<Moment>,
    /// How often it was sent.
    attempts: u32,
    last_try: Option<TryView>,
    /// It is a test's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// A callback, whole.
#[derive(Serialize, ToSchema)]
pub struct CallbackDetail {
    #[serde(flatten)]
    callback: CallbackView,
    /// The last twelve, the newest last.
    tries: Vec<TryView>,
    /// As it is sent; described under `webhooks`.
    #[schema(value_type = Object)]
    body: Value,
}

/// How a try ended.
#[derive(Serialize, ToSchema)]
#[schema(as = CallbackTry)]
pub struct TryView {
    at: Moment,
    took_ms: i64,
    /// The status, if there was an answer.
    status: Option<u16>,
    /// Why it was not taken, in one word, such as `refused`, `timeout`, `unreachable`, `not_allowed` or `gone`.
    error: Option<String>,
}

/// How much of a URL is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Urls {
    Whole,
    WithoutQuery,
}

impl Urls {
    /// What this caller may see of them.
    pub(super) fn for_caller(caller: &Caller) -> Self {
        if caller.may(Scope::Callbacks) { Self::Whole } else { Self::WithoutQuery }
    }

    pub(super) fn shown(self, url: String) -> String {
        match (self, url.split_once('?')) {
            (Self::WithoutQuery, Some((shown, _))) => shown.to_owned(),
            (Self::WithoutQuery | Self::Whole, _) => url,
        }
    }
}

impl From<CallbackState> for StateWord {
    fn from(state: CallbackState) -> Self {
        match state {
            CallbackState::Waiting => Self::Waiting,
            CallbackState::Delivered => Self::Delivered,
            CallbackState::Dead => Self::Dead,
        }
    }
}

impl TryView {
    fn of(attempt: &CallbackAttempt) -> Self {
        Self {
            at: attempt.at.into(),
            took_ms: attempt.took_ms,
            status: attempt.status,
            error: attempt.error.clone(),
        }
    }
}

impl CallbackView {
    pub(super) fn of(record: CallbackRecord, urls: Urls) -> Self {
        let CallbackRecord { callback, state, due_at, ended_at, tries, .. } = record;
        let Callback {
            id, destination, url, key_mode, kind, alert, event, order, rider, at, attempts, ..
        } = callback;
        Self {
            callback_id: id,
            kind,
            alert_id: alert,
            event_id: event,
            order_id: order,
            rider,
            target_id: destination.name.parse().ok(),
            url: urls.shown(url),
            state: state.into(),
            at: at.into(),
            due_at: due_at.map(Moment),
            ended_at: ended_at.map(Moment),
            attempts,
            last_try: tries.last().map(TryView::of),
            test: key_mode.is_test(),
        }
    }
}

impl CallbackDetail {
    pub(super) fn of(record: CallbackRecord, urls: Urls) -> Self {
        let tries = record.tries.iter().map(TryView::of).collect();
        let body = callback_body(&record.callback);
        Self { callback: CallbackView::of(record, urls), tries, body }
    }
}

#[cfg(test)]
mod tests {
    use super::Urls;

    #[test]
    fn who_may_only_read_does_not_see_the_query_of_a_url() {
        let url = || "https://backend.example.com/bell?key=secret".to_owned();
        assert_eq!(Urls::Whole.shown(url()), url());
        assert_eq!(Urls::WithoutQuery.shown(url()), "https://backend.example.com/bell");
        assert_eq!(Urls::WithoutQuery.shown("https://a.example/b".to_owned()), "https://a.example/b");
    }
}

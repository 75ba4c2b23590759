//! One request to a hook, from its bytes to a verdict: verify, decode, see whether it is a probe, take apart, drop, map.
//! It never fails: what is wrong is the verdict, and each item of a body is judged by itself.

use http::Method;
use serde_json::{Map, Value};

use super::decode::{headers_value, query_value};
use super::map::ItemReading;
use super::profile::HookProfile;
use super::redact::redact;
use super::{AgeRule, HookKeys, HookRequest, Scope};
use crate::domain::HookVerdict;

/// What a request says.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What became of it: `Mapped`, `Ignored`, `Filtered`, `Probe`, `Unmapped`, `Refused` or `Unreadable`.
    pub verdict: HookVerdict,
    /// Why, in one of our words; empty where the verdict says it all.
    pub reason: String,
    /// Why, for the hook's owner; never for the sender.
    pub detail: String,
    /// Of what was refused: whether credentials are there and do not allow it (403), or are missing or wrong (401).
    pub forbidden: bool,
    /// What its items are, in their order.
    pub items: Vec<ItemReading>,
    /// The decoded body; null until it is decoded.
    pub body: Value,
    /// The event's name, if it has one.
    pub event: Value,
    headers: Value,
    query: Value,
    params: Value,
}

/// What is kept of a request, as a profile sees it.
#[derive(Clone, Debug, Default)]
pub struct KeptScope {
    /// What stood behind the hook in the path; null if nothing did.
    pub event: Value,
    /// The decoded query.
    pub query: Value,
    /// Header values by lower-case name.
    pub headers: Value,
    /// The decoded body.
    pub body: Value,
}

impl Reading {
    /// Of a request that was not looked at, such as one that came too fast.
    #[must_use]
    pub fn unread(verdict: HookVerdict, reason: &str) -> Self {
        Self {
            verdict,
            reason: reason.to_owned(),
            detail: String::new(),
            forbidden: false,
            items: Vec::new(),
            body: Value::Null,
            event: Value::Null,
            headers: Value::Null,
            query: Value::Null,
            params: Value::Null,
        }
    }

    fn ends(mut self, verdict: HookVerdict, reason: &str, detail: String) -> Self {
        self.verdict = verdict;
        reason.clone_into(&mut self.reason);
        self.detail = detail;
        self
    }
}

impl HookProfile {
    /// Reads a request. It never fails and never panics: the verdict says what became of it.
    #[must_use]
    pub fn read(&self, request: &HookRequest<'_>, keys: &HookKeys, age: AgeRule) -> Reading {
        let mut reading = self.begin(request, keys);
        let is_probe = self.is_probe(request);
        // A call that asks whether an address is its owner's has a signature, and something to be repeated.
        let is_asked = self.verifier.signs_query() && !request.query.is_empty();
        if (!is_probe || is_asked)
            && let Err(error) = self.verifier.check(request, keys, age)
        {
            if self.is_open_probe(request, &reading) {
                return reading.ends(HookVerdict::Probe, "", String::new());
            }
            reading.forbidden = error.forbidden;
            return reading.ends(HookVerdict::Refused, error.reason, error.detail);
        }
        if is_probe {
            return reading.ends(HookVerdict::Probe, "", String::new());
        }
        if request.body.is_empty() {
            // A delivery by GET: what it says is its query.
            reading.body = query_value(request.query);
        } else {
            match self.decoder.decode(request) {
                Ok(body) => reading.body = body,
                Err(error) => return reading.ends(HookVerdict::Unreadable, error.reason, error.detail),
            }
        }
        self.take_apart(reading)
    }

    /// Reads what is kept of a request once more: it was verified and decoded when it came in.
    #[must_use]
    pub fn read_kept(&self, kept: KeptScope, keys: &HookKeys) -> Reading {
        let KeptScope { event, query, headers, body } = kept;
        let unread = Reading::unread(HookVerdict::Unmapped, "");
        self.take_apart(Reading { event, query, headers, body, params: params_value(keys), ..unread })
    }

    /// What is made of a decoded body.
    fn take_apart(&self, mut reading: Reading) -> Reading {
        if reading.event.is_null() {
            reading.event = self.event_name(&reading);
        }
        let scope = self.scope(&reading, &Value::Null);
        if self.probe.as_ref().is_some_and(|probe| probe.is_true(&scope).unwrap_or(false)) {
            return reading.ends(HookVerdict::Probe, "", String::new());
        }
        match self.read_items(&reading) {
            Ok(items) => {
                let (verdict, reason, detail) = judged(&items);
                reading.items = items;
                reading.ends(verdict, reason, detail)
            }
            Err((verdict, reason, detail)) => reading.ends(verdict, reason, detail),
        }
    }

    /// The body as it may be kept: without signatures, phones, addresses and names of customers.
    #[must_use]
    pub fn redacted(&self, reading: &Reading) -> Value {
        redact(&reading.body, self.keep(), self.redact())
    }

    /// What is known of a request before its body is read.
    pub(super) fn begin(&self, request: &HookRequest<'_>, keys: &HookKeys) -> Reading {
        let mut reading = Reading::unread(HookVerdict::Unmapped, "");
        if self.reads.headers {
            reading.headers = headers_value(request.headers);
        }
        if self.reads.query {
            reading.query = query_value(request.query);
        }
        if self.reads.params {
            reading.params = params_value(keys);
        }
        if let Some(event) = request.event {
            reading.event = Value::from(event);
        }
        reading
    }

    /// What expressions see, outside of items.
    pub(super) fn scope<'a>(&'a self, reading: &'a Reading, extra: &'a Value) -> Scope<'a> {
        Scope {
            body: &reading.body,
            headers: &reading.headers,
            query: &reading.query,
            event: &reading.event,
            params: &reading.params,
            tables: &self.tables,
            item: &reading.body,
            index: 0,
            extra,
        }
    }

    /// A call to see whether we are here: it brings nothing.
    fn is_probe(&self, request: &HookRequest<'_>) -> bool {
        if request.method == Method::GET && self.takes_get() {
            return request.query.is_empty();
        }
        let asks = request.method == Method::GET || request.method == Method::HEAD;
        asks || request.body.trim_ascii().is_empty()
    }

    /// A probe that its sender does not sign, though it signs the rest: it is answered, and nothing else comes of it.
    fn is_open_probe(&self, request: &HookRequest<'_>, reading: &Reading) -> bool {
        let Some(open_probe) = &self.open_probe else { return false };
        let Ok(body) = self.decoder.decode(request) else { return false };
        let scope = Scope { body: &body, item: &body, ..self.scope(reading, &Value::Null) };
        open_probe.is_true(&scope).unwrap_or(false)
    }

    fn event_name(&self, reading: &Reading) -> Value {
        let scope = self.scope(reading, &Value::Null);
        // A name that cannot be told is no name; what asks for it finds nothing.
        self.event.as_ref().and_then(|event| event.evaluate(&scope).ok()).unwrap_or_default()
    }

    fn read_items(&self, reading: &Reading) -> Result<Vec<ItemReading>, (HookVerdict, &'static str, String)> {
        let scope = self.scope(reading, &Value::Null);
        let Some(items) = &self.items else { return Ok(vec![self.read_item(&scope)]) };
        let items = items.look(&scope).map_err(|error| (HookVerdict::Unmapped, "bad_items", error.0))?;
        let list = match &*items {
            Value::Array(list) => list.as_slice(),
            // XML cannot say a list of one.
            one @ Value::Object(_) => std::slice::from_ref(one),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err((HookVerdict::Unmapped, "no_items", "items gives no list".to_owned()));
            }
        };
        if list.len() > self.items_max {
            let detail = format!("{} items, more than {}", list.len(), self.items_max);
            return Err((HookVerdict::Unreadable, "too_many", detail));
        }
        let each = list.iter().enumerate();
        Ok(each.map(|(index, item)| self.read_item(&Scope { item, index, ..scope })).collect())
    }

    fn read_item(&self, scope: &Scope<'_>) -> ItemReading {
        match self.when.as_ref().map(|when| when.is_true(scope)) {
            None | Some(Ok(true)) => self.mapping.read(scope),
            Some(Ok(false)) => ItemReading::Filtered,
            Some(Err(error)) => ItemReading::Unmapped { error: "bad_when", detail: error.0 },
        }
    }
}

/// What is no secret, as expressions see it.
fn params_value(keys: &HookKeys) -> Value {
    let params = keys.params.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Value::Object(params.collect::<Map<_, _>>())
}

/// The verdict of the whole: the best that became of an item.
fn judged(items: &[ItemReading]) -> (HookVerdict, &'static str, String) {
    let mut verdict = if items.is_empty() {
        (HookVerdict::Ignored, "no_items", String::new())
    } else {
        (HookVerdict::Filtered, "", String::new())
    };
    for item in items {
        match item {
            ItemReading::Event(_) => return (HookVerdict::Mapped, "", String::new()),
            ItemReading::Unmapped { error, detail } if verdict.0 != HookVerdict::Unmapped => {
                verdict = (HookVerdict::Unmapped, error, detail.clone());
            }
            ItemReading::Ignored { why, status } if verdict.0 == HookVerdict::Filtered => {
                verdict = (HookVerdict::Ignored, why, status.clone());
            }
            ItemReading::Unmapped { .. } | ItemReading::Ignored { .. } | ItemReading::Filtered => {}
        }
    }
    verdict
}

#[cfg(test)]
mod tests;

//! An event's id where the event has none of its own: from the header `Idempotency-Key`, else from `webhook-id`.
//! Both stay the same when a request is sent again, which is what an id is for.

use http::{HeaderMap, HeaderValue};

use super::reader::InputError;
use crate::domain::EventId;

/// The header that clients of our own set.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header of Standard Webhooks.
const WEBHOOK_ID: &str = "webhook-id";

/// The id that the headers give; `None` if they give none.
///
/// # Errors
/// `bad_id` for a header that is no id, or is there twice.
pub fn sent_id(headers: &HeaderMap) -> Result<Option<EventId>, InputError> {
    let key = only(headers, IDEMPOTENCY_KEY)?.map(|value| read(IDEMPOTENCY_KEY, value, bare_or_quoted));
    // Looked at in any case: what is refused once is refused always.
    let webhook =
        only(headers, WEBHOOK_ID)?.map(|value| read(WEBHOOK_ID, value, |text| Some(text.to_owned())));
    let (key, webhook) = (key.transpose()?, webhook.transpose()?);
    Ok(key.or(webhook))
}

fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a HeaderValue>, InputError> {
    let mut all = headers.get_all(name).iter();
    let first = all.next();
    if all.next().is_some() { Err(wrong(name, "must appear once")) } else { Ok(first) }
}

fn read(
    name: &str,
    value: &HeaderValue,
    meant: impl Fn(&str) -> Option<String>,
) -> Result<EventId, InputError> {
    let text = value.to_str().map_err(|_| wrong(name, "must be printable ASCII"))?;
    let meant = meant(text).ok_or_else(|| wrong(name, "is quoted and does not end"))?;
    meant.parse().map_err(|error: crate::domain::IdError| wrong(name, &error.to_string()))
}

/// A structured field's string (RFC 9651), or the bare text that many clients send.
fn bare_or_quoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else { return Some(value.to_owned()) };
    let mut text = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    loop {
        match letters.next()? {
            '"' => return letters.as_str().is_empty().then_some(text),
            '\\' => text.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter => text.push(letter),
        }
    }
}

fn wrong(name: &str, detail: &str) -> InputError {
    InputError { error: "bad_id", pointer: None, detail: format!("{name}: {detail}") }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::sent_id;

    fn of(lines: &[(&'static str, &str)]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        sent_id(&headers).map(|id| id.map(|id| id.to_string())).map_err(|error| error.error)
    }

    #[test]
    fn the_key_stands_above_the_webhook_id() {
        let id = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[("webhook-id", "msg_1")]), id("msg_1"));
        assert_eq!(of(&[("webhook-id", "msg_1"), ("idempotency-key", "k-1")]), id("k-1"));
        assert_eq!(of(&[("idempotency-key", r#""k \"1""#)]), Err("bad_id"), "white space");
        assert_eq!(of(&[("idempotency-key", r#""k\"1\\""#)]), id(r#"k"1\"#));
        assert_eq!(of(&[("webhook-id", r#""q""#)]), id(r#""q""#));
    }

    #[test]
    fn what_cannot_be_an_id_is_refused() {
        let long = "x".repeat(129);
        for bad in ["", " ", "a b", r#"""#, r#""""#, r#""a"#, r#""a"b"#, r#""a\b""#, "a\tb", long.as_str()] {
            assert_eq!(of(&[("idempotency-key", bad)]), Err("bad_id"), "{bad}");
        }
        assert_eq!(of(&[("idempotency-key", "a"), ("idempotency-key", "a")]), Err("bad_id"));
        assert_eq!(of(&[("idempotency-key", "a"), ("webhook-id", "a b")]), Err("bad_id"));
    }
}

//! What comes beside the body: the query and the headers, as values that expressions see. Reading them cannot fail.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::percent::{self, Stray};

/// Names of a query; what comes behind them is left out.
const PAIRS_MAX: usize = 200;

/// The query, decoded. A name that comes twice is a list: it equals no text, so nobody takes one for the other.
#[must_use]
pub fn query_value(query: &str) -> Value {
    let mut members = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()).take(PAIRS_MAX) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(&mut members, decoded(name), decoded(value).into());
    }
    Value::Object(members)
}

/// The headers by lower-case name; several of one name are joined by `, `.
#[must_use]
pub fn headers_value(headers: &HeaderMap) -> Value {
    let text = |name| {
        let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        values.collect::<Vec<_>>().join(", ")
    };
    Value::Object(headers.keys().map(|name| (name.as_str().to_owned(), text(name).into())).collect())
}

fn add(members: &mut Map<String, Value>, name: String, value: Value) {
    match members.get_mut(&name) {
        None => {
            members.insert(name, value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(one) => *one = Value::Array(vec![one.take(), value]),
    }
}

fn decoded(text: &str) -> String {
    let bytes = percent::decode(text.as_bytes(), Stray::Kept).unwrap_or(Cow::Borrowed(text.as_bytes()));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};
    use serde_json::json;

    use super::{headers_value, query_value};

    #[test]
    fn a_query_is_decoded_and_never_fails() {
        let query = "sign=NGFj%3D&a+b=1%2B1&flag&a=1&a=2&bad=%E6%zz&=x";
        let expected = json!({"sign":"NGFj=","a b":"1+1","flag":"","a":["1","2"],"bad":"\u{fffd}%zz","":"x"});
        assert_eq!(query_value(query), expected);
        assert_eq!(query_value(""), json!({}));
        assert_eq!(query_value(&"a=1&".repeat(10_000))["a"].as_array().unwrap().len(), 200);
    }

    #[test]
    fn headers_are_known_by_their_lower_case_names() {
        let mut headers = HeaderMap::new();
        headers.insert("X-WC-Webhook-Topic", HeaderValue::from_static("order.created"));
        headers.append("X-Tag", HeaderValue::from_static("a"));
        headers.append("X-Tag", HeaderValue::from_static("b"));
        headers.insert("X-Odd", HeaderValue::from_bytes(b"\xff").unwrap());
        let expected = json!({"x-wc-webhook-topic":"order.created","x-tag":"a, b","x-odd":"\u{fffd}"});
        assert_eq!(headers_value(&headers), expected);
    }
}

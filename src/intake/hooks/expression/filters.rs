//! Which filters and tests there are: those of the template language that make no more than they are given,
//! and our own in `filters/`.

mod lists;
mod numbers;
mod texts;

use std::sync::OnceLock;

use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde_json::Value as Json;

use super::EvalError;
use super::budget::Budget;
use super::node::{Call, Node};
use super::values::Word;
use crate::intake::hooks::times;

/// Filters of the template language. What makes much of little (`indent`, `batch`, `format` …) is not among them.
const BUILT_IN: [&str; 34] = [
    "abs",
    "attr",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "e",
    "escape",
    "first",
    "float",
    "int",
    "items",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
];
/// What the template language has beside them.
const LEFT_OUT: [&str; 13] = [
    "safe", "dictsort", "join", "split", "replace", "lines", "batch", "slice", "indent", "groupby", "chain",
    "zip", "pprint",
];
/// Filters of ours, and those of the template language that we bound.
const OURS: [&str; 17] = [
    "after",
    "before",
    "between",
    "cents",
    "digits",
    "join",
    "matches",
    "metres",
    "moment",
    "named",
    "parse_json",
    "percent_decode",
    "replace",
    "sha256",
    "split",
    "tail",
    "text",
];
/// Tests of the template language.
const TESTS: [&str; 34] = [
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
    "upper",
    "escaped",
];
/// Longest regular expression, in bytes.
const PATTERN_BYTES_MAX: usize = 256;
/// What a compiled one may take, in bytes.
const PATTERN_SIZE_MAX: usize = 64 * 1024;

/// Whether there is such a filter.
pub(super) fn is_filter(name: &str) -> bool {
    BUILT_IN.contains(&name) || OURS.contains(&name)
}

/// Whether there is such a test.
pub(super) fn is_test(name: &str) -> bool {
    TESTS.contains(&name)
}

/// Sees what can be seen of a call without a request: names of other filters and tests, zones, regular expressions.
/// Gives the regular expression of `matches`.
pub(super) fn checked(call: &Call) -> Result<Option<regex::Regex>, String> {
    let literal = |place: usize| match call.args.get(place) {
        Some(Node::Literal(Json::String(text))) => Some(text.as_str()),
        _ => None,
    };
    let fault = match &*call.name {
        "matches" => {
            let pattern = literal(1).ok_or("matches takes a regular expression in quotes")?;
            return regex_of(pattern).map(Some);
        }
        // Filters that call a filter or test by name: it must exist, and be named in quotes.
        "map" if call.args.len() > 1 => match literal(1) {
            Some(name) if is_filter(name) && name != "matches" => None,
            _ => Some("map takes attribute=… or the name of a filter in quotes".to_owned()),
        },
        "select" | "reject" => unknown_test(call, 1),
        "selectattr" | "rejectattr" => unknown_test(call, 2),
        "tojson" if call.args.len() > 1 || !call.named.is_empty() => {
            Some("tojson takes nothing here".to_owned())
        }
        "moment" => match (literal(1), call.args.len()) {
            (None, 1) => None,
            (Some(zone), 2) if zone.parse::<times::Zone>().is_ok() => None,
            _ => Some("moment takes a time zone in quotes, such as '+08:00' or 'Asia/Shanghai'".to_owned()),
        },
        _ => None,
    };
    fault.map_or(Ok(None), Err)
}

fn unknown_test(call: &Call, place: usize) -> Option<String> {
    match call.args.get(place) {
        None => None,
        Some(Node::Literal(Json::String(name))) if is_test(name) || is_operator(name) => None,
        Some(_) => Some(format!("{} takes the name of a test in quotes", call.name)),
    }
}

fn is_operator(name: &str) -> bool {
    matches!(name, "==" | "!=" | "<" | "<=" | ">" | ">=")
}

/// A regular expression of bounded size; its matching takes time that grows with the text alone.
fn regex_of(pattern: &str) -> Result<regex::Regex, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(format!("a regular expression is at most {PATTERN_BYTES_MAX} bytes"));
    }
    regex::RegexBuilder::new(pattern)
        .size_limit(PATTERN_SIZE_MAX)
        .dfa_size_limit(PATTERN_SIZE_MAX)
        .build()
        .map_err(|_| "this is no regular expression, or one that is too large".to_owned())
}

/// Whether, or what of, a text fits a regular expression: its first group, or true where it has none.
pub(super) fn matched<'v>(pattern: &regex::Regex, subject: &Word<'v>) -> Word<'v> {
    let Some(text) = subject.as_str() else { return Word::Missing };
    match pattern.captures(text) {
        Some(found) if pattern.captures_len() > 1 => {
            found.get(1).map_or(Word::Missing, |part| Word::Text(part.as_str().to_owned()))
        }
        found => Word::Made(found.is_some().into()),
    }
}

/// What needs no value of the template language, as most calls do not: `|string`, `|int`, `|length` of plain values.
pub(super) fn at_once<'v>(call: &Call, subject: &Word<'v>) -> Option<Word<'v>> {
    if call.args.len() != 1 {
        return None;
    }
    match (&*call.name, subject) {
        ("string", Word::Json(Json::String(_)) | Word::Text(_)) => Some(subject.clone()),
        ("string", Word::Json(Json::Number(number))) if !number.is_f64() => {
            Some(Word::Text(number.to_string()))
        }
        ("int", Word::Json(Json::Number(number))) if !number.is_f64() => Some(subject.clone()),
        ("int", Word::Json(Json::String(text)))
            if (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            text.parse::<i64>().ok().map(|number| Word::Made(number.into()))
        }
        ("length" | "count", Word::Json(Json::Array(items))) => Some(Word::Made(items.len().into())),
        ("first", Word::Json(Json::Array(items))) => Some(items.first().map_or(Word::Missing, Word::Json)),
        ("last", Word::Json(Json::Array(items))) => Some(items.last().map_or(Word::Missing, Word::Json)),
        _ => None,
    }
}

/// The filters and tests, made once.
pub(super) fn environment() -> &'static Environment<'static> {
    static ENVIRONMENT: OnceLock<Environment<'static>> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| {
        let mut made = Environment::new();
        made.set_undefined_behavior(UndefinedBehavior::Chainable);
        for name in LEFT_OUT.into_iter().chain(["format"]) {
            made.remove_filter(name);
        }
        texts::add(&mut made);
        numbers::add(&mut made);
        lists::add(&mut made);
        made
    })
}

/// Why one of our filters cannot do what it is asked: words of ours, without the value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unfit(String);

/// An error of a filter of ours.
fn unfit(detail: impl Into<String>) -> Error {
    Error::from(ErrorKind::InvalidOperation).with_source(Unfit(detail.into()))
}

/// Pays from inside a filter.
fn pay(budget: &mut Budget, cost: usize) -> Result<(), Error> {
    budget.pay(cost).map_err(|error| unfit(error.0))
}

/// What is told of an error: the filter, and what kind of error it is. The language's own details show values.
pub(super) fn told(name: &str, error: &Error) -> EvalError {
    let ours = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Unfit>());
    match ours {
        Some(Unfit(detail)) => EvalError(format!("{name}: {detail}")),
        None => EvalError(format!("{name}: {}", error.kind())),
    }
}

/// The text of a text or number; nothing where there is neither.
fn text_of(value: &Value) -> Result<Option<std::borrow::Cow<'_, str>>, Error> {
    use minijinja::value::ValueKind;
    match (value.as_str(), value.kind()) {
        (Some(text), _) => Ok(Some(text.into())),
        (None, ValueKind::Undefined | ValueKind::None) => Ok(None),
        (None, ValueKind::Number | ValueKind::Bool) => Ok(Some(value.to_string().into())),
        (None, kind) => Err(unfit(format!("it takes a text, not {kind}"))),
    }
}

/// Part of a list, as Python slices it: from one place to before another, negative ones from the end, in steps.
pub(super) fn sliced<T: Clone>(items: &[T], bounds: [Option<i64>; 3]) -> Result<Vec<T>, EvalError> {
    let [from, until, stride] = bounds;
    let stride = stride.unwrap_or(1);
    if stride == 0 {
        return Err(EvalError("a slice needs a step".to_owned()));
    }
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let (lowest, highest) = if stride > 0 { (0, length) } else { (-1, length - 1) };
    let place = |bound: Option<i64>, otherwise: i64| match bound {
        None => otherwise,
        Some(bound) if bound < 0 => bound.saturating_add(length).clamp(lowest, highest),
        Some(bound) => bound.clamp(lowest, highest),
    };
    let (mut at, end) = if stride > 0 {
        (place(from, 0), place(until, length))
    } else {
        (place(from, length - 1), place(until, -1))
    };
    let mut part = Vec::new();
    while (stride > 0 && at < end) || (stride < 0 && at > end) {
        if let Some(item) = usize::try_from(at).ok().and_then(|at| items.get(at)) {
            part.push(item.clone());
        }
        at = at.saturating_add(stride);
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, LEFT_OUT, OURS, TESTS, environment, is_filter};

    #[test]
    fn what_is_allowed_is_there_and_nothing_else_is() {
        let known = |name: &str| {
            let result = environment().empty_state().apply_filter(name, &[minijinja::Value::from("x")]);
            result.is_ok_and(|_| true)
                || environment().empty_state().perform_test("filter", &[name.into()]).unwrap()
        };
        for name in BUILT_IN.into_iter().chain(OURS).filter(|name| *name != "matches") {
            assert!(known(name), "{name}");
        }
        for name in LEFT_OUT.into_iter().chain(["format", "urlencode", "nonsense"]) {
            assert_eq!(known(name), is_filter(name), "{name}");
        }
        for name in TESTS {
            assert!(environment().empty_state().perform_test("test", &[name.into()]).unwrap(), "{name}");
        }
    }
}

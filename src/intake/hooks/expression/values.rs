//! Values on their way: what stands in the request is borrowed, what is made is owned.
//! They become values of the template language only where one of its filters or operators must see them.

use std::fmt::Write;

use minijinja::value::ValueKind;
use serde_json::Value;

use super::budget::{Budget, VALUE};
use super::node::Step;
use super::{EvalError, RESULT_BYTES_MAX};

/// A value while an expression is walked.
#[derive(Clone, Debug)]
pub(super) enum Word<'v> {
    /// Not there.
    Missing,
    /// As it stands in the request, or in the expression.
    Json(&'v Value),
    /// A text that was made.
    Text(String),
    /// Anything else that was made.
    Made(minijinja::Value),
}

impl Word<'_> {
    /// Its text, if it is one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Missing => None,
            Self::Json(value) => value.as_str(),
            Self::Text(text) => Some(text),
            Self::Made(value) => value.as_str(),
        }
    }

    /// Its whole number, if it is one.
    pub(super) fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Json(value) => value.as_i64(),
            Self::Made(value) if value.is_integer() => value.as_i64(),
            Self::Missing | Self::Text(_) | Self::Made(_) => None,
        }
    }

    /// Whether there is nothing: absent or null.
    pub(super) fn is_none(&self) -> bool {
        match self {
            Self::Missing | Self::Json(Value::Null) => true,
            Self::Json(_) | Self::Text(_) => false,
            Self::Made(value) => value.is_none() || value.is_undefined(),
        }
    }

    /// Whether it counts as true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Json(Value::Null) => false,
            Self::Json(Value::Bool(truth)) => *truth,
            Self::Json(Value::Number(number)) => number.as_f64() != Some(0.0),
            Self::Json(Value::String(text)) | Self::Text(text) => !text.is_empty(),
            Self::Json(Value::Array(items)) => !items.is_empty(),
            Self::Json(Value::Object(members)) => !members.is_empty(),
            Self::Made(value) => value.is_true(),
        }
    }

    /// As a value of the template language, paid for.
    pub(super) fn value(self, budget: &mut Budget) -> Result<minijinja::Value, EvalError> {
        match self {
            Self::Missing => Ok(minijinja::Value::UNDEFINED),
            Self::Json(value) => value_of(value, budget),
            Self::Text(text) => Ok(minijinja::Value::from(text)),
            Self::Made(value) => Ok(value),
        }
    }

    /// Writes it behind a text, as the template language would show it.
    pub(super) fn write(&self, out: &mut String, budget: &mut Budget) -> Result<(), EvalError> {
        let before = out.len();
        let written = match self {
            Self::Missing => Ok(()),
            Self::Json(Value::Number(number)) if !number.is_f64() => write!(out, "{number}"),
            Self::Made(value) if value.as_str().is_none() => {
                budget.weigh(value)?;
                write!(out, "{value}")
            }
            Self::Json(value) if value.as_str().is_none() => {
                let value = value_of(value, budget)?;
                write!(out, "{value}")
            }
            Self::Json(_) | Self::Text(_) | Self::Made(_) => {
                let text = self.as_str().unwrap_or_default();
                check_length(out.len().saturating_add(text.len()))?;
                out.push_str(text);
                Ok(())
            }
        };
        written.map_err(|_| EvalError("it cannot be shown as text".to_owned()))?;
        check_length(out.len())?;
        budget.pay(out.len().saturating_sub(before))
    }
}

/// Whether a text may be this long.
pub(super) fn check_length(bytes: usize) -> Result<(), EvalError> {
    if bytes > RESULT_BYTES_MAX {
        return Err(EvalError(format!("it makes a text longer than {RESULT_BYTES_MAX} bytes")));
    }
    Ok(())
}

/// What stands at the end of these steps.
pub(super) fn walk<'v>(start: &'v Value, steps: &[Step]) -> Word<'v> {
    let mut value = start;
    for (place, step) in steps.iter().enumerate() {
        let next = match (step, value) {
            (Step::Name(name), Value::Object(members)) => members.get(&**name),
            (Step::Place(place), Value::Array(items)) => {
                place_in(*place, items.len()).and_then(|at| items.get(at))
            }
            (Step::Place(at), Value::String(text)) => {
                return letter(text, *at, steps.get(place + 1..).unwrap_or_default());
            }
            (
                Step::Name(_) | Step::Place(_),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_),
            ) => None,
        };
        match next {
            Some(next) => value = next,
            None => return Word::Missing,
        }
    }
    Word::Json(value)
}

/// The letter of a text at a place. A letter of this letter is itself.
fn letter<'v>(text: &str, at: i64, rest: &[Step]) -> Word<'v> {
    let found = place_in(at, text.chars().count()).and_then(|at| text.chars().nth(at));
    match found {
        Some(letter) if rest.iter().all(|step| matches!(step, Step::Place(0 | -1))) => {
            Word::Text(letter.into())
        }
        _ => Word::Missing,
    }
}

/// A place counted from the beginning; a negative one counts from the end.
pub(super) fn place_in(place: i64, length: usize) -> Option<usize> {
    match usize::try_from(place.unsigned_abs()) {
        Ok(back) if place < 0 => length.checked_sub(back),
        Ok(place) => Some(place),
        Err(_) => None,
    }
}

/// JSON as a value of the template language.
pub(super) fn value_of(value: &Value, budget: &mut Budget) -> Result<minijinja::Value, EvalError> {
    budget.pay(VALUE)?;
    Ok(match value {
        Value::Null => minijinja::Value::from(()),
        Value::Bool(truth) => minijinja::Value::from(*truth),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => minijinja::Value::from(number),
            (None, Some(number)) => minijinja::Value::from(number),
            (None, None) => minijinja::Value::from(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => {
            budget.pay(text.len())?;
            minijinja::Value::from(text.as_str())
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| value_of(item, budget));
            minijinja::Value::from(items.collect::<Result<Vec<_>, _>>()?)
        }
        Value::Object(members) => {
            let pair = |(name, member): (&String, &Value)| {
                budget.pay(name.len())?;
                Ok::<_, EvalError>((minijinja::Value::from(name.as_str()), value_of(member, budget)?))
            };
            members.iter().map(pair).collect::<Result<std::collections::BTreeMap<_, _>, _>>()?.into()
        }
    })
}

/// What was made, as JSON; a number beyond 64 bits as text, so that no digit is lost.
pub(super) fn json_of(value: &minijinja::Value, budget: &mut Budget) -> Result<Value, EvalError> {
    budget.weigh(value)?;
    json_in(value)
}

fn json_in(value: &minijinja::Value) -> Result<Value, EvalError> {
    if let Some(scalar) = json_of_scalar(value) {
        return Ok(scalar);
    }
    match value.kind() {
        ValueKind::Number => Ok(Value::String(value.to_string())),
        ValueKind::Seq | ValueKind::Iterable => items_of(value)?.iter().map(json_in).collect(),
        ValueKind::Map => {
            let member = |name: &minijinja::Value| {
                let member = json_in(&value.get_item(name).unwrap_or_default())?;
                Ok((name.to_string(), member))
            };
            items_of(value)?.iter().map(member).collect::<Result<_, _>>().map(Value::Object)
        }
        _ => Err(EvalError("it gives no value that can be told".to_owned())),
    }
}

/// What is in a list, or the names in a table.
pub(super) fn items_of(value: &minijinja::Value) -> Result<Vec<minijinja::Value>, EvalError> {
    let items = value.try_iter().map_err(|_| EvalError("it is no list".to_owned()))?;
    Ok(items.collect())
}

/// A value that is neither list nor table nor too large a number, as JSON.
pub(super) fn json_of_scalar(value: &minijinja::Value) -> Option<Value> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Some(Value::Null),
        ValueKind::Bool => Some(Value::Bool(value.is_true())),
        ValueKind::String => value.as_str().map(Value::from),
        ValueKind::Number if value.is_integer() => match value.as_i64() {
            Some(number) => Some(Value::from(number)),
            None => u64::try_from(value.clone()).ok().map(Value::from),
        },
        ValueKind::Number => f64::try_from(value.clone()).ok().map(Value::from),
        _ => None,
    }
}

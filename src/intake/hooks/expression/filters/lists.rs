//! Filters of lists: what the language's own would make without bound, and finding by name.

use std::fmt::Write;

use minijinja::{Environment, Error, State, Value};

use super::super::RESULT_BYTES_MAX;
use super::super::budget::{Budget, VALUE};
use super::super::{operators, values};
use super::{pay, text_of, unfit};

/// Names under which senders of key-value lists put the name.
const NAMES: [&str; 5] = ["name", "key", "code", "attr", "id"];

/// Adds the filters.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("join", join);
    environment.add_filter("split", split);
    environment.add_filter("named", named);
    environment.add_filter("parse_json", parse_json);
    environment.add_test("in", |state: &mut State, value: &Value, container: &Value| {
        operators::contains(container.clone(), value, Budget::of(state)).map_err(|error| unfit(error.0))
    });
}

fn join(state: &mut State, value: &Value, between: Option<&Value>) -> Result<Value, Error> {
    let between = between.map(text_of).transpose()?.flatten().unwrap_or_default();
    let mut text = String::new();
    for (place, item) in value.try_iter().map_err(|_| unfit("it takes a list"))?.enumerate() {
        if place > 0 {
            text.push_str(&between);
        }
        if let Some(item) = item.as_str() {
            text.push_str(item);
        } else {
            Budget::of(state).weigh(&item).map_err(|error| unfit(error.0))?;
            write!(text, "{item}").map_err(|_| unfit("it takes what can be shown"))?;
        }
        if text.len() > RESULT_BYTES_MAX {
            return Err(unfit(format!("it makes a text longer than {RESULT_BYTES_MAX} bytes")));
        }
    }
    Ok(Value::from(text))
}

fn split(state: &mut State, value: &Value, at: Option<&Value>, most: Option<i64>) -> Result<Value, Error> {
    let Some(text) = text_of(value)? else { return Ok(Value::from(Vec::<Value>::new())) };
    let at = at.map(text_of).transpose()?.flatten();
    // Each part is a value, and there may be one for each letter.
    let parts = match &at {
        Some(at) => text.matches(&**at).count() + 1,
        None => text.split_whitespace().count(),
    };
    pay(Budget::of(state), parts.saturating_mul(VALUE))?;
    minijinja::filters::split(&Value::from(&*text), at.map(|at| (&*at).into()), most)
}

/// Of a list such as `[{"name": "floor", "value": 3}]` the value of a name; of a table its member.
fn named(list: &Value, name: &Value) -> Result<Value, Error> {
    use minijinja::value::ValueKind;
    match list.kind() {
        ValueKind::Undefined | ValueKind::None => return Ok(Value::UNDEFINED),
        ValueKind::Map => return list.get_item(name),
        _ => {}
    }
    for entry in list.try_iter().map_err(|_| unfit("it takes a list"))? {
        let is_it = |member: &str| entry.get_attr(member).is_ok_and(|found| found == *name);
        if NAMES.iter().any(|member| is_it(member)) {
            let value = entry.get_attr("value")?;
            return if value.is_undefined() { entry.get_attr("values") } else { Ok(value) };
        }
    }
    Ok(Value::UNDEFINED)
}

fn parse_json(state: &mut State, value: &Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else { return Ok(value.clone()) };
    let budget = Budget::of(state);
    pay(budget, text.len())?;
    let parsed: serde_json::Value = serde_json::from_str(text).map_err(|_| unfit("it takes JSON"))?;
    values::value_of(&parsed, budget).map_err(|error| unfit(error.0))
}

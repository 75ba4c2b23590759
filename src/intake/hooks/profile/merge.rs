//! The texts of profiles: a hook's own one over its preset, and TOML as the JSON it means.
//! Objects are merged deeply, everything else is replaced, and `null` takes away.

use serde_json::{Map, Number, Value};

use crate::intake::hooks::ProfileError;

/// Deepest nesting that is merged; a profile has six.
const DEPTH_MAX: usize = 24;

/// A hook's own profile over that of its preset.
pub(super) fn merged(preset: Option<&Value>, own: &Value) -> Value {
    let mut whole = preset.cloned().unwrap_or_else(|| Value::Object(Map::new()));
    lay_over(&mut whole, own, DEPTH_MAX);
    whole
}

fn lay_over(under: &mut Value, over: &Value, depth: usize) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) if depth > 0 => {
            for (name, value) in over {
                if value.is_null() {
                    under.remove(name);
                    continue;
                }
                // An object that is new is laid over nothing, so that its nulls are taken away as well.
                let place = under.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                lay_over(place, value, depth - 1);
            }
        }
        (under, over) if over.is_object() && depth > 0 => {
            *under = Value::Object(Map::new());
            lay_over(under, over, depth);
        }
        (under, over) => over.clone_into(under),
    }
}

/// TOML as JSON.
///
/// # Errors
/// `bad_toml`, with line and column.
pub(super) fn of_toml(text: &str) -> Result<Value, ProfileError> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let begin = error.span().map_or(0, |span| span.start);
        let before = text.get(..begin).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        let detail = format!("line {line}, column {column}: {}", error.message());
        ProfileError { error: "bad_toml", pointer: String::new(), detail }
    })?;
    Ok(json(toml::Value::Table(table)))
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        // Neither infinity nor what is no number means anything here.
        toml::Value::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(list) => Value::Array(list.into_iter().map(json).collect()),
        toml::Value::Table(table) => {
            Value::Object(table.into_iter().map(|(name, value)| (name, json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{merged, of_toml};

    #[test]
    fn objects_are_merged_and_everything_else_is_replaced() {
        let preset = json!({"a": {"b": 1, "c": [1, 2], "d": {"e": 1}}, "f": "x", "g": 1});
        let own =
            json!({"a": {"c": [3], "d": {"h": 2}, "b": null}, "f": {"i": null, "j": 1}, "k": {"l": null}});
        let whole = json!({"a": {"c": [3], "d": {"e": 1, "h": 2}}, "f": {"j": 1}, "g": 1, "k": {}});
        assert_eq!(merged(Some(&preset), &own), whole);
        assert_eq!(merged(None, &own), json!({"a": {"c": [3], "d": {"h": 2}}, "f": {"j": 1}, "k": {}}));
        assert_eq!(merged(Some(&preset), &json!({})), preset);
        assert_eq!(merged(Some(&preset), &json!("x")), json!("x"));
    }

    #[test]
    fn nesting_without_end_is_no_end_of_the_stack() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!({ "a": deep });
        }
        assert_eq!(merged(Some(&deep), &deep), deep);
    }

    #[test]
    fn toml_is_what_it_means_in_json() {
        let text = "title = '达达'\nn = 5\nf = 1.5\nok = true\nday = 2026-03-01\nlist = [1, 'a']\n[kinds]\n20 = 'x'\n";
        let value = of_toml(text).unwrap();
        assert_eq!(
            value,
            json!({"title": "达达", "n": 5, "f": 1.5, "ok": true, "day": "2026-03-01", "list": [1, "a"], "kinds": {"20": "x"}})
        );
        assert_eq!(of_toml("f = inf").unwrap(), json!({ "f": Value::Null }));
    }

    #[test]
    fn what_is_no_toml_says_where() {
        let error = of_toml("a = 1\n\"达\" = = 2\n").unwrap_err();
        assert_eq!((error.error, error.pointer.as_str()), ("bad_toml", ""));
        assert!(error.detail.starts_with("line 2, column 7: "), "{}", error.detail);
        let twice = of_toml("a = 1\nb = 2\na = 3\n").unwrap_err();
        assert!(twice.detail.starts_with("line 3, column 1: "), "{}", twice.detail);
    }
}

//! Schemas in words: what a member may be, and the members of a component as rows of a table.
//! Every component is shown once, and everything else links to it.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

/// HTML that is safe to show as it is.
#[derive(Clone, Debug)]
pub(super) struct Html(String);

/// A member, or a parameter.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) required: bool,
    kind: Html,
    about: Html,
}

/// A component of the document.
#[derive(Serialize)]
pub(super) struct Component {
    name: String,
    about: Html,
    kind: Html,
    rows: Vec<Row>,
}

impl Html {
    pub(super) fn safe(html: String) -> Self {
        Self(html)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for Html {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        minijinja::Value::from_safe_string(self.0.clone()).serialize(serializer)
    }
}

impl From<Html> for minijinja::Value {
    fn from(html: Html) -> Self {
        Self::from_safe_string(html.0)
    }
}

impl Component {
    /// Every component that stands for itself: not the envelopes, which are all alike.
    pub(super) fn all(document: &Value) -> Vec<Self> {
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        let shown = schemas.filter(|(name, _)| !name.starts_with("Envelope_"));
        let components = shown.map(|(name, schema)| {
            let rows = Row::of_schema(document, schema);
            let kind = if rows.is_empty() { type_of(schema) } else { Html(String::new()) };
            Self { name: name.clone(), about: paragraphs(&schema["description"]), kind, rows }
        });
        components.collect()
    }
}

impl Row {
    /// The members of a schema, with those of what it is put together from.
    pub(super) fn of_schema(document: &Value, schema: &Value) -> Vec<Self> {
        let path = schema["$ref"].as_str().map(|path| path.trim_start_matches('#'));
        let schema = path.and_then(|path| document.pointer(path)).unwrap_or(schema);
        let required = schema["required"].as_array();
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let own = schema["properties"].as_object().into_iter().flatten().map(|(name, member)| Self {
            name: name.clone(),
            required: is_required(name),
            kind: type_of(member),
            about: inline(member["description"].as_str().unwrap_or_default()),
        });
        let mut rows: Vec<Self> = own.collect();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            rows.extend(Self::of_schema(document, part));
        }
        rows
    }

    pub(super) fn of_parameter(parameter: &Value) -> Self {
        Self {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
            kind: Html(format!(
                "{} ({})",
                type_of(&parameter["schema"]).0,
                parameter["in"].as_str().unwrap_or_default()
            )),
            about: inline(parameter["description"].as_str().unwrap_or_default()),
        }
    }
}

/// What a value may be, in words.
pub(super) fn type_of(schema: &Value) -> Html {
    if let Some(path) = schema["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap_or_default();
        return Html(format!("<a href=\"#schema-{name}\">{name}</a>"));
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("<code>{}</code>", escape(word)))
            .collect();
        return Html(words.join(" "));
    }
    for of in ["anyOf", "oneOf", "allOf"] {
        // Where there are members, the alternatives only say which must be there.
        if let Some(parts) = schema[of].as_array().filter(|_| schema.get("properties").is_none()) {
            let parts: Vec<String> =
                parts.iter().map(type_of).map(|part| part.0).filter(|part| part != "null").collect();
            return Html(parts.join(" or "));
        }
    }
    let mut text = match plain_type(schema) {
        "string" => string_type(schema),
        "integer" => "whole number".to_owned(),
        "number" => "number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => format!("list of {}", type_of(&schema["items"]).0),
        "object" => object_type(schema),
        "null" => "null".to_owned(),
        _ => {
            schema.get("const").map_or_else(|| "any JSON".to_owned(), |value| format!("<code>{value}</code>"))
        }
    };
    bounds(schema, &mut text);
    Html(text)
}

/// The type, less `null`.
fn plain_type(schema: &Value) -> &str {
    let listed = schema["type"].as_array();
    let first = listed.and_then(|types| types.iter().filter_map(Value::as_str).find(|kind| *kind != "null"));
    first.or_else(|| schema["type"].as_str()).unwrap_or_default()
}

fn string_type(schema: &Value) -> String {
    match schema["format"].as_str() {
        Some("date-time") => "RFC 3339".to_owned(),
        Some(format) => format!("text ({format})"),
        None => "text".to_owned(),
    }
}

fn object_type(schema: &Value) -> String {
    if let Some(members) = schema["properties"].as_object() {
        let members: Vec<String> = members
            .iter()
            .map(|(name, member)| format!("<code>{}</code> {}", escape(name), type_of(member).0))
            .collect();
        return format!("object: {}", members.join("; "));
    }
    match schema.get("additionalProperties").filter(|more| more.is_object()) {
        Some(more) => format!("object of {}", type_of(more).0),
        None => "object".to_owned(),
    }
}

fn bounds(schema: &Value, text: &mut String) {
    let number = |name: &str| schema[name].as_i64();
    let told = match (number("minimum"), number("maximum")) {
        (Some(least), Some(most)) if most < i64::from(u32::MAX) && least == most => format!(" {least}"),
        (Some(least), Some(most)) if most < 10_i64.pow(15) => format!(" {least}–{most}"),
        (Some(least), _) if least > i64::MIN => format!(" ≥ {least}"),
        _ => String::new(),
    };
    text.push_str(&told);
    for (name, unit) in [("maxLength", " characters"), ("maxItems", ""), ("maxProperties", "")] {
        if let Some(most) = number(name) {
            let _never_fails = write!(text, ", at most {most}{unit}").is_err();
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One line of text with `code` in it.
pub(super) fn inline(text: &str) -> Html {
    let parts = escape(text);
    let parts = parts.split('`').enumerate();
    Html(
        parts
            .map(
                |(place, part)| if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() },
            )
            .collect(),
    )
}

/// Several paragraphs.
pub(super) fn paragraphs(text: &Value) -> Html {
    let text = text.as_str().unwrap_or_default();
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    let parts: Vec<String> = parts.map(|part| inline(part.trim()).0).collect();
    if parts.is_empty() { Html(String::new()) } else { Html(format!("<p>{}</p>", parts.join("</p><p>"))) }
}

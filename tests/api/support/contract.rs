//! Holds every JSON answer of every test to the OpenAPI document, every body that was taken, and every callback.
//! An answer that is not described, or that holds a member nobody has described, fails the test that got it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jsonschema::{Registry, Validator};
use orderbell::http::contract;
use orderbell::intake::is_binary;
use serde_json::{Value, json};

/// Where the document is for its own references.
const HOME: &str = "urn:orderbell:openapi";

/// An operation of the document.
pub(crate) struct Operation {
    /// Where it stands in the document, a JSON pointer.
    pointer: String,
    described: &'static Value,
}

/// The document, with no room for members that it does not name.
fn strict() -> &'static Value {
    static STRICT: OnceLock<Value> = OnceLock::new();
    STRICT.get_or_init(|| {
        let mut document = contract::openapi().clone();
        let whole = document.clone();
        let schemas = document["components"]["schemas"].as_object_mut().unwrap();
        for (name, schema) in schemas {
            if !name.ends_with("Body") {
                close_members(schema, &whole);
            }
        }
        document
    })
}

/// Closes whatever stands in a property or a list; what is free on purpose has no properties and stays free.
fn close_members(schema: &mut Value, document: &Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(|property| close(property, document));
    }
    if let Some(items) = members.get_mut("items") {
        close(items, document);
    }
    if let Some(more) = members.get_mut("additionalProperties") {
        close(more, document);
    }
    for word in ["allOf", "oneOf", "anyOf"] {
        if let Some(Value::Array(parts)) = members.get_mut(word) {
            for part in parts {
                close_members(part, document);
            }
        }
    }
}

fn close(schema: &mut Value, document: &Value) {
    close_members(schema, document);
    if has_members(schema, document) {
        schema["unevaluatedProperties"] = json!(false);
    }
}

fn has_members(schema: &Value, document: &Value) -> bool {
    if let Some(path) = schema["$ref"].as_str() {
        return has_members(document.pointer(path.trim_start_matches('#')).unwrap(), document);
    }
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    schema.get("properties").is_some() || parts.into_iter().any(|part| has_members(part, document))
}

/// The operation that answers this, if the document has one.
pub(crate) fn operation(method: &str, path: &str) -> Option<Operation> {
    let paths = contract::openapi()["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (mut wanted, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(step), Some(part)) if step == part || (step.starts_with('{') && !part.is_empty()) => {}
                _ => return false,
            }
        }
    };
    // A name stands before a parameter, as in the router.
    let template =
        paths.keys().filter(|template| fits(template)).min_by_key(|path| path.matches('{').count())?;
    let method = if method == "HEAD" { "get".to_owned() } else { method.to_lowercase() };
    let described = paths[template].get(&method)?;
    let escaped = template.replace('~', "~0").replace('/', "~1");
    Some(Operation { pointer: format!("/paths/{escaped}/{method}"), described })
}

impl Operation {
    /// That the document lists this status with this media type, and that the body is as it says.
    pub(crate) fn check_answer(&self, status: u16, media: &str, body: &Value) {
        let place = &self.pointer;
        let responses = &self.described["responses"];
        // Foreign senders are answered as they want it.
        let response = responses.get(status.to_string()).or(responses.get("default"));
        let response =
            response.unwrap_or_else(|| panic!("{place} does not list the status {status}: {body}"));
        let (pointer, response) = self.followed(response, status);
        let Some(content) = response["content"].as_object() else { return };
        let essence = media.split(';').next().unwrap_or_default();
        let listed = content.contains_key(essence);
        assert!(listed || content.contains_key("*/*"), "{place} does not list {essence} with {status}");
        if listed && essence.ends_with("json") {
            let schema = format!("{pointer}/content/{}/schema", essence.replace('/', "~1"));
            assert_valid(&schema, body, place);
        }
    }

    /// That the document allows this body, which was taken with these headers.
    pub(crate) fn check_taken(&self, headers: &HeaderMap, body: &[u8]) {
        let contents = &self.described["requestBody"]["content"];
        if body.is_empty() || contents.is_null() {
            return;
        }
        let told = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_ascii_lowercase());
        let told = told.as_deref().and_then(|told| told.split(';').next()).map(str::trim);
        // Other JSON is taken as JSON.
        let media = told.filter(|media| contents.get(media).is_some()).unwrap_or("application/json");
        let schema = if is_binary(headers) && media == "application/json" {
            "/components/schemas/EventDataBody".to_owned()
        } else {
            format!("{}/requestBody/content/{}/schema", self.pointer, media.replace('/', "~1"))
        };
        match serde_json::from_slice(body) {
            Ok(body) => assert_valid(&schema, &body, &self.pointer),
            // A batch is taken apart without being parsed, so one of its events may be nested as deep as it likes.
            Err(error) => assert!(error.to_string().contains("recursion"), "{}: {error}", self.pointer),
        }
    }

    /// Where a response stands, which may be among the components.
    fn followed(&self, response: &'static Value, status: u16) -> (String, &'static Value) {
        match response["$ref"].as_str() {
            None => (format!("{}/responses/{status}", self.pointer), response),
            Some(path) => {
                let pointer = path.trim_start_matches('#').to_owned();
                let found = contract::openapi().pointer(&pointer).unwrap();
                (pointer, found)
            }
        }
    }
}

/// What of a body that we sent to a backend is not as the document says: a callback, a list of them, or a question.
pub(crate) fn faults_of_sent(body: &Value) -> Vec<String> {
    if let Some(list) = body.as_array() {
        let mut faults = faults("/components/schemas/CallbackBatch", body);
        faults.extend(list.iter().flat_map(faults_of_sent));
        return faults;
    }
    let kind = body["type"].as_str().unwrap_or_default();
    if contract::openapi()["webhooks"].get(kind).is_none() {
        return vec![format!("no such kind: {body}")];
    }
    let mut faults =
        faults(&format!("/webhooks/{kind}/post/requestBody/content/application~1json/schema"), body);
    let members: Vec<&String> = body.as_object().unwrap().keys().collect();
    if kind != "offer.accept"
        && members.iter().any(|name| !["type", "timestamp", "data"].contains(&name.as_str()))
    {
        faults.push(format!("{kind} has {members:?}"));
    }
    faults
}

#[track_caller]
fn assert_valid(schema: &str, body: &Value, place: &str) {
    let faults = faults(schema, body);
    assert!(faults.is_empty(), "{place}: {}\n{body:#}", faults.join("\n"));
}

fn faults(schema: &str, body: &Value) -> Vec<String> {
    let validator = validator(schema);
    validator
        .iter_errors(body)
        .map(|error| format!("{} at {} of {body}", error, error.instance_path()))
        .collect()
}

/// The validator of a schema in the document, made once.
fn validator(pointer: &str) -> Arc<Validator> {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    static REGISTRY: OnceLock<Registry<'static>> = OnceLock::new();
    let mut validators =
        VALIDATORS.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = validators.get(pointer) {
        return Arc::clone(made);
    }
    let registry = REGISTRY.get_or_init(|| Registry::new().add(HOME, strict()).unwrap().prepare().unwrap());
    let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
    let schema = json!({"$ref": format!("{HOME}#{fragment}")});
    let options = jsonschema::options().with_registry(registry).should_validate_formats(true);
    let made = Arc::new(options.build(&schema).unwrap_or_else(|error| panic!("{pointer}: {error}")));
    validators.insert(pointer.to_owned(), Arc::clone(&made));
    made
}

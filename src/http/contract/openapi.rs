//! The OpenAPI document, from the descriptions that stand with the handlers.
//! What every route of a sort has in common is added here, once: errors, headers, the ways to sign in.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::webhooks;
use crate::domain::Kinds;
use crate::domain::app::Scope;
use crate::domain::callback::{EVERY_KIND, FAMILIES, KINDS};
use crate::http::problem::Document;
use crate::http::problem::catalogue::{self, Entry};
use crate::session::frame::ClientFrame;

/// The schemas of what the strict readers take, one component a file.
#[derive(RustEmbed)]
#[folder = "assets/contract/bodies"]
struct Bodies;

/// Most words in the name of a refusal.
const NAMED_MAX: usize = 3;

/// What stands in a schema before it is finished: examples, and that its readers are not strict.
const EXAMPLES: &str = "x-examples";
const LENIENT: &str = "x-lenient";
/// The errors of a route beside those of its sort.
const ERRORS: &str = "x-errors";

/// That a route speaks to senders in their own words: what it answers may look otherwise than what all routes say.
const FOREIGN: &str = "x-foreign";

/// Errors of every route.
const OF_ALL: [&str; 2] = ["internal", "bad_path"];
/// Of every route with an API key, or the operator's.
const OF_KEYS: [&str; 2] = ["bad_key", "unavailable"];
/// Of every route that not every key may use.
const OF_SCOPES: [&str; 1] = ["missing_scope"];
/// Of every route where a signature may come instead: it is judged first, with the body, on every route of backends.
const OF_SIGNED: [&str; 8] = [
    "bad_signature",
    "signature_expired",
    "not_together",
    "bad_id",
    "broken_body",
    "too_slow",
    "too_large",
    "unsupported_media_type",
];
/// Of every route with a rider's token.
const OF_TOKENS: [&str; 3] = ["bad_token", "token_expired", "unavailable"];
/// Of every route where foreign senders send, unless their profile says it in its own words.
const OF_FOREIGN: [&str; 11] = [
    "not_found",
    "unreadable",
    "bad_signature",
    "not_allowed",
    "broken_body",
    "too_slow",
    "too_large",
    "unsupported_media_type",
    "too_many_requests",
    "unavailable",
    "outcome_unknown",
];
/// Of every route that takes a body.
const OF_BODIES: [&str; 16] = [
    "malformed_json",
    "duplicate_member",
    "control_character",
    "number_too_large",
    "too_deep",
    "wrong_type",
    "missing_member",
    "unknown_member",
    "unknown_value",
    "out_of_range",
    "too_long",
    "too_many",
    "broken_body",
    "too_slow",
    "too_large",
    "unsupported_media_type",
];

/// No control characters but tab and line breaks.
const PLAIN_TEXT: &str = "^[^\\u0000-\\u0008\\u000B\\u000C\\u000E-\\u001F\\u007F-\\u009F]*$";

/// The document.
pub(super) fn document() -> Value {
    let described = super::super::routes().into_openapi();
    let mut document = serde_json::to_value(&described).unwrap_or_default();
    document["openapi"] = json!("3.1.0");
    document["info"] = info();
    document["tags"] = tags();
    let (bodies, examples) = bodies();
    let schemas = document["components"]["schemas"].take();
    document["components"] = components(schemas, bodies.clone());
    name_what_is_enveloped(&mut document["components"]["schemas"]);
    let mut refusals = Map::new();
    if let Some(paths) = document["paths"].as_object_mut() {
        for item in paths.values_mut().filter_map(Value::as_object_mut) {
            for (method, operation) in item {
                if method != "get" && operation.get("security").is_some() {
                    also(operation, "outcome_unknown");
                }
                or_signed(operation);
                finish(operation, &bodies, &examples, &mut refusals);
            }
        }
    }
    document["components"]["responses"] = Value::Object(refusals);
    document["webhooks"] = webhooks::webhooks();
    document
}

/// An envelope names what is in it instead of repeating it.
fn name_what_is_enveloped(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let names: Vec<String> = schemas.keys().cloned().collect();
    for name in &names {
        let Some(content) = name.strip_prefix("Envelope_").filter(|content| schemas.contains_key(*content))
        else {
            continue;
        };
        let reference = json!({"$ref": format!("#/components/schemas/{content}")});
        schemas[name]["properties"]["data"] = reference;
    }
}

fn info() -> Value {
    json!({
        "title": "Orderbell",
        "version": env!("CARGO_PKG_VERSION"),
        "summary": env!("CARGO_PKG_DESCRIPTION"),
        "description": "Events come in, alerts go to riders' sockets, and what became of them can be looked up.\n\n\
            The tenant comes from the credential alone: what belongs to another app is not found. Ids are strings (whole \
            numbers are taken and kept exactly); times go out as RFC 3339 and come in as RFC 3339, epoch seconds or \
            milliseconds; money is in cents. In a request `null` \
            means absent (but for a rider's `sound_profile`, where it takes the app's), unknown members are refused, and a whole number is written without a fraction (`819.0` is none). In an \
            answer ignore the members you do not know, and treat a word you do not know as one that came later.\n\n\
            Beside the answers listed, a connection that is no good HTTP/1.1, too slow, or one too many is refused before it \
            reaches a route. The rider's socket is described in the AsyncAPI document.",
        "license": {"name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE")},
    })
}

fn tags() -> Value {
    json!([
        {"name": "Events", "description": "What happened, and what is to be said."},
        {"name": "Alerts", "description": "What became of it; taking back; deciding offers."},
        {"name": "Riders", "description": "Who is told."},
        {"name": "Groups", "description": "Stations, zones, channels of riders."},
        {"name": "Phrases", "description": "What is said, and how it sounds."},
        {"name": "Settings", "description": "What your app sets for itself."},
        {"name": "Schedules", "description": "Events that come again and again."},
        {"name": "Reports", "description": "Who missed what and why, and how many were heard in time."},
        {"name": "Notices", "description": "What the desk must hear of."},
        {"name": "Callbacks", "description": "What your backend is told, and where. What is sent is described under `webhooks`."},
        {"name": "Hooks", "description": "What turns the webhooks of other backends into events, and the addresses where these send them."},
        {"name": "Keys", "description": "Who may ask, and the secrets of your app. A secret is in the answer that makes it and nowhere else."},
        {"name": "Apps", "description": "The apps of this server, which its operator makes and bounds; and your own."},
        {"name": "Rider", "description": "What a rider's client uses."},
        {"name": "Audio", "description": "Clips."},
        {"name": "Service", "description": "Health and descriptions."},
    ])
}

fn components(schemas: Value, bodies: Map<String, Value>) -> Value {
    let mut all = bodies;
    if let Value::Object(derived) = schemas {
        all.extend(derived);
    }
    webhooks::add_components(&mut all);
    let mut frames = Vec::new();
    ClientFrame::schemas(&mut frames);
    all.extend(
        frames.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default())),
    );
    all.insert(Document::name().into_owned(), serde_json::to_value(Document::schema()).unwrap_or_default());
    json!({
        "schemas": all,
        "headers": {
            "RequestId": {"description": "The id of this request, here and in our log: yours, if it was a good one.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"}},
            "TraceParent": {"description": "W3C trace context: the trace of the request, and our span in it.",
                "schema": {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"}},
            "Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}},
            "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
        },
        "parameters": {
            "RequestId": {"name": "X-Request-Id", "in": "header", "required": false,
                "description": "An id of your own for this request: 1 to 128 of A-Z a-z 0-9 . _ -; another one is ignored.",
                "schema": {"type": "string"}},
            "TraceParent": {"name": "traceparent", "in": "header", "required": false,
                "description": "W3C trace context, version 00: its trace goes on through the alert to its receipts and to the \
                    calls we make. What is not valid is ignored.",
                "schema": {"type": "string"}},
        },
        "securitySchemes": security_schemes(),
    })
}

/// The components of the bodies, and the examples of each.
fn bodies() -> (Map<String, Value>, BTreeMap<String, Value>) {
    let (mut schemas, mut examples) = (Map::new(), BTreeMap::new());
    for file in Bodies::iter() {
        let Some(name) = file.strip_suffix(".json") else { continue };
        let Some(text) = Bodies::get(&file) else { continue };
        let mut schema: Value = serde_json::from_slice(&text.data).unwrap_or_default();
        let members = schema.as_object_mut();
        let lenient = members.and_then(|members| {
            if let Some(given) = members.remove(EXAMPLES) {
                examples.insert(name.to_owned(), given);
            }
            members.remove(LENIENT)
        });
        if lenient.is_none() {
            as_the_readers_take_it(&mut schema);
        }
        schemas.insert(name.to_owned(), schema);
    }
    let kinds = Kinds::embedded().map(|kinds| kinds.iter().map(|kind| kind.name.clone()).collect::<Vec<_>>());
    schemas["KindName"]["enum"] = json!(kinds.unwrap_or_default());
    let words: Vec<&str> = [EVERY_KIND].into_iter().chain(FAMILIES).chain(KINDS).collect();
    schemas["CallbackKindName"]["enum"] = json!(words);
    let mut kinds = json!(KINDS);
    if let Some(kinds) = kinds.as_array_mut() {
        // A member that may be left out may be null.
        kinds.push(Value::Null);
    }
    schemas["RedeliverBody"]["properties"]["kind"]["enum"] = kinds;
    (schemas, examples)
}

/// What holds for every strict reader: `null` is absent, and no text has control characters.
fn as_the_readers_take_it(schema: &mut Value) {
    if schema["type"] == "string"
        && ["pattern", "enum", "format"].iter().all(|word| schema.get(word).is_none())
    {
        schema["pattern"] = json!(PLAIN_TEXT);
    }
    let Some(members) = schema.as_object_mut() else { return };
    let required = members.get("required").cloned().unwrap_or(Value::Null);
    let is_required = |name: &str| required.as_array().is_some_and(|all| all.iter().any(|one| one == name));
    // The parts of an `anyOf` that only say what must be there do not say this.
    let whole = members.contains_key("additionalProperties");
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        for (name, property) in properties {
            as_the_readers_take_it(property);
            if whole && !is_required(name) {
                or_null(property);
            }
        }
    }
    for word in ["anyOf", "items"] {
        match members.get_mut(word) {
            Some(Value::Array(parts)) => parts.iter_mut().for_each(as_the_readers_take_it),
            Some(part) => as_the_readers_take_it(part),
            None => {}
        }
    }
}

fn or_null(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if let Some(Value::Array(words)) = members.get_mut("enum") {
        words.push(Value::Null);
    }
    if let Some(kind) = members.get("type").filter(|kind| kind.is_string()).cloned() {
        members.insert("type".to_owned(), json!([kind, "null"]));
        return;
    }
    if let Some(reference) = members.remove("$ref") {
        members.insert("anyOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
        return;
    }
    if let Some(Value::Array(parts)) = members.get_mut("anyOf") {
        parts.push(json!({"type": "null"}));
    }
}

fn finish(
    operation: &mut Value,
    bodies: &Map<String, Value>,
    examples: &BTreeMap<String, Value>,
    refusals: &mut Map<String, Value>,
) {
    if let Some(text) = operation["description"].as_str() {
        // What follows is for readers of the source; here the errors are listed one by one.
        operation["description"] = json!(text.split("# Errors").next().unwrap_or_default().trim());
    }
    let errors = errors(operation);
    let foreign = operation.as_object_mut().and_then(|members| {
        members.remove(ERRORS);
        members.remove(FOREIGN)
    });
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.values_mut().for_each(|response| head(response, None));
    }
    for (status, entries) in errors {
        let told = refusal(status, &entries);
        let told = if foreign.is_some() { told } else { shared(told, status, &entries, refusals) };
        operation["responses"][status.to_string()] = told;
    }
    if foreign.is_some() {
        as_the_sender_wants_it(&mut operation["responses"]);
    }
    if let Value::Array(parameters) = &mut operation["parameters"] {
        parameters.extend(common_parameters());
    } else {
        operation["parameters"] = Value::from(common_parameters());
    }
    if let Some(body) = operation.get_mut("requestBody") {
        give_examples(body, examples);
        // Where nothing must be there, there need be no body.
        let name = body["content"]["application/json"]["schema"]["$ref"].as_str();
        let schema = name.and_then(|name| bodies.get(name.rsplit('/').next()?));
        body["required"] = json!(
            schema.is_some_and(|schema| ["required", "anyOf"].iter().any(|word| schema.get(word).is_some()))
        );
    }
}

fn common_parameters() -> Vec<Value> {
    let reference = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
    vec![reference("RequestId"), reference("TraceParent")]
}

/// One more error of this operation.
fn also(operation: &mut Value, error: &str) {
    match &mut operation[ERRORS] {
        Value::Array(errors) => errors.push(json!(error)),
        none => *none = json!([error]),
    }
}

/// The other way in for backends.
fn or_signed(operation: &mut Value) {
    // Not by index: that would make the member where there is none.
    let Some(Value::Array(ways)) = operation.get_mut("security") else { return };
    let scopes: Vec<Value> = ways.iter().filter_map(|way| way.get("apiKey")).cloned().collect();
    ways.extend(scopes.into_iter().map(|scopes| json!({"webhookSignature": scopes})));
}

fn security_schemes() -> Value {
    let scopes = Scope::ALL.map(|scope| format!("`{}`", scope.as_str())).join(", ");
    json!({
        "apiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "API key",
            "description": format!("A backend's key. What it may do is in its scopes: {scopes}; `admin` includes the others \
                of its app. A key for tests changes nothing that real riders hear.")},
        "operatorKey": {"type": "http", "scheme": "bearer", "bearerFormat": "Operator's credential",
            "description": "The credential in the server's configuration (`secrets.operator_key`). No key of an app is one."},
        "riderToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A rider's token, from `POST /v1/riders/{id}/token` or signed by your backend (HS256)."},
        "callbackSignature": webhooks::signature_scheme(),
        "webhookSignature": {"type": "apiKey", "in": "header", "name": "webhook-signature",
            "description": "In place of the key: a Standard Webhooks signature, `v1,` and the base64 of the HMAC-SHA256 over \
                `webhook-id.webhook-timestamp.body` with a live signing secret. With it come the headers `Orderbell-Key-Id` \
                (the key whose scopes count), `webhook-id` and `webhook-timestamp` (Unix seconds)."},
    })
}

/// The errors of an operation by status.
fn errors(operation: &Value) -> BTreeMap<u16, Vec<&'static Entry>> {
    let own = operation[ERRORS].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut words: Vec<&str> = own.collect();
    let way = |scheme: &str| {
        let mut ways = operation["security"].as_array().into_iter().flatten();
        ways.find_map(|way| way.get(scheme))
    };
    words.extend(OF_ALL);
    if operation.get(FOREIGN).is_some() {
        words.extend(OF_FOREIGN);
    }
    let (key, operator) = (way("apiKey"), way("operatorKey"));
    if key.or(operator).is_some() {
        words.extend(OF_KEYS);
        words.extend(OF_SIGNED);
    }
    if operator.is_some() || key.is_some_and(|scopes| scopes != &json!([])) {
        words.extend(OF_SCOPES);
    }
    if way("riderToken").is_some() {
        words.extend(OF_TOKENS);
    }
    if operation.get("requestBody").is_some() {
        words.extend(OF_BODIES);
    }
    let has_path = operation["parameters"].as_array().into_iter().flatten().any(|one| one["in"] == "path");
    words.retain(|word| *word != "bad_path" || has_path);
    let mut by_status: BTreeMap<u16, Vec<&'static Entry>> = BTreeMap::new();
    for entry in words.into_iter().filter_map(catalogue::entry) {
        let entries = by_status.entry(entry.status).or_default();
        if !entries.iter().any(|known| known.error == entry.error) {
            entries.push(entry);
        }
    }
    by_status
}

/// A refusal with these words.
fn refusal(status: u16, entries: &[&'static Entry]) -> Value {
    let words: Vec<&str> = entries.iter().map(|entry| entry.error).collect();
    let told: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    let mut response = json!({
        "description": format!("{}: {}", title(status), told.join(", ")),
        "content": {"application/problem+json": {"schema": {
            "allOf": [{"$ref": "#/components/schemas/Problem"}],
            "properties": {"error": {"enum": words}, "status": {"const": status}, "code": {"const": status}},
        }}},
    });
    head(&mut response, Some(status));
    response
}

/// The shorter lists are shared by many routes and have a name.
fn shared(response: Value, status: u16, entries: &[&'static Entry], named: &mut Map<String, Value>) -> Value {
    if entries.len() > NAMED_MAX {
        return response;
    }
    let words: Vec<&str> = entries.iter().map(|entry| entry.error).collect();
    let name = format!("{status}.{}", words.join("."));
    let reference = json!({"$ref": format!("#/components/responses/{name}")});
    named.insert(name, response);
    reference
}

/// Any status may come, each in any form: a profile decides it.
fn as_the_sender_wants_it(responses: &mut Value) {
    let Some(responses) = responses.as_object_mut() else { return };
    for response in responses.values_mut().filter(|response| response.get("content").is_some()) {
        response["content"]["*/*"] = json!({});
    }
    let told = json!({"description": "As the sender wants it", "content": {"*/*": {}}});
    responses.insert("default".to_owned(), told);
}

/// The status in words.
fn title(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error")
}

fn head(response: &mut Value, status: Option<u16>) {
    let reference = |name: &str| json!({"$ref": format!("#/components/headers/{name}")});
    response["headers"]["X-Request-Id"] = reference("RequestId");
    response["headers"]["traceparent"] = reference("TraceParent");
    if status == Some(401) {
        response["headers"]["WWW-Authenticate"] = reference("Authenticate");
    }
    if matches!(status, Some(429 | 503)) {
        response["headers"]["Retry-After"] = reference("RetryAfter");
    }
}

fn give_examples(body: &mut Value, examples: &BTreeMap<String, Value>) {
    let Some(content) = body["content"].as_object_mut() else { return };
    for media in content.values_mut() {
        let name = media["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        if let Some(given) = name.and_then(|name| examples.get(name)) {
            media["examples"] = given.clone();
        }
    }
}

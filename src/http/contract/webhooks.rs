//! What we send to backends, as OpenAPI `webhooks`: every kind of callback, the list that a target with `batch_max` gets, and the
//! question about an accept. Schemas and examples are data, a file for each family.

use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};

/// The schema of a family, and of each of its kinds what it says and an example.
#[derive(RustEmbed)]
#[folder = "assets/contract/callbacks"]
struct Families;

/// A family of callbacks, whose file has the name of its component.
struct Family {
    component: String,
    schema: Value,
    kinds: Map<String, Value>,
}

/// The question is no callback: it is asked once for an answer, and is never in a list.
const QUESTION: &str = "AcceptQuestion";
/// Any callback.
const ANY: &str = "AnyCallback";
/// Callbacks in a list.
const LIST: &str = "CallbackBatch";
const TAG: &str = "Callbacks";

/// Adds the schemas of what is sent.
pub(super) fn add_components(schemas: &mut Map<String, Value>) {
    let families = families();
    let callbacks = families.iter().filter(|family| family.component != QUESTION);
    let any: Vec<Value> = callbacks.map(|family| reference(&family.component)).collect();
    schemas.insert(ANY.to_owned(), json!({"description": "A callback, by its `type`.", "anyOf": any}));
    let list = json!({"description": "Callbacks in the order in which they happened.", "type": "array",
        "items": reference(ANY), "minItems": 1, "maxItems": 100});
    schemas.insert(LIST.to_owned(), list);
    schemas.extend(families.into_iter().map(|family| (family.component, family.schema)));
}

/// The requests that we make, by their kind.
pub(super) fn webhooks() -> Value {
    let families = families();
    let mut all = Map::new();
    let mut list = Vec::new();
    for family in &families {
        for (kind, told) in &family.kinds {
            if list.len() < 2 && family.component != QUESTION {
                list.push(told["example"].clone());
            }
            all.insert(kind.clone(), json!({"post": request(family, kind, told)}));
        }
    }
    let schema = reference(LIST);
    let about = "What a target with `batch_max` above 1 gets, even for a single callback. `webhook-id` is the list's; each \
        item has its own `callback_id`.";
    let post = described("callbacks", "Several callbacks in one request", about, &schema, &json!(list));
    all.insert("callbacks".to_owned(), json!({"post": post}));
    Value::Object(all)
}

/// What says who has signed a callback.
pub(super) fn signature_scheme() -> Value {
    json!({"type": "apiKey", "in": "header", "name": "webhook-signature",
        "description": "What we send to you is signed as Standard Webhooks has it, with your app's callback secret: `v1,` and the \
            base64 of the HMAC-SHA256 over `webhook-id.webhook-timestamp.body`. While two secrets live there are two, with a \
            space between them."})
}

fn families() -> Vec<Family> {
    let files = Families::iter().filter_map(|file| {
        let component = file.strip_suffix(".json")?.to_owned();
        let mut content: Value = serde_json::from_slice(&Families::get(&file)?.data).unwrap_or_default();
        let kinds = content["kinds"].as_object().cloned().unwrap_or_default();
        Some(Family { component, schema: content["schema"].take(), kinds })
    });
    files.collect()
}

fn request(family: &Family, kind: &str, told: &Value) -> Value {
    let summary = told["summary"].as_str().unwrap_or_default();
    let about = family.schema["description"].as_str().unwrap_or_default();
    let of_kind = json!({"type": "object", "properties": {"type": {"const": kind}}});
    let schema = json!({"allOf": [reference(&family.component), of_kind]});
    let mut post = described(kind, summary, about, &schema, &told["example"]);
    if family.component == QUESTION {
        post["responses"] = verdicts();
    }
    post
}

fn described(name: &str, summary: &str, about: &str, schema: &Value, example: &Value) -> Value {
    json!({
        "operationId": name,
        "tags": [TAG],
        "summary": format!("{summary}."),
        "description": about,
        "security": [{"callbackSignature": []}],
        "parameters": headers(),
        "requestBody": {"required": true, "content": {"application/json": {"schema": schema,
            "examples": {"example": {"summary": summary, "value": example}}}}},
        "responses": {
            "2XX": {"description": "You have it. Answer at once, and work on it afterwards: there is a deadline."},
            "410": {"description": "The target is given up: it is stopped, and so is everything that waits for it."},
            "default": {"description": "It is tried again, with 429 and 503 not before their `Retry-After`. Redirects are not followed."},
        },
    })
}

fn verdicts() -> Value {
    let verdict = json!({"type": "object", "properties": {
        "outcome": {"type": "string", "enum": ["won", "lost", "pending"]},
        "winner": {"type": "string", "description": "In place of `outcome`: who has the order."},
    }});
    json!({
        "200": {"description": "Your decision; `pending`, or nothing of this: you will settle it.",
            "content": {"application/json": {"schema": verdict}}},
        "409": {"description": "This rider has not got it."},
        "default": {"description": "Not reached: you are asked again."},
    })
}

fn headers() -> Value {
    let header = |name: &str, about: &str, schema: Value| json!({"name": name, "in": "header", "required": true, "description": about, "schema": schema});
    json!([
        header("webhook-id", "The same with every try.", json!({"type": "string"})),
        header("webhook-timestamp", "Epoch seconds of this try.", json!({"type": "string", "pattern": "^[0-9]+$"})),
        header("webhook-signature", "One signature for each live callback secret.", json!({"type": "string"})),
        {"$ref": "#/components/parameters/TraceParent"},
    ])
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{QUESTION, families};
    use crate::domain::callback::KINDS;

    #[test]
    fn every_kind_is_described_once_and_nothing_else_is() {
        let callbacks = families().into_iter().filter(|family| family.component != QUESTION);
        let described: Vec<String> =
            callbacks.flat_map(|family| family.kinds.into_iter().map(|(kind, _)| kind)).collect();
        assert_eq!(described.len(), KINDS.len());
        assert_eq!(described.into_iter().collect::<BTreeSet<_>>(), KINDS.map(str::to_owned).into());
    }

    #[test]
    fn a_schema_and_its_examples_name_the_same_kinds() {
        for family in families() {
            let kinds: BTreeSet<_> = family.kinds.keys().map(String::as_str).collect();
            let listed = &family.schema["properties"]["type"];
            let listed = listed["enum"].as_array().cloned().unwrap_or_else(|| vec![listed["const"].clone()]);
            assert_eq!(listed.iter().filter_map(|word| word.as_str()).collect::<BTreeSet<_>>(), kinds);
            for (kind, told) in &family.kinds {
                assert_eq!(&told["example"]["type"], kind.as_str());
                assert!(told["summary"].as_str().is_some_and(|summary| !summary.ends_with('.')), "{kind}");
            }
        }
    }
}

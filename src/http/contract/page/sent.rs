//! What we send to backends, for the page: each kind with its schema and an example.

use serde::Serialize;
use serde_json::Value;

use super::schema::{Html, inline, type_of};

/// A request that we make.
#[derive(Serialize)]
pub(super) struct Sent {
    kind: String,
    summary: String,
    body: Html,
    example: String,
}

impl Sent {
    /// All of them.
    pub(super) fn all(http: &Value) -> Vec<Self> {
        let webhooks = http["webhooks"].as_object().into_iter().flatten();
        let sent = webhooks.map(|(kind, item)| {
            let content = &item["post"]["requestBody"]["content"]["application/json"];
            let schema = &content["schema"];
            // Of a kind's own schema the first part is its family's.
            let body = type_of(schema["allOf"].get(0).unwrap_or(schema));
            let summary = item["post"]["summary"].as_str().unwrap_or_default().to_owned();
            let example = format!("{:#}", content["examples"]["example"]["value"]);
            Self { kind: kind.clone(), summary, body, example }
        });
        sent.collect()
    }
}

/// How it is signed, and what answers mean.
pub(super) fn about(http: &Value) -> Html {
    let scheme = &http["components"]["securitySchemes"]["callbackSignature"]["description"];
    inline(scheme.as_str().unwrap_or_default())
}

/// What each answer of a backend means.
pub(super) fn answers(http: &Value) -> Vec<(String, Html)> {
    let responses = http["webhooks"]["callbacks"]["post"]["responses"].as_object().into_iter().flatten();
    let answers = responses
        .map(|(status, answer)| (status.clone(), inline(answer["description"].as_str().unwrap_or_default())));
    answers.collect()
}

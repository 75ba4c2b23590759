//! The AsyncAPI document of the rider's socket, from the types of its frames.
//! One message for every `op`; what a frame holds is described where the frame is defined.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::delivery::{Answer, AnswerOutcome};
use crate::http::rider_socket::PROTOCOL;
use crate::session::Close;
use crate::session::frame::{ClientFrame, ServerFrame};

/// An example of every frame, by its `op`.
const CLIENT_EXAMPLES: &str = include_str!("../../../assets/contract/client_frames.json");
const SERVER_EXAMPLES: &str = include_str!("../../../assets/contract/server_frames.json");

/// The document.
pub(super) fn document() -> Value {
    let mut messages = Map::new();
    let client = add_messages(&mut messages, "client", &ClientFrame::schema(), CLIENT_EXAMPLES);
    let server = add_messages(&mut messages, "server", &ServerFrame::schema(), SERVER_EXAMPLES);
    let here = |names: &[String], channel: &str| -> Vec<Value> {
        names.iter().map(|name| json!({"$ref": format!("{channel}/messages/{name}")})).collect()
    };
    let listed = client.iter().chain(&server);
    let of_channel: Map<String, Value> =
        listed.map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")}))).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "channels": {"riderSocket": {
            "address": "/v1/rider/socket",
            "title": "The rider's socket",
            "description": CHANNEL,
            "messages": of_channel,
            "bindings": {"ws": {"method": "GET", "headers": {"type": "object", "properties": {
                "Sec-WebSocket-Protocol": {"type": "string", "const": PROTOCOL,
                    "description": "May be left out by clients that cannot name one."},
            }}, "bindingVersion": "0.1.0"}},
            "x-close-codes": close_codes(),
        }},
        "operations": {
            "receiveFromRider": {"action": "receive", "channel": {"$ref": "#/channels/riderSocket"},
                "summary": "What a rider's client says.", "messages": here(&client, "#/channels/riderSocket")},
            "sendToRider": {"action": "send", "channel": {"$ref": "#/channels/riderSocket"},
                "summary": "What the server says.", "messages": here(&server, "#/channels/riderSocket")},
        },
        "components": {
            "messages": messages,
            "schemas": schemas(),
            "securitySchemes": {"riderToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": TOKEN}},
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Orderbell: rider protocol v1",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "JSON text frames `{\"op\": …}` on a WebSocket. Unknown members are ignored, unknown ops are not; times \
            are epoch milliseconds of the server's clock.",
        "license": {"name": env!("CARGO_PKG_LICENSE")},
    })
}

const CHANNEL: &str = "Subprotocol `orderbell.v1`. The first frame is `hello`, within 10 s; the answer is `welcome`, and then \
    everything that is open comes again. `ping` comes every `heartbeat_ms` of the welcome (20 s): answer `pong`. A socket from \
    which nothing was heard for two and a half heartbeats is closed, and a client that hears nothing for as long reconnects. \
    Alerts without `ack` are sent again. Frames are at most 16 KiB of UTF-8; five that are not of this protocol close the \
    session. `bye` tells the close code that follows: from 4000 to 4099 the client does not come back by itself, from 4100 to \
    4199 it does, with full-jitter back-off.";

const TOKEN: &str = "A rider's token: in `Authorization: Bearer`, in `hello.token`, or, for old clients, in `?token=` (may be \
    turned off). In the header or the query it is judged before the upgrade (401), in `hello` after it (`bye`).";

fn close_codes() -> Value {
    let codes = Close::ALL.iter().map(|close| {
        let (word, returns) = (close.word(), close.may_return());
        (close.code().to_string(), json!({"word": word, "comeBack": returns, "meaning": close.meaning()}))
    });
    Value::Object(codes.collect())
}

/// Adds a message for every `op` of a frame type; their names.
fn add_messages(
    messages: &mut Map<String, Value>,
    side: &str,
    frames: &RefOr<Schema>,
    examples: &str,
) -> Vec<String> {
    let frames = serde_json::to_value(frames).unwrap_or_default();
    let examples: BTreeMap<String, Value> = serde_json::from_str(examples).unwrap_or_default();
    let mut names = Vec::new();
    for variant in frames["oneOf"].as_array().into_iter().flatten() {
        let Some(op) = op_of(variant) else { continue };
        let name = format!("{side}.{op}");
        let mut message = json!({
            "name": op,
            "title": op,
            "summary": variant["description"],
            "contentType": "application/json",
            "payload": variant,
        });
        if let Some(example) = examples.get(&op) {
            message["examples"] = json!([{"payload": example}]);
        }
        messages.insert(name.clone(), message);
        names.push(name);
    }
    names
}

/// The word that a variant of a frame type stands for.
fn op_of(variant: &Value) -> Option<String> {
    let word = |part: &Value| Some(part["properties"]["op"]["enum"][0].as_str()?.to_owned());
    word(variant).or_else(|| variant["allOf"].as_array()?.iter().find_map(word))
}

fn schemas() -> Value {
    let mut schemas: Vec<(String, RefOr<Schema>)> = vec![
        (Answer::name().into_owned(), Answer::schema()),
        (AnswerOutcome::name().into_owned(), AnswerOutcome::schema()),
    ];
    ClientFrame::schemas(&mut schemas);
    ServerFrame::schemas(&mut schemas);
    let schemas =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()));
    Value::Object(schemas.collect())
}

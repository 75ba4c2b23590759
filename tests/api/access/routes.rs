//! The table: every address of backends and operators, what it needs, a body that is good there, and whose its ids are.

use orderbell::domain::app::Scope;
use serde_json::{Value, json};

/// One method of one address.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) needs: Need,
    /// What its `{id}` names.
    pub(super) thing: Thing,
    /// What becomes of another app's id.
    pub(super) foreign: Foreign,
    pub(super) body: fn() -> Value,
}

/// What a caller must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    /// This scope, or `admin`.
    Scope(Scope),
    /// Any live key.
    Key,
    /// The operator's credential, which no key is.
    Operator,
}

/// What an id in an address names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Thing {
    Nothing,
    Event,
    Alert,
    Order,
    Rider,
    Group,
    Schedule,
    Key,
    App,
}

/// What another app's id means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Foreign {
    /// 404.
    Unknown,
    /// The name is the backend's own: each app has its own of that name.
    Own,
    /// No app has anything to do with it.
    Operators,
}

impl Need {
    pub(super) fn is_met_by(self, scope: Scope) -> bool {
        match self {
            Self::Scope(needed) => scope == needed || scope == Scope::Admin,
            Self::Key => true,
            Self::Operator => false,
        }
    }
}

impl Route {
    /// Its address with this id.
    pub(super) fn at(&self, id: &str) -> String {
        self.path.replace("{id}", id).replace("{kind}", self.kind())
    }

    /// What stands for `{kind}`: a kind of events, or of secrets.
    fn kind(&self) -> &'static str {
        if self.path.contains("secrets") { "callback" } else { "order.new" }
    }
}

fn none() -> Value {
    Value::Null
}

fn empty() -> Value {
    json!({})
}

const fn route(method: &'static str, path: &'static str, scope: Scope, body: fn() -> Value) -> Route {
    Route { method, path, needs: Need::Scope(scope), thing: Thing::Nothing, foreign: Foreign::Own, body }
}

impl Route {
    const fn of(self, thing: Thing, foreign: Foreign) -> Self {
        Self { thing, foreign, ..self }
    }

    const fn needing(self, needs: Need) -> Self {
        Self { needs, ..self }
    }
}

use Foreign::{Operators, Own, Unknown};
use Scope::{Admin, Callbacks, Ingest, Read, RiderToken, Riders};

pub(super) const ROUTES: &[Route] = &[
    route("POST", "/v1/events", Ingest, || json!({"kind": "order.new", "target": {"riders": ["r1"]}})),
    route("GET", "/v1/events/{id}", Read, none).of(Thing::Event, Unknown),
    route("GET", "/v1/alerts/{id}", Read, none).of(Thing::Alert, Unknown),
    route("POST", "/v1/alerts/{id}/cancel", Ingest, none).of(Thing::Alert, Unknown),
    route("POST", "/v1/alerts/{id}/settle", Ingest, || json!({"winner": null})).of(Thing::Alert, Unknown),
    route("POST", "/v1/orders/{id}/cancel", Ingest, none).of(Thing::Order, Own),
    route("POST", "/v1/riders/query", Read, || json!({"ids": ["r1"]})),
    route("PUT", "/v1/riders/{id}", Riders, empty).of(Thing::Rider, Own),
    route("GET", "/v1/riders/{id}", Read, none).of(Thing::Rider, Unknown),
    route("DELETE", "/v1/riders/{id}", Riders, none).of(Thing::Rider, Unknown),
    route("POST", "/v1/riders/{id}/duty", Riders, || json!({"on_duty": true})).of(Thing::Rider, Own),
    route("POST", "/v1/riders/{id}/token", RiderToken, none).of(Thing::Rider, Own),
    route("POST", "/v1/riders/{id}/test", Ingest, none).of(Thing::Rider, Own),
    route("GET", "/v1/riders/{id}/checks", Read, none).of(Thing::Rider, Own),
    route("GET", "/v1/groups", Read, none),
    route("PUT", "/v1/groups/{id}", Riders, || json!({"riders": ["r2"]})).of(Thing::Group, Own),
    route("GET", "/v1/groups/{id}", Read, none).of(Thing::Group, Unknown),
    route("DELETE", "/v1/groups/{id}", Riders, none).of(Thing::Group, Unknown),
    route("POST", "/v1/groups/{id}/members", Riders, || json!({"add": ["r2"]})).of(Thing::Group, Own),
    route("GET", "/v1/templates", Read, none),
    route("PUT", "/v1/templates/{kind}", Admin, || json!({"lang": "en", "phrases": []})),
    route("GET", "/v1/settings", Read, none),
    route("PUT", "/v1/settings", Admin, empty),
    route("GET", "/v1/schedules", Read, none),
    route("DELETE", "/v1/schedules/{id}", Ingest, none).of(Thing::Schedule, Unknown),
    route("GET", "/v1/notices", Read, none),
    route("POST", "/v1/speech", Ingest, || json!({"text": "你好"})),
    route("GET", "/v1/keys", Admin, none),
    route("POST", "/v1/keys", Admin, || json!({"name": fresh_name(), "scopes": ["read"]})),
    route("DELETE", "/v1/keys/{id}", Admin, none).of(Thing::Key, Unknown),
    route("POST", "/v1/keys/{id}/rotate", Admin, none).of(Thing::Key, Unknown),
    route("POST", "/v1/keys/{id}/signing/rotate", Admin, none).of(Thing::Key, Unknown),
    route("GET", "/v1/secrets", Callbacks, none),
    route("POST", "/v1/secrets/{kind}/rotate", Callbacks, none),
    route("GET", "/v1/app", Read, none).needing(Need::Key),
    route("GET", "/v1/apps", Admin, none).needing(Need::Operator),
    route("POST", "/v1/apps", Admin, || json!({"name": fresh_name()})).needing(Need::Operator),
    route("GET", "/v1/apps/{id}", Admin, none).of(Thing::App, Operators).needing(Need::Operator),
    route("PUT", "/v1/apps/{id}/limits", Admin, empty).of(Thing::App, Operators).needing(Need::Operator),
];

/// A name that nothing has.
pub(super) fn fresh_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("n{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// What the router knows, sorted. The one place that says where the table's other half comes from.
pub(super) fn known_routes() -> Vec<(String, String)> {
    let source = include_str!("../../../src/http.rs");
    let backends = source.split_once("fn backend_routes").unwrap().1.split_once("\n}\n").unwrap().0;
    let mut routes = Vec::new();
    for line in backends.split(".route(\"").skip(1) {
        let (path, handlers) = line.split_once('"').unwrap();
        for method in ["get", "post", "put", "delete", "patch", "any"] {
            if handlers.contains(&format!(" {method}(")) || handlers.contains(&format!(".{method}(")) {
                routes.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    routes.sort();
    routes
}

//! The matrix's routes, from the OpenAPI document: every address of backends and operators with what it needs. What the
//! document cannot say stands here: a body that is good there, and whose its ids are.

use orderbell::domain::app::Scope;
use orderbell::http::contract;
use serde_json::{Value, json};

/// One method of one address.
pub(super) struct Route {
    pub(super) method: String,
    pub(super) path: &'static str,
    pub(super) needs: Need,
    /// What its `{id}` names.
    pub(super) thing: Thing,
    /// What becomes of another app's id.
    pub(super) foreign: Foreign,
    /// The status of success.
    pub(super) success: u16,
}

/// What a caller must have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Need {
    /// This scope, or `admin`.
    Scope(Scope),
    /// One of these, or `admin`.
    Either(Scope, Scope),
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
    Warming,
    CallbackTarget,
    Callback,
    Hook,
    /// A request to a hook, by the path below the hook.
    HookDelivery,
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

/// Routes whose ids are names that each app gives for itself, so that another app's is as good as new.
const OWN_NAMES: [(&str, &str); 14] = [
    ("POST", "/v1/orders/{id}/cancel"),
    ("PUT", "/v1/riders/{id}"),
    ("POST", "/v1/riders/{id}/duty"),
    ("POST", "/v1/riders/{id}/token"),
    ("POST", "/v1/riders/{id}/test"),
    ("GET", "/v1/riders/{id}/checks"),
    ("GET", "/v1/riders/{id}/deliveries"),
    ("PUT", "/v1/riders/{id}/wechat"),
    ("GET", "/v1/riders/{id}/wechat"),
    ("DELETE", "/v1/riders/{id}/wechat"),
    ("PUT", "/v1/groups/{id}"),
    ("POST", "/v1/groups/{id}/members"),
    ("PUT", "/v1/templates/{kind}"),
    ("POST", "/v1/secrets/{kind}/rotate"),
];

/// What the first ids of addresses name, by what stands before them.
const THINGS: [(&str, Thing); 13] = [
    ("/v1/hooks/{id}/deliveries/{delivery}", Thing::HookDelivery),
    ("/v1/hooks/{id}", Thing::Hook),
    ("/v1/callbacks/targets/{id}", Thing::CallbackTarget),
    ("/v1/callbacks/{id}", Thing::Callback),
    ("/v1/speech/warm/{id}", Thing::Warming),
    ("/v1/events/{id}", Thing::Event),
    ("/v1/alerts/{id}", Thing::Alert),
    ("/v1/orders/{id}", Thing::Order),
    ("/v1/riders/{id}", Thing::Rider),
    ("/v1/groups/{id}", Thing::Group),
    ("/v1/schedules/{id}", Thing::Schedule),
    ("/v1/keys/{id}", Thing::Key),
    ("/v1/apps/{id}", Thing::App),
];

impl Need {
    /// What the `security` of an operation says; `None` if it is nothing of backends.
    fn of(security: &Value) -> Option<Self> {
        let ways = security.as_array()?;
        if ways.iter().any(|way| way.get("operatorKey").is_some()) {
            assert_eq!(ways.len(), 1, "{security}");
            return Some(Self::Operator);
        }
        let with = |scheme: &str| -> Vec<&Value> { ways.iter().filter_map(|way| way.get(scheme)).collect() };
        let (keys, signed) = (with("apiKey"), with("webhookSignature"));
        if keys.is_empty() {
            return None;
        }
        assert_eq!((&signed, ways.len()), (&keys, 2 * keys.len()), "who signs may do the same");
        let scopes = keys.iter().flat_map(|scopes| scopes.as_array().unwrap());
        let scopes: Vec<Scope> = scopes.map(|scope| Scope::parse(scope.as_str().unwrap()).unwrap()).collect();
        match scopes.as_slice() {
            [] => Some(Self::Key),
            [scope] => Some(Self::Scope(*scope)),
            [one, other] if keys.len() == 2 => Some(Self::Either(*one, *other)),
            more => panic!("{more:?}"),
        }
    }

    pub(super) fn is_met_by(self, scope: Scope) -> bool {
        match self {
            Self::Scope(needed) => scope == needed || scope == Scope::Admin,
            Self::Either(one, other) => [one, other, Scope::Admin].contains(&scope),
            Self::Key => true,
            Self::Operator => false,
        }
    }
}

impl Route {
    /// Its address with this id.
    pub(super) fn at(&self, id: &str) -> String {
        let path = self.path.replace("{id}/deliveries/{delivery}", id).replace("{id}", id);
        path.replace("{kind}", self.kind()).replace("{name}", "dada")
    }

    /// What stands for `{kind}`: a kind of events, or of secrets.
    fn kind(&self) -> &'static str {
        if self.path.contains("secrets") { "callback" } else { "order.new" }
    }

    /// A body that is good there; `null` where there need be none.
    pub(super) fn body(&self) -> Value {
        let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
        match (self.method.as_str(), self.path) {
            ("POST", "/v1/events" | "/v1/events/validate") => event,
            ("POST", "/v1/events/batch") => json!([event]),
            ("POST", "/v1/alerts/{id}/settle") => json!({"winner": null}),
            ("POST", "/v1/riders/query") => json!({"ids": ["r1"]}),
            ("POST", "/v1/riders/{id}/duty") => json!({"on_duty": true}),
            ("PUT", "/v1/groups/{id}") => json!({"riders": ["r2"]}),
            ("POST", "/v1/groups/{id}/members") => json!({"add": ["r2"]}),
            ("PUT", "/v1/templates/{kind}") => json!({"lang": "en", "phrases": []}),
            ("PUT", "/v1/lexicon") => json!({"lang": "en", "entries": []}),
            ("POST", "/v1/lexicon/restore" | "/v1/templates/{kind}/restore") => {
                json!({"lang": "en", "version": 1})
            }
            ("POST", "/v1/speech/warm") => json!({"texts": []}),
            ("POST", "/v1/speech") => json!({"text": "你好"}),
            ("POST", "/v1/keys") => json!({"name": fresh_name(), "scopes": ["read"]}),
            ("POST", "/v1/callbacks/targets") | ("PUT", "/v1/callbacks/targets/{id}") => {
                json!({"url": "https://backend.example.com/bell"})
            }
            ("POST", "/v1/callbacks/targets/{id}/redeliver") => json!({"since": 1_772_339_405}),
            ("POST", "/v1/hooks") => {
                json!({"name": fresh_name(), "profile": {"map": {"kind": "body.kind"}, "target": {"riders": ["r1"]}}})
            }
            ("PUT", "/v1/hooks/{id}") => {
                json!({"profile": {"map": {"kind": "body.kind"}, "target": {"riders": ["r1"]}}})
            }
            ("POST", "/v1/hooks/{id}/secrets") => json!({"secret": "hush"}),
            ("POST", "/v1/hooks/{id}/test") => json!({"body": "{\"kind\":\"order.new\"}"}),
            ("PUT", "/v1/riders/{id}/wechat") => json!({"unionid": fresh_name()}),
            ("POST", "/v1/apps") => json!({"name": fresh_name()}),
            ("PUT", _) => json!({}),
            _ => Value::Null,
        }
    }
}

/// The status with which an operation says that it went well.
pub(crate) fn contract_success(operation: &Value) -> u16 {
    let mut statuses = operation["responses"].as_object().unwrap().keys();
    statuses.find(|status| status.starts_with('2')).unwrap().parse().unwrap()
}

/// Every route of backends and operators.
pub(super) fn routes() -> Vec<Route> {
    let paths = contract::openapi()["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap().iter();
        item.map(move |(method, operation)| (path.as_str(), method.to_uppercase(), operation))
    });
    let routes = operations.filter_map(|(path, method, operation)| {
        let needs = Need::of(&operation["security"])?;
        let thing = THINGS.iter().find(|(start, _)| path.starts_with(start));
        let thing = thing.map_or(Thing::Nothing, |(_, thing)| *thing);
        assert_eq!(path.contains("{id}"), thing != Thing::Nothing, "{path}: whose is its id?");
        let foreign = if needs == Need::Operator {
            Foreign::Operators
        } else if OWN_NAMES.contains(&(method.as_str(), path)) {
            Foreign::Own
        } else {
            Foreign::Unknown
        };
        let success = contract_success(operation);
        Some(Route { method, path, needs, thing, foreign, success })
    });
    routes.collect()
}

#[test]
fn every_address_of_the_api_but_the_riders_is_in_the_matrix() {
    let routes = routes();
    assert!(routes.len() >= 50, "only {}", routes.len());
    let is_listed = |path: &str| routes.iter().any(|route| route.path == path);
    let paths = contract::openapi()["paths"].as_object().unwrap().keys();
    let is_riders = |path: &str| path.starts_with("/v1/rider/") || path == "/v1/wechat/login";
    for path in paths.filter(|path| path.starts_with("/v1/") && !is_riders(path)) {
        assert!(is_listed(path), "{path} says nothing of keys");
    }
    for (method, path) in OWN_NAMES {
        assert!(routes.iter().any(|route| route.path == path && route.method == method), "{method} {path}");
    }
}

/// A name that nothing has.
pub(super) fn fresh_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("n{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

//! A hook of a test: made over the API, and sent things as its sender would.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fixture::Fixture;
use crate::support::{Reply, TestServer, eventually, reply};

/// A hook by its address.
pub(super) struct TestHook<'a> {
    pub(super) server: &'a TestServer,
    pub(super) id: String,
}

impl<'a> TestHook<'a> {
    /// Makes a hook that must be accepted.
    pub(super) async fn make(server: &'a TestServer, wish: Value) -> Self {
        let made = server.done("POST", "/v1/hooks", wish).await;
        Self { server, id: made["id"].as_str().unwrap().to_owned() }
    }

    /// The hook of a preset, with this secret, for these riders by default.
    pub(super) async fn of_preset(server: &'a TestServer, preset: &str, secret: &str, rider: &str) -> Self {
        let wish = json!({"name": preset, "preset": preset, "secrets": {"secret": [secret]},
            "profile": {"target": {"riders": [rider]}}});
        Self::make(server, wish).await
    }

    /// A hook that takes plain JSON from whoever knows its address, with more said over that.
    pub(super) async fn plain(server: &'a TestServer, name: &str, more: Value) -> Self {
        let mut profile = json!({"map": {"id": "body.id", "kind": "body.kind", "order": {"id": "body.order"},
            "target": {"riders": "[body.rider]"}}});
        merge(&mut profile, more);
        Self::make(server, json!({"name": name, "profile": profile})).await
    }

    pub(super) fn path(&self) -> String {
        format!("/in/{}", self.id)
    }

    /// Sends bytes to it.
    pub(super) async fn send(&self, media: &str, body: impl Into<Vec<u8>>) -> Reply {
        let request = self.server.request("POST", &self.path());
        reply(request.header("content-type", media).body(body.into())).await
    }

    /// Sends JSON to it.
    pub(super) async fn send_json(&self, body: &Value) -> Reply {
        self.send("application/json", body.to_string()).await
    }

    /// Sends a request of a sender to it.
    pub(super) async fn send_fixture(&self, fixture: &Fixture) -> Reply {
        let mut path = self.path();
        if let Some(event) = &fixture.event {
            write!(path, "/{event}").unwrap();
        }
        if !fixture.query.is_empty() {
            write!(path, "?{}", fixture.query).unwrap();
        }
        let mut request = self.server.request(&fixture.method, &path);
        for (name, value) in &fixture.headers {
            request = request.header(name, value);
        }
        reply(request.body(fixture.body.clone())).await
    }

    /// What the API tells of it.
    pub(super) async fn look(&self) -> Value {
        self.server.done("GET", &format!("/v1/hooks/{}", self.id), Value::Null).await
    }

    /// How many requests had this verdict.
    pub(super) async fn count(&self, verdict: &str) -> u64 {
        self.look().await["counts"][verdict].as_u64().unwrap_or(0)
    }

    /// Its kept requests, newest first, with this verdict, once there are so many.
    pub(super) async fn deliveries(&self, verdict: &str, least: usize) -> Vec<Value> {
        let path = format!("/v1/hooks/{}/deliveries?verdict={verdict}", self.id);
        eventually(&format!("{least} requests {verdict}"), async || {
            let page = self.server.done("GET", &path, Value::Null).await;
            let list = page["deliveries"].as_array().unwrap().clone();
            (list.len() >= least).then_some(list)
        })
        .await
    }

    /// Every kept request.
    pub(super) async fn kept(&self) -> Vec<Value> {
        let path = format!("/v1/hooks/{}/deliveries", self.id);
        self.server.done("GET", &path, Value::Null).await["deliveries"].as_array().unwrap().clone()
    }

    /// One kept request, whole.
    pub(super) async fn delivery(&self, id: &str) -> Value {
        self.server.done("GET", &format!("/v1/hooks/{}/deliveries/{id}", self.id), Value::Null).await
    }

    /// Says anew what it is.
    pub(super) async fn put(&self, wish: Value) -> Reply {
        self.server.call("PUT", &format!("/v1/hooks/{}", self.id), wish).await
    }
}

/// The members of one object over those of another, deeply.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                merge(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

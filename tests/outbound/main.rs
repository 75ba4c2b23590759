//! Calls to users' URLs over real sockets: what arrives, what comes back, and what is never connected to.
//! Names are looked up in a book that each test writes; everything else is as the server does it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what it expects, and its helpers with it"
)]

mod answers;
mod arrival;
mod inside;
mod peer;
mod service;
mod tls;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use orderbell::clock::SystemClock;
use orderbell::outbound::{
    AllowedUrl, Headers, Lookup, Method, Outbound, OutboundError, OutboundLimits, OutboundRequest,
    OutboundResponse, UrlPolicy,
};
use orderbell::telemetry::Telemetry;

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read.
const ANSWER_MAX: usize = 4_096;

/// Addresses by name: one answer after the other, the last one for ever.
#[derive(Default)]
struct Book(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Book {
    fn with(name: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().map(parse).collect();
        Arc::new(Self(Mutex::new(HashMap::from([(name.to_owned(), answers)]))))
    }
}

#[async_trait]
impl Lookup for Book {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        let mut book = self.0.lock().unwrap();
        let answers = book.get_mut(name).ok_or_else(|| std::io::Error::other("no such name"))?;
        Ok(if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() })
    }
}

fn limits(policy: UrlPolicy) -> OutboundLimits {
    OutboundLimits {
        policy,
        timeout_max: DEADLINE,
        connect_timeout: Duration::from_secs(2),
        answer_bytes_max: ANSWER_MAX,
        concurrency: 8,
        per_origin: 4,
    }
}

fn outbound_with(limits: OutboundLimits, book: Arc<Book>) -> (Outbound, Telemetry) {
    let telemetry = Telemetry::new();
    let outbound = Outbound::new(limits, book, Arc::new(SystemClock::new()), telemetry.clone());
    (outbound.unwrap(), telemetry)
}

/// One that may call this machine.
fn outbound() -> Outbound {
    outbound_with(limits(UrlPolicy::PrivateToo), Arc::default()).0
}

/// A POST without anything.
fn post(url: &str) -> OutboundRequest {
    OutboundRequest {
        method: Method::Post,
        url: AllowedUrl::parse(url, UrlPolicy::PrivateToo).unwrap(),
        headers: Headers::default(),
        body: Bytes::new(),
        timeout: DEADLINE,
    }
}

async fn answer_of(url: &str) -> OutboundResponse {
    outbound().send(post(url)).await.unwrap()
}

async fn failure_of(url: &str) -> OutboundError {
    outbound().send(post(url)).await.unwrap_err()
}

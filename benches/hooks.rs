//! How fast requests to hooks become events, on one core: decoded, mapped, and with their signature.
//! Small bodies of real senders; the store and the way here are measured by the benches of events.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench stops at the first surprise and prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, HeaderValue, Method};
use orderbell::domain::{HookVerdict, Kinds};
use orderbell::intake::hooks::{AgeRule, HookKeys, HookProfile, HookRequest, presets};
use serde_json::{Value, json};

/// Requests of one round; the best of five rounds counts, since the machine has other things to do.
const REQUESTS: u32 = 50_000;
const ROUNDS: usize = 5;
/// What the map must do on one core.
const EVENTS_PER_S_LEAST: f64 = 100_000.0;

struct Sender {
    name: &'static str,
    profile: HookProfile,
    keys: HookKeys,
    headers: HeaderMap,
    url: String,
    query: String,
    body: String,
    event: Option<String>,
}

fn main() {
    let fixtures = [
        "03-dada-accepted",
        "05-meituan-peisong-status",
        "14-uber-direct-delivery-status",
        "08-eleme-order-state",
    ];
    let presets = ["dada", "meituan_peisong", "uber_direct", "eleme"];
    println!("{:<18}{:>8}{:>16}{:>16}", "sender", "bytes", "mapped/s", "with signature");
    let mut slowest = f64::MAX;
    for (name, fixture) in presets.into_iter().zip(fixtures) {
        let unsigned = per_second(&sender(name, fixture, &json!({"verify": null})));
        let signed_sender = sender(name, fixture, &json!({}));
        let signed = per_second(&signed_sender);
        let bytes = signed_sender.body.len();
        println!("{name:<18}{bytes:>8}{unsigned:>16.0}{signed:>16.0}");
        if bytes < 600 {
            slowest = slowest.min(unsigned);
        }
    }
    println!(
        "small events mapped on one core: {slowest:.0} a second at least (floor {EVENTS_PER_S_LEAST:.0})"
    );
    assert!(slowest >= EVENTS_PER_S_LEAST, "too slow");
}

fn sender(name: &'static str, fixture: &str, over: &Value) -> Sender {
    let file = format!("{}/tests/hooks/payloads/{fixture}.json", env!("CARGO_MANIFEST_DIR"));
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let kinds = Kinds::embedded().unwrap();
    let profile = HookProfile::merged(presets::preset(name).as_ref(), over);
    let profile = HookProfile::compile(&profile, &kinds).unwrap();
    let text = |at: &Value| at.as_str().unwrap_or_default().to_owned();
    let mut headers = HeaderMap::new();
    for (name, value) in fixture["request"]["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value.as_str().unwrap()).unwrap());
    }
    let mut keys = HookKeys { params: Arc::default(), ..HookKeys::default() };
    if let Some(secret) = fixture["signature"]["secret"].as_str() {
        keys.secrets.insert("secret".to_owned(), vec![secret.as_bytes().to_vec()]);
    }
    Sender {
        name,
        profile,
        keys,
        headers,
        url: text(&fixture["signature"]["url"]),
        query: text(&fixture["request"]["query"]),
        body: text(&fixture["request"]["body"]),
        event: fixture["decode"]["event"].as_str().map(ToOwned::to_owned),
    }
}

fn per_second(sender: &Sender) -> f64 {
    let request = HookRequest {
        method: &Method::POST,
        url: &sender.url,
        query: &sender.query,
        headers: &sender.headers,
        body: sender.body.as_bytes(),
        event: sender.event.as_deref(),
        peer: None,
    };
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        for _ in 0..REQUESTS {
            let reading = black_box(sender.profile.read(black_box(&request), &sender.keys, AgeRule::Any));
            assert_eq!(reading.verdict, HookVerdict::Mapped, "{}: {}", sender.name, reading.reason);
        }
        f64::from(REQUESTS) / began.elapsed().as_secs_f64()
    });
    rounds.fold(0.0, f64::max)
}

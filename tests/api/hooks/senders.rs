//! Every sender whose real body we have, from the bytes of its request to the rider's socket: what it is answered, what the
//! rider hears, what becomes of a repeat, and that nothing is left of a forgery.

use serde_json::{Value, json};

use super::fixture::Fixture;
use super::hook::TestHook;
use crate::support::{NO_CAP, RiderSocket, TestServer, eventually};

/// A body, and the preset that takes it.
const SENDERS: [(&str, &str); 20] = [
    ("01", "sky_take_out"),
    ("02", "sky_take_out"),
    ("03", "dada"),
    ("05", "meituan_peisong"),
    ("06", "sf"),
    ("07", "shansong"),
    ("08", "eleme"),
    ("09", "eleme"),
    ("11", "meituan_waimai"),
    ("12", "wechat"),
    ("14", "uber_direct"),
    ("15", "doordash_drive"),
    ("16", "woocommerce"),
    ("17", "shopify"),
    ("18", "square"),
    ("19", "onfleet"),
    ("20", "youzan"),
    ("24", "standard_webhooks"),
    ("25", "cloudevents"),
    ("28", "crmeb"),
];

/// Where senders of the fixtures that sign it think that we are.
const PUBLIC: &str = "https://hook.example.com";

/// A hook as its owner would make it from the preset, for a rider who hears what names nobody.
async fn hook_for<'a>(server: &'a TestServer, fixture: &Fixture, preset: &str, rider: &str) -> TestHook<'a> {
    let mut wish = json!({"name": preset, "preset": preset, "params": {}, "secrets": {},
        "profile": {"target": {"riders": [rider]}}});
    for name in ["dev_id", "client_id"] {
        if let Some(value) = fixture.signature(name) {
            wish["params"][name] = json!(value);
        }
    }
    if let Some(secret) = fixture.signature("secret") {
        wish["secrets"]["secret"] = json!([secret]);
    }
    TestHook::make(server, wish).await
}

/// The alert of this order, unless the kind says nothing.
async fn heard(server: &TestServer, rider: &mut RiderSocket, fixture: &Fixture) {
    let kind = fixture.expected("kind").unwrap();
    if !server.state.dispatch.kinds().get(&kind).unwrap().speaks {
        return;
    }
    let order = fixture.expected("order_id");
    let alert = rider.frame(&format!("alert of {}", fixture.name), |frame| frame["op"] == "alert").await;
    let told = (alert["kind"].as_str(), alert["order_id"].as_str().map(str::to_owned));
    assert_eq!(told, (Some(&*kind), order), "{}: {alert}", fixture.name);
    rider.ack(&alert).await;
}

async fn from_bytes_to_the_ear(server: &TestServer, start: &str, preset: &str) {
    let fixture = Fixture::load(start);
    let name = fixture.name.clone();
    let rider_id = fixture.expected("rider_id").unwrap_or_else(|| format!("r-{start}"));
    let mut rider = RiderSocket::connect(server, &rider_id).await;
    let hook = hook_for(server, &fixture, preset, &rider_id).await;
    let url = format!("{PUBLIC}{}", hook.path());
    let fixture = fixture.signed_for(&url, server.now_ms() / 1000);

    let first = hook.send_fixture(&fixture).await;
    assert_eq!(
        u64::from(first.status),
        fixture.file["ack"]["status"].as_u64().unwrap(),
        "{name}: {}",
        first.text()
    );
    let wanted = fixture.file["ack"]["body"].as_str().unwrap();
    // Sky has no webhooks of its own, so it wants nothing of an answer.
    if preset != "sky_take_out" {
        assert_eq!(first.text(), wanted, "{name}");
    }
    assert_eq!(first.header("x-content-type-options"), "nosniff", "{name}");
    assert_eq!(first.header("cache-control"), "no-store", "{name}");
    heard(server, &mut rider, &fixture).await;

    let again = hook.send_fixture(&fixture).await;
    assert_eq!((again.status, again.bytes), (first.status, first.bytes), "{name}: a repeat");
    rider.assert_no_alert().await;
    assert_eq!((hook.count("mapped").await, hook.count("duplicate").await), (1, 1), "{name}");

    let mapped = hook.deliveries("mapped", 1).await;
    let event = mapped[0]["events"][0].as_str().unwrap_or_else(|| panic!("{name}: {mapped:?}"));
    assert_eq!(Some(event.to_owned()), fixture.expected("id"), "{name}");
    let stored = server.done("GET", &format!("/v1/events/{}", encoded(event)), Value::Null).await;
    assert_eq!(stored["kind"].as_str().map(str::to_owned), fixture.expected("kind"), "{name}");
}

#[tokio::test]
async fn every_sender_is_answered_as_it_wants_and_heard_by_the_rider_once() {
    for (start, preset) in SENDERS {
        // Most of them speak of one order, and one of them cancels it: each has a server of its own.
        let server = TestServer::start(&format!("[server]\npublic_url = \"{PUBLIC}\"\n{NO_CAP}")).await;
        from_bytes_to_the_ear(&server, start, preset).await;
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_forged_is_refused_and_leaves_nothing_but_a_note() {
    let server = TestServer::start(&format!("[server]\npublic_url = \"{PUBLIC}\"\n{NO_CAP}")).await;
    let mut tried = 0;
    for (start, preset) in SENDERS {
        let fixture = Fixture::load(start);
        let hook = hook_for(&server, &fixture, preset, "r1").await;
        let url = format!("{PUBLIC}{}", hook.path());
        let fixture = fixture.signed_for(&url, server.now_ms() / 1000);
        let forgeries = [fixture.with_a_bad_signature(), fixture.with_another_body()];
        let forgeries: Vec<Fixture> = forgeries.into_iter().flatten().collect();
        for (place, forged) in forgeries.iter().enumerate() {
            let told = hook.send_fixture(forged).await;
            assert!([401, 403].contains(&told.status), "{start}: {} {}", told.status, told.text());
            let ours = hook.look().await["refusals"][0].clone();
            assert_eq!(ours["verdict"], "refused", "{start}: {ours}");
            assert_eq!(hook.count("refused").await, place as u64 + 1, "{start}");
            tried += 1;
        }
        assert!(hook.kept().await.is_empty(), "{start}");
        assert_eq!(hook.count("mapped").await, 0, "{start}");
    }
    assert!(tried >= 25, "only {tried}");
    assert_eq!(server.metric("orderbell_events_total{outcome=\"stored\"}").await, 0);
    server.stop().await;
}

#[tokio::test]
async fn square_signs_the_url_that_it_knows_and_no_other() {
    let server = TestServer::start("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n").await;
    let fixture = Fixture::load("18");
    let hook = hook_for(&server, &fixture, "square", "r1").await;
    let outside = format!("https://hook.example.com{}", hook.path());
    let mut signed = fixture.clone().signed_for(&outside, 0);
    assert_eq!(hook.send_fixture(&signed).await.status, 401, "nobody has told the outside of us");
    signed.set_header("x-forwarded-proto", "https".to_owned());
    signed.set_header("x-forwarded-host", "hook.example.com".to_owned());
    assert_eq!(hook.send_fixture(&signed).await.status, 200, "the proxy has");
    let inside = fixture.signed_for(&server.url(&hook.path()), 0);
    assert_eq!(hook.send_fixture(&inside).await.status, 200, "without a proxy it is the Host");
    server.stop().await;
}

#[tokio::test]
async fn a_forwarded_host_of_nobody_we_trust_counts_for_nothing() {
    let server = TestServer::start("").await;
    let fixture = Fixture::load("18");
    let hook = hook_for(&server, &fixture, "square", "r1").await;
    let mut signed = fixture.signed_for(&format!("https://hook.example.com{}", hook.path()), 0);
    signed.set_header("x-forwarded-proto", "https".to_owned());
    signed.set_header("x-forwarded-host", "hook.example.com".to_owned());
    assert_eq!(hook.send_fixture(&signed).await.status, 401);
    eventually("it is seen", async || (hook.count("refused").await == 1).then_some(())).await;
    server.stop().await;
}

/// As one segment of a path.
fn encoded(id: &str) -> String {
    id.replace('%', "%25").replace('/', "%2F").replace('#', "%23").replace('?', "%3F")
}

//! Requests that are signed instead of sending a key along: list A of the hostile inputs, each with what it is told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use orderbell::domain::app::Scope;
use orderbell::intake::signature::sign;
use serde_json::{Value, json};

use crate::support::{SignedHeaders, Signer, TestServer, bytes_of, eventually, raw, reply};

const ID: &str = "webhook-id";
const AT: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const KEY: &str = "orderbell-key-id";

const BODY: &[u8] = br#"{"id":"e-1","kind":"order.new","target":{"riders":["r1"]}}"#;

/// What a case may use.
struct Case<'a> {
    now_s: i64,
    signer: &'a Signer,
    stranger: &'a Signer,
}

impl Case<'_> {
    fn good(&self) -> SignedHeaders {
        self.signer.headers("msg_1", self.now_s, BODY)
    }

    fn at(&self, seconds: i64) -> SignedHeaders {
        self.signer.headers("msg_1", self.now_s + seconds, BODY)
    }

    /// Signed over exactly this timestamp, whatever it is.
    fn stamped(&self, timestamp: &str) -> SignedHeaders {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &bytes_of(&self.signer.secret));
        let signed = [b"msg_1.", timestamp.as_bytes(), b".", BODY].concat();
        let signature = STANDARD.encode(aws_lc_rs::hmac::sign(&key, &signed));
        self.good().with(AT, timestamp).with(SIGNATURE, format!("v1,{signature}"))
    }

    /// Another list of signatures; `{}` stands for the right one.
    fn listed(&self, list: &str) -> SignedHeaders {
        let good = self.good();
        let right = good.value(SIGNATURE);
        good.with(SIGNATURE, list.replace("{}", &right))
    }
}

/// Every case, with its number, its status, and the word of its problem; 200 has none.
fn cases(case: &Case<'_>) -> Vec<(String, SignedHeaders, u16, &'static str)> {
    let bad = |what: &str, headers| (what.to_owned(), headers, 401, "bad_signature");
    let good = |what: &str, headers| (what.to_owned(), headers, 200, "");
    let right = case.good().value(SIGNATURE);
    let url_safe = right.replace('+', "-").replace(['/', '='], "_");
    let wrong = format!("v1,{}", STANDARD.encode([0; 32]));
    let mut cases = vec![
        good("0 a good one", case.good()),
        bad("1 no id", case.good().without(ID)),
        bad("2 no timestamp", case.good().without(AT)),
        bad("3 no signature", case.good().without(SIGNATURE)),
        bad("3 no key", case.good().without(KEY)),
        bad(
            "4 another's secret",
            case.stranger.headers("msg_1", case.now_s, BODY).with(KEY, case.signer.id.to_string()),
        ),
        bad("6 another id", case.good().with(ID, "msg_2")),
        bad("7 another time", case.good().with(AT, (case.now_s - 1).to_string())),
        ("8 too old".to_owned(), case.at(-302), 401, "signature_expired"),
        ("9 from the future".to_owned(), case.at(302), 401, "signature_expired"),
        good("10 old", case.at(-295)),
        good("10 early", case.at(295)),
        bad("15 no comma", case.listed("v1")),
        bad("16 other schemes", case.listed("V1,x v2,y v1a,z")),
        bad("17 cut short", case.listed(&right[..right.len() - 5])),
        bad("17 no padding", case.listed(right.trim_end_matches('='))),
        bad("17 url-safe", case.listed(&url_safe)),
        bad("18 nine", case.listed(&["{}"; 9].join(" "))),
        good("18 eight", case.listed(&["{}"; 8].join(" "))),
        good("19 one of three", case.listed(&format!("{wrong} {{}} v1a,x"))),
        bad("19 two spaces", case.listed(&format!("{wrong}  {{}}"))),
        bad("22 another app's key", case.good().with(KEY, case.stranger.id.to_string())),
        bad("22 nobody's key", case.good().with(KEY, "key_00000000000070008000000000000000")),
        bad("22 no id of a key", case.good().with(KEY, "../../etc/passwd")),
        bad("22 a secret in its place", case.good().with(KEY, case.signer.bearer.clone())),
    ];
    for header in [ID, AT, SIGNATURE, KEY] {
        cases.push(bad(&format!("21 two of {header}"), case.good().twice(header)));
    }
    let now = case.now_s;
    for timestamp in [
        format!("+{now}"),
        format!("0{now}"),
        format!("{now}.0"),
        "1e9".to_owned(),
        String::new(),
        "nan".to_owned(),
        "1 795".to_owned(),
        i64::MIN.to_string(),
        i64::MAX.to_string(),
        "9223372036854775808".to_owned(),
    ] {
        cases.push(bad(&format!("11-13 the time {timestamp:?}"), case.stamped(&timestamp)));
    }
    for id in ["a.b".to_owned(), "x".repeat(129), "ä".to_owned(), String::new(), "a b".to_owned()] {
        let headers = case.signer.headers(&id, now, BODY);
        cases.push((format!("14 the id {id:?}"), headers, 400, "bad_id"));
    }
    cases
}

#[tokio::test]
async fn what_is_signed_passes_and_what_is_not_is_told_why() {
    let server = TestServer::start("").await;
    server.accounts().create_app("other").await.unwrap();
    let signer = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let stranger = Signer::of(&server, "other", &[Scope::Ingest]).await;
    let case = Case { now_s: server.now_ms() / 1000, signer: &signer, stranger: &stranger };
    for (what, headers, status, error) in cases(&case) {
        let told = headers.send(&server, "POST", "/v1/events", BODY.to_vec()).await;
        assert_eq!(told.status, status, "{what}: {}", told.text());
        if status != 200 {
            told.assert_problem(status, error);
        }
    }
    // 5: the body changed by one byte.
    let changed = case.good().send(&server, "POST", "/v1/events", BODY.to_ascii_uppercase()).await;
    changed.assert_problem(401, "bad_signature");
    // 23, 24: signed, and no event.
    for (body, error) in [(&b"\xff\xfe"[..], "malformed_json"), (b"", "malformed_json")] {
        let headers = signer.headers("msg_3", case.now_s, body);
        let mut request = server.request("POST", "/v1/events").header("content-type", "application/json");
        for (name, value) in headers.0 {
            request = request.header(name, value);
        }
        reply(request.body(body.to_vec())).await.assert_problem(400, error);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_nobody_has_is_told_what_a_wrong_signature_is() {
    let server = TestServer::start("").await;
    let app = server.app("default").await.app.id;
    let (signer, revoked) = (
        Signer::of(&server, "default", &[Scope::Ingest]).await,
        Signer::of(&server, "default", &[Scope::Ingest]).await,
    );
    assert!(server.accounts().revoke_key(app, revoked.id).await.unwrap());
    let unsigned = server.done("POST", "/v1/keys", json!({"name": "plain", "scopes": ["ingest"]})).await;
    let now_s = server.now_ms() / 1000;
    let wrong = signer.headers("m", now_s, b"another body");
    let plain = wrong.clone().with(KEY, unsigned["key_id"].as_str().unwrap());
    let nobody = wrong.clone().with(KEY, "key_00000000000070008000000000000000");
    let mut told = Vec::new();
    for headers in [wrong, plain, nobody, revoked.headers("m", now_s, BODY)] {
        let mut refused = headers.send(&server, "POST", "/v1/events", BODY.to_vec()).await;
        refused.assert_problem(401, "bad_signature");
        refused.json["request_id"].take();
        told.push(refused.json);
    }
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    server.stop().await;
}

#[tokio::test]
async fn an_old_secret_signs_through_its_grace() {
    let server = TestServer::start("").await;
    let old = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let rotate = async |grace_s: i64| {
        let path = format!("/v1/keys/{}/signing/rotate", old.id);
        let secret = server.done("POST", &path, json!({"grace_s": grace_s})).await["signing_secret"].clone();
        Signer { secret: secret.as_str().unwrap().to_owned(), ..old.clone() }
    };
    let post = async |signer: &Signer| signer.call(&server, "POST", "/v1/events", &event("e-1")).await.status;
    let new = rotate(1).await;
    assert!(new.secret.starts_with("whsec_") && new.secret != old.secret);
    assert_eq!((post(&old).await, post(&new).await), (200, 200));
    eventually("the grace ends", async || (post(&old).await == 401).then_some(())).await;
    assert_eq!(post(&new).await, 200);
    let third = rotate(3600).await;
    let fourth = rotate(3600).await;
    assert_eq!([post(&new).await, post(&third).await, post(&fourth).await], [401, 200, 200], "two at most");
    let fifth = rotate(0).await;
    assert_eq!([post(&third).await, post(&fourth).await, post(&fifth).await], [401, 401, 200], "at once");
    server.stop().await;
}

fn event(id: &str) -> Value {
    json!({"id": id, "kind": "order.new", "target": {"riders": ["r1"]}})
}

#[tokio::test]
async fn a_request_is_signed_or_has_a_key_and_the_body_is_read_within_its_limits() {
    let server = TestServer::start("[server]\nmax_body_bytes = 2048\nbody_timeout = \"300ms\"\n").await;
    let signer = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let now_s = server.now_ms() / 1000;
    let with_key = |name: &str, value: &str| {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
        request.header(name, value).json(&event("e-1"))
    };
    reply(with_key(KEY, &signer.id.to_string())).await.assert_problem(400, "not_together");
    reply(with_key(KEY, "x")).await.assert_problem(400, "not_together");
    // Headers that a library sends anyway are not looked at beside a bearer key; the id names an event without one.
    for name in [ID, AT, SIGNATURE] {
        let told = reply(with_key(name, "x")).await;
        assert_eq!(told.status, 200, "{name}: {}", told.text());
    }
    let large = vec![b' '; 2049];
    let told = signer.headers("m", now_s, &large).send(&server, "POST", "/v1/events", large).await;
    told.assert_problem(413, "too_large");
    let zipped = server.request("POST", "/v1/events").header("content-encoding", "gzip");
    let zipped = signer
        .headers("m", now_s, BODY)
        .0
        .into_iter()
        .fold(zipped, |request, (name, value)| request.header(name, value));
    reply(zipped.body(BODY)).await.assert_problem(415, "unsupported_media_type");
    let lines = signer.headers("m", now_s, BODY).lines();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{lines}\r\n{{",
        BODY.len()
    );
    let slow = raw(server.address, head.as_bytes()).await;
    assert!(slow.starts_with("HTTP/1.1 408 ") && slow.contains("\"error\":\"too_slow\""), "{slow}");
    assert_eq!(
        signer.call(&server, "GET", "/v1/events/e-1", &Value::Null).await.status,
        403,
        "no body is signed too"
    );
    server.stop().await;
}

#[tokio::test]
async fn beside_a_bearer_key_the_id_of_a_message_is_that_of_the_event() {
    let server = TestServer::start("").await;
    let post = async || {
        let request = server.request("POST", "/v1/events").bearer_auth(&server.key);
        let request = request.header(ID, "msg_7").header(AT, "1").header(SIGNATURE, "v1,not-looked-at");
        reply(request.json(&json!({"type": "order.new", "data": {"rider_id": "r1"}}))).await.json["data"]
            .take()
    };
    for duplicate in [false, true] {
        let told = post().await;
        assert_eq!([&told["event_id"], &told["duplicate"]], [&json!("msg_7"), &json!(duplicate)], "{told}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_signed_batch_may_be_as_large_as_any_batch() {
    let server = TestServer::start("").await;
    let signer = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let now_s = server.now_ms() / 1000;
    let one = event("e-1").to_string().into_bytes();
    let padded = |bytes: usize, before: &[u8], after: &[u8]| {
        let padding = vec![b' '; bytes - before.len() - one.len() - after.len()];
        [before, &one, &padding, after].concat()
    };
    let post = async |path: &str, body: Vec<u8>| {
        signer.headers("m", now_s, &body).send(&server, "POST", path, body).await
    };
    let batch = post("/v1/events/batch", padded(300 << 10, b"[", b"]")).await;
    assert_eq!((batch.status, &batch.json["data"]["accepted"]), (200, &json!(1)), "{}", batch.text());
    post("/v1/events/batch", padded((2 << 20) + 1, b"[", b"]")).await.assert_problem(413, "too_large");
    assert_eq!(post("/v1/events", padded(64 << 10, b"", b"")).await.status, 200);
    post("/v1/events", padded((64 << 10) + 1, b"", b"")).await.assert_problem(413, "too_large");
    post("/v1/events/validate", padded((64 << 10) + 1, b"", b"")).await.assert_problem(413, "too_large");
    server.stop().await;
}

#[tokio::test]
async fn who_has_no_key_is_told_before_the_body_is_asked_for() {
    let server = TestServer::start("").await;
    let signer = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let head = |more: &str| {
        format!(
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\nConnection: close\r\n{more}\r\n",
            BODY.len()
        )
    };
    for credential in ["", "Authorization: Bearer obk_nobody\r\n", "webhook-id: m\r\n"] {
        let told = raw(server.address, head(credential).as_bytes()).await;
        assert!(told.starts_with("HTTP/1.1 401 "), "{credential}: {told}");
    }
    let stale = signer.headers("m", server.now_ms() / 1000 - 1_000, BODY).lines();
    let told = raw(server.address, head(&stale).as_bytes()).await;
    assert!(told.starts_with("HTTP/1.1 401 ") && told.contains("signature_expired"), "{told}");
    server.stop().await;
}

#[tokio::test]
async fn the_tolerance_is_a_setting_and_retries_are_one_event() {
    let server = TestServer::start("[intake]\nsignature_tolerance = \"10m\"\n").await;
    let signer = Signer::of(&server, "default", &[Scope::Ingest]).await;
    let now_s = server.now_ms() / 1000;
    for (at_s, duplicate) in [(now_s - 590, false), (now_s, true)] {
        let told =
            signer.headers("msg_1", at_s, BODY).send(&server, "POST", "/v1/events", BODY.to_vec()).await;
        assert_eq!((told.status, &told.json["data"]["duplicate"]), (200, &json!(duplicate)), "{}", told.json);
    }
    let late =
        signer.headers("msg_1", now_s - 610, BODY).send(&server, "POST", "/v1/events", BODY.to_vec()).await;
    late.assert_problem(401, "signature_expired");
    assert_eq!(
        sign(&bytes_of(&signer.secret), "msg_1", now_s, BODY),
        signer.headers("msg_1", now_s, BODY).value(SIGNATURE)
    );
    server.stop().await;
}

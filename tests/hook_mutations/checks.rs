//! What must hold for any bytes that reach a hook. The mutation tests call these, and so do the targets in `fuzz/`.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use orderbell::domain::{EpochMs, Kinds};
use orderbell::intake::hooks::decode::{Decoder, headers_value, query_value};
use orderbell::intake::hooks::expression::Expression;
use orderbell::intake::hooks::redact::{redact, redact_headers, redact_query};
use orderbell::intake::hooks::verify::Verifier;
use orderbell::intake::hooks::{AgeRule, HookKeys, HookProfile, HookRequest, Scope};
use serde_json::{Value, json};

/// As the decoder promises.
const DEPTH_MAX: usize = 32;
const VALUES_MAX: usize = 20_000;
const TEXT_MAX: usize = 65_536;
/// As the server takes them by default.
const BODY_MAX: usize = 262_144;
/// A number that nobody has.
const PHONE: &str = "13000012345";
const NOW: EpochMs = EpochMs(1_772_339_420_000);

/// JSON, in a charset that the first byte chooses.
pub fn decode_json(data: &[u8]) {
    let (choice, body) = data.split_first().unwrap_or((&0, data));
    let charset = ["utf-8", "utf-8", "gbk", "big5", "shift_jis", "windows-1252"][usize::from(*choice) % 6];
    let Some(value) = decoded(&json!({"format":"json","charset":charset}), body) else { return };
    let again = decoded(&json!({"format":"json"}), value.to_string().as_bytes());
    assert!(again.is_some_and(|again| is_same(&value, &again)), "what was read is read again: {value}");
    if let Ok(other) = serde_json::from_slice::<Value>(body) {
        assert!(charset != "utf-8" || is_same(&value, &other), "{value} is {other} for another parser");
    }
}

/// Forms, also of several parts.
pub fn decode_form(data: &[u8]) {
    let _ = decoded(&json!({"format":"form"}), data);
    let _ = decoded(&json!({"format":"form","charset":"gbk"}), data);
    let text = String::from_utf8_lossy(data);
    let parts = format!("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{text}\r\n--x--");
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("multipart/form-data; boundary=x"));
    let request = request("", &headers, parts.as_bytes());
    if let Ok(value) = Decoder::default().decode(&request) {
        bounded(&value);
    }
    let _ = query_value(&text);
}

/// XML.
pub fn decode_xml(data: &[u8]) {
    let _ = decoded(&json!({"format":"xml"}), data);
    let _ = decoded(&json!({"format":"xml","xml_root":false,"charset":"gb18030"}), data);
}

/// Whatever it is, with texts that are taken apart.
pub fn decode_embedded(data: &[u8]) {
    let profile = json!({
        "url_decode": ["msg", "a", "list.*.a"],
        "embedded_json": ["message", "msg", "a", "a.a", "list.*.a", "detail", "extras"],
    });
    let _ = decoded(&profile, data);
}

/// Nothing of any shape is kept that can be called.
pub fn redacted(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let body: Value = serde_json::from_slice(data).unwrap_or_else(|_| json!({"note": text}));
    let kept = redact(&body, &[], &[]);
    assert!(!kept.is_object() || body.is_object());
    if !text.contains(PHONE) {
        let planted = json!({"note": format!("{text}，{PHONE}"), "phone": PHONE, "body": body});
        let kept = redact(&planted, &[], &[]);
        assert!(!kept.to_string().contains(PHONE), "{kept}");
    }
    let _ = redact_query(&query_value(&text));
    let _ = redact_headers(&json!({"x-note": text}));
}

/// Nobody who does not have the secret gets in, and nothing breaks the verifier.
pub fn verified(data: &[u8]) {
    static VERIFIERS: LazyLock<Vec<Verifier>> = LazyLock::new(|| {
        schemes().iter().map(|scheme| Verifier::read(&json!([scheme])).expect("a scheme")).collect()
    });
    let mut parts = data.splitn(4, |byte| *byte == 0xff);
    let mut next = || parts.next().unwrap_or_default();
    let (query, signature, timestamp, body) =
        (String::from_utf8_lossy(next()).into_owned(), next(), next(), next());
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("x-signature", signature),
        ("webhook-signature", signature),
        ("authorization", signature),
        ("x-timestamp", timestamp),
        ("webhook-timestamp", timestamp),
        ("webhook-id", b"msg_1"),
    ] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let secret = b"no fuzzer guesses this secret of forty b".to_vec();
    let keys = HookKeys { secrets: [("secret".to_owned(), vec![secret])].into(), params: Arc::default() };
    let request = request(&query, &headers, body);
    for verifier in VERIFIERS.iter() {
        assert!(verifier.check(&request, &keys, AgeRule::Any).is_err(), "somebody got in");
        assert!(verifier.check(&request, &keys, AgeRule::At(NOW)).is_err(), "somebody got in");
    }
}

/// Schemes that all need the secret.
fn schemes() -> Vec<Value> {
    vec![
        json!({"scheme":"bearer"}),
        json!({"scheme":"hmac","hash":"sha256","over":"{timestamp}.{body}","encoding":"hex","in":"header.x-signature",
            "prefix":"sha256=","timestamp":"header.x-timestamp","several":true}),
        json!({"scheme":"hmac","hash":"sha1","over":"{url}{body}","encoding":"base64","in":"body.sign"}),
        json!({"scheme":"digest","hash":"md5","over":"{secret}{params}","encoding":"hex","in":"body.sign",
            "params":{"from":"both","sort":"key","pair":"{key}={value}","join":"&","skip_empty":true}}),
        json!({"scheme":"digest","hash":"sha1","over":"{params}","encoding":"hex","in":"query.signature",
            "params":{"from":"query","fields":["timestamp","nonce"],"sort":"value","pair":"{value}",
            "secret_as":"value"}}),
        json!({"scheme":"standard_webhooks"}),
        json!({"scheme":"token","in":"query.pushToken"}),
    ]
}

/// Any text is an expression or is none; what it gives is bounded.
pub fn expression(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let body = json!({"a":{"b":[1,2,{"c":"测试"}]},"status":20,"order_id":"M1","amount":"49.00","f":1.5});
    let (headers, params) = (json!({"x-topic":"order.created"}), json!({"dev_id":"1"}));
    let tables = json!({"riders":{"1":"r_1"}});
    let scope = Scope {
        body: &body,
        headers: &headers,
        query: &params,
        event: &Value::Null,
        params: &params,
        tables: &tables,
        item: &body,
        index: 0,
        extra: &Value::Null,
    };
    for compiled in [Expression::compile(&text), Expression::template(&text)].into_iter().flatten() {
        if let Ok(value) = compiled.evaluate(&scope) {
            assert!(value.to_string().len() <= 6 * TEXT_MAX + 64, "more than 64 KiB come out");
        }
        let _ = compiled.is_true(&scope);
    }
}

/// Any text is a profile or is none, and a profile reads any request.
pub fn profile(data: &[u8]) {
    static KINDS: LazyLock<Kinds> = LazyLock::new(|| Kinds::embedded().expect("the kinds"));
    let text = String::from_utf8_lossy(data);
    let parsed = HookProfile::of_toml(&text).ok().or_else(|| serde_json::from_str(&text).ok());
    let Some(Ok(profile)) = parsed.map(|profile| HookProfile::compile(&profile, &KINDS)) else { return };
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    let bodies: [&[u8]; 3] = [
        br#"{"order_id":"M1","order_status":2,"dm_id":666001,"update_time":1772339407,"orders":[{"id":1},{"id":2}]}"#,
        b"",
        data,
    ];
    for body in bodies {
        let reading = profile.read(&request("a=1&b=2", &headers, body), &HookKeys::default(), AgeRule::Any);
        for item in &reading.items {
            if let orderbell::intake::hooks::ItemReading::Event(event) = item {
                let _ = event.parsed(&KINDS);
            }
        }
    }
}

fn decoded(profile: &Value, body: &[u8]) -> Option<Value> {
    let headers = HeaderMap::new();
    let body = body.get(..BODY_MAX).unwrap_or(body);
    let decoder = Decoder::read(Some(profile)).expect("a profile");
    let value = decoder.decode(&request("", &headers, body)).ok()?;
    bounded(&value);
    let _ = headers_value(&headers);
    Some(value)
}

fn request<'a>(query: &'a str, headers: &'a HeaderMap, body: &'a [u8]) -> HookRequest<'a> {
    let url = "https://hook.example.com/in/x";
    HookRequest { method: &Method::POST, url, query, headers, body, event: None, peer: None }
}

fn bounded(value: &Value) {
    let mut count = 0;
    let depth = depth(value, &mut count);
    // A form's lists are made of objects that were counted; its root is not.
    assert!(depth <= DEPTH_MAX + 1 && count <= VALUES_MAX + 1, "{depth} levels, {count} values");
}

fn depth(value: &Value, count: &mut usize) -> usize {
    *count += 1;
    match value {
        Value::Array(list) => 1 + list.iter().map(|item| depth(item, count)).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(|member| depth(member, count)).max().unwrap_or(0),
        Value::String(text) => {
            assert!(text.len() <= TEXT_MAX, "a text of {} bytes", text.len());
            0
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Whether both are the same, but for numbers that the other one has rounded.
fn is_same(ours: &Value, other: &Value) -> bool {
    match (ours, other) {
        (Value::String(exact), Value::Number(rounded)) => is_near(exact.parse().ok(), rounded.as_f64()),
        // The parser is right to the last digit but one.
        (Value::Number(ours), Value::Number(other)) if ours.is_f64() => {
            is_near(ours.as_f64(), other.as_f64())
        }
        (Value::Array(ours), Value::Array(other)) => {
            ours.len() == other.len() && ours.iter().zip(other).all(|(ours, other)| is_same(ours, other))
        }
        (Value::Object(ours), Value::Object(other)) => {
            ours.len() == other.len()
                && ours.iter().all(|(name, ours)| other.get(name).is_some_and(|other| is_same(ours, other)))
        }
        (ours, other) => ours == other,
    }
}

fn is_near(one: Option<f64>, other: Option<f64>) -> bool {
    one.zip(other).is_some_and(|(one, other)| (one - other).abs() <= one.abs() * 1e-14)
}

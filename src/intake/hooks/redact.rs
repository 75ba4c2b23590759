//! What is kept of a request: no phone, address, person's name, signature, token or secret, and still good to be mapped again.
//! Members are judged by their names and by what they stand in; texts are searched for numbers that can be called.

mod digits;
mod texts;
mod words;

use std::io::{self, Write};

use serde_json::{Map, Value};

use super::path::Path;
use words::{Sort, Whose};

/// In place of what is not kept.
const GONE: &str = "***";
/// Headers that are kept.
const HEADERS_MAX: usize = 64;
/// Bytes that are kept of one header's value.
const HEADER_BYTES_MAX: usize = 1_024;
/// How often a text is taken apart that is wrapped in a text; what is wrapped more often is not kept.
const WRAPPINGS_MAX: u8 = 3;

/// The body without what is private. `keep` stays as it is, `take` goes as well; what is in both goes.
#[must_use]
pub fn redact(body: &Value, keep: &[Path], take: &[Path]) -> Value {
    let mut redacted = walk(body, words::judge(""), Place { whose: None, wrappings: WRAPPINGS_MAX });
    for path in keep {
        path.copy(body, &mut redacted);
    }
    for path in take {
        let taken: Result<(), std::convert::Infallible> = path.visit(&mut redacted, &mut |value| {
            *value = gone(value);
            Ok(())
        });
        let Ok(()) = taken;
    }
    redacted
}

/// The same, or nothing where more than so many bytes of JSON would have to be kept.
#[must_use]
pub fn redact_within(body: &Value, keep: &[Path], take: &[Path], bytes_max: usize) -> Option<Value> {
    let redacted = redact(body, keep, take);
    let mut room = Room(bytes_max);
    serde_json::to_writer(&mut room, &redacted).is_ok().then_some(redacted)
}

/// Header values by lower-case name, without those that let somebody in; at most 64 of them, each cut to 1 KiB.
#[must_use]
pub fn redact_headers(headers: &Value) -> Value {
    let members = headers.as_object().into_iter().flatten().take(HEADERS_MAX);
    let kept = members.map(|(name, value)| {
        let value = match (words::judge(name).sort, value) {
            (Sort::Secret, _) => Value::from(GONE),
            (_, Value::String(text)) => {
                let cut = text.floor_char_boundary(HEADER_BYTES_MAX);
                digits::masked(text.get(..cut).unwrap_or_default()).into()
            }
            (_, other) => gone(other),
        };
        (name.clone(), value)
    });
    Value::Object(kept.collect())
}

/// The decoded query without what is private.
#[must_use]
pub fn redact_query(query: &Value) -> Value {
    redact(query, &[], &[])
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    whose: Option<Whose>,
    wrappings: u8,
}

fn walk(value: &Value, judged: words::Judged, place: Place) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Array(list) => list.iter().map(|item| walk(item, judged, place)).collect(),
        Value::Object(members) => Value::Object(object(members, judged, place)),
        Value::Number(_) | Value::String(_) => leaf(value, judged, place),
    }
}

fn object(members: &Map<String, Value>, judged: words::Judged, place: Place) -> Map<String, Value> {
    let whose = match judged.sort {
        Sort::Address => Some(Whose::Home),
        Sort::Secret | Sort::Hidden => Some(Whose::Vault),
        Sort::Phone | Sort::Spot | Sort::Name | Sort::Human | Sort::Coordinate | Sort::Id | Sort::Plain => {
            judged.whose.or(place.whose)
        }
    };
    let whose = whose.or_else(|| is_persons(members).then_some(Whose::Caller));
    let inside = Place { whose, ..place };
    let told = told_name(members);
    let redacted = members.iter().map(|(name, value)| {
        let judged = match &told {
            Some((holder, told)) if holder == name => words::judge(told),
            Some(_) | None => words::judge(name),
        };
        (digits::masked(name), walk(value, judged, inside))
    });
    redacted.collect()
}

/// Whether somebody can be called or visited there, and nothing says that it is a shop.
fn is_persons(members: &Map<String, Value>) -> bool {
    members.iter().any(|(name, value)| {
        let is_told = value.is_number() || value.as_str().is_some_and(|text| !text.is_empty());
        let judged = words::judge(name);
        is_told && judged.whose.is_none() && matches!(judged.sort, Sort::Phone | Sort::Address)
    })
}

/// `{"name": "phone", "value": "…"}`: which member has another name than its own, and that name.
fn told_name(members: &Map<String, Value>) -> Option<(&'static str, String)> {
    let holder = ["value", "val", "content"].into_iter().find(|name| members.contains_key(*name))?;
    let name =
        ["name", "key", "label", "field", "code"].into_iter().find_map(|name| members.get(name)?.as_str())?;
    Some((holder, name.chars().take(100).collect()))
}

fn leaf(value: &Value, judged: words::Judged, place: Place) -> Value {
    let whose = judged.whose.or(place.whose);
    match (judged.sort, whose) {
        (Sort::Secret | Sort::Address | Sort::Hidden, _)
        | (_, Some(Whose::Vault))
        | (Sort::Name, Some(Whose::Person | Whose::Home)) => gone(value),
        (Sort::Phone, _) => digits::all_but_the_last(&text(value)).map_or_else(|| value.clone(), Value::from),
        (Sort::Coordinate, whose) => match (texts::rounded(value), whose) {
            (Some(_), Some(Whose::Thing)) => value.clone(),
            (Some(rounded), _) => rounded,
            // A location in words is an address.
            (None, Some(Whose::Thing)) => searched(value, place),
            (None, _) if texts::is_id(value) => value.clone(),
            (None, _) => gone(value),
        },
        (Sort::Name, Some(Whose::Caller)) | (Sort::Human | Sort::Spot, _) if !texts::is_id(value) => {
            gone(value)
        }
        (Sort::Plain | Sort::Id, Some(Whose::Home)) if !judged.is_wide => gone(value),
        (Sort::Id, whose) if whose != Some(Whose::Person) && texts::is_token(value) => value.clone(),
        (Sort::Name | Sort::Human | Sort::Spot | Sort::Plain | Sort::Id, _) => searched(value, place),
    }
}

/// A value without the numbers in it that can be called, and without what is wrapped in it.
fn searched(value: &Value, place: Place) -> Value {
    let Value::String(text) = value else {
        let text = text(value);
        let masked = digits::masked(&text);
        return if masked == text { value.clone() } else { masked.into() };
    };
    texts::searched(text, place).map_or_else(|| value.clone(), Value::from)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What is empty tells nobody anything, and an expression may ask for it.
fn gone(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::String(text) if text.is_empty() => value.clone(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            GONE.into()
        }
    }
}

/// Counts what is written, until it is too much.
struct Room(usize);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use serde_json::{Value, json};

    use super::{redact, redact_headers, redact_query, redact_within};
    use crate::intake::hooks::HookRequest;
    use crate::intake::hooks::decode::{Decoder, headers_value, query_value};
    use crate::intake::hooks::path::Path;

    fn bare(body: &Value) -> Value {
        redact(body, &[], &[])
    }

    /// Each fixture with its decoded body.
    fn fixtures() -> Vec<(Value, Value)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hooks/payloads");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let fixtures = files.map(|file| {
            let fixture: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            let headers = &HeaderMap::from_iter([(
                HeaderName::from_static("content-type"),
                HeaderValue::from_str(fixture["request"]["headers"]["Content-Type"].as_str().unwrap())
                    .unwrap(),
            )]);
            let mut profile = fixture["decode"].clone();
            profile.as_object_mut().unwrap().remove("event");
            let body = fixture["request"]["body"].as_str().unwrap().as_bytes();
            let (method, url) = (&Method::POST, "");
            let request = HookRequest { method, url, query: "", headers, body, event: None, peer: None };
            let body = Decoder::read(Some(&profile)).unwrap().decode(&request).unwrap();
            (fixture, body)
        });
        fixtures.collect()
    }

    const PRIVATE: [&str; 18] = [
        "1300000",
        "+1555",
        "02100000000",
        "测试骑手",
        "测试顾客",
        "顾客",
        "测(先生)",
        "Cori",
        "Test C.",
        "Dee",
        "Rider A",
        "测试路",
        "测试小区3",
        "Test Plaza",
        "Test Rd",
        "test@example.com",
        "测试区",
        "wc_order_demo",
    ];

    #[test]
    fn nothing_private_of_any_sender_is_kept() {
        let fixtures = fixtures();
        assert!(fixtures.len() >= 20);
        for (fixture, body) in fixtures {
            let kept = bare(&body).to_string();
            for private in PRIVATE {
                assert!(!kept.contains(private), "{private} in {kept}");
            }
            for member in ["signature", "sign", "sig"] {
                let signature = body[member].as_str().unwrap_or_default();
                assert!(signature.is_empty() || !kept.contains(signature), "{}", fixture["name"]);
            }
            // Redacted once more it is the same.
            assert_eq!(bare(&bare(&body)).to_string(), kept);
        }
    }

    #[test]
    fn what_the_mapping_asks_for_is_kept() {
        let told = [
            "id",
            "kind",
            "order_id",
            "order_no",
            "short_no",
            "merchant",
            "first_item",
            "reason",
            "amount",
            "occurred_unix",
            "occurred_ms",
            "occurred_at",
            "version",
            "rider_id",
            "user_id",
        ];
        for (fixture, body) in fixtures() {
            let (before, kept) = (body.to_string(), bare(&body).to_string());
            for name in told {
                let value = &fixture["expected"][name];
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // Ids and kinds are made of parts.
                for part in text.split([':', '#']).filter(|part| part.len() > 3 && before.contains(*part)) {
                    assert!(kept.contains(part), "{part} of {name} in {kept}");
                }
            }
        }
        let dada =
            fixtures().into_iter().find(|(fixture, _)| fixture["name"] == "03-dada-accepted").unwrap().1;
        let expected = json!({
            "client_id": "287471010203040", "order_id": "M20260301000017", "order_status": 2, "dm_id": 666_001,
            "dm_name": "***", "dm_mobile": "*******0001", "cancel_reason": "", "cancel_from": 0,
            "update_time": 1_772_339_407, "signature": "***",
        });
        assert_eq!(bare(&dada), expected);
    }

    #[test]
    fn members_are_judged_by_their_names_and_their_parents() {
        let cases = [
            (
                json!({"shop":{"name":"面馆","phone":"13000000001"}}),
                json!({"shop":{"name":"面馆","phone":"*******0001"}}),
            ),
            (json!({"receiver":{"name":"张三"}}), json!({"receiver":{"name":"***"}})),
            (json!({"name":"张三","phone":""}), json!({"name":"张三","phone":""})),
            (json!({"name":"张三","phone":"1"}), json!({"name":"***","phone":"1"})),
            (json!({"name":"#9999","phone":"+15550000001"}), json!({"name":"#9999","phone":"+*******0001"})),
            (json!({"shop":{"contact":{"name":"张三"}}}), json!({"shop":{"contact":{"name":"***"}}})),
            (
                json!({"consignee":"张三","rider":"r_17","driver":"alice"}),
                json!({"consignee":"***","rider":"r_17","driver":"alice"}),
            ),
            (
                json!({"收货人":"张三","收货人电话":13_000_000_001_u64,"商家名称":"面馆","骑手编号":"7"}),
                json!({"收货人":"***","收货人电话":"*******0001","商家名称":"面馆","骑手编号":"7"}),
            ),
            (
                json!({"lianxidianhua":"021-12345678","shouhuoren":"张三","xiangxidizhi":"路1号"}),
                json!({"lianxidianhua":"***-****5678","shouhuoren":"***","xiangxidizhi":"***"}),
            ),
            (
                json!({"username":"zhang san","shopName":"面馆","nickName":"小张"}),
                json!({"username":"***","shopName":"面馆","nickName":"***"}),
            ),
            (
                json!({"address":{"city":"上海","street":"路","number":2,"lat":31.2304}}),
                json!({"address":{"city":"上海","street":"***","number":"***","lat":31.23}}),
            ),
            (
                json!({"shop":{"lat":31.2304,"lng":"121.4737"}}),
                json!({"shop":{"lat":31.2304,"lng":"121.4737"}}),
            ),
            (
                json!({"rider_lng":"121.473701","lat":31_230_416,"location":"121.4737,31.2304"}),
                json!({"rider_lng":"121.47","lat":31_230_000,"location":"121.47,31.23"}),
            ),
            (
                json!({"sign_time":1,"signType":"md5","pushToken":"x","apiKey":"x","auth":{"a":"x"}}),
                json!({"sign_time":1,"signType":"md5","pushToken":"***","apiKey":"***","auth":{"a":"***"}}),
            ),
            (
                json!({"list":[{"name":"phone","value":"02100000000"},{"key":"order_no","value":"15012054900"}]}),
                json!({"list":[{"name":"phone","value":"*******0000"},{"key":"order_no","value":"15012054900"}]}),
            ),
            (
                json!({"location":"测试路1号","shop":{"location":"一楼"},"position":"front","code":"打13000000001"}),
                json!({"location":"***","shop":{"location":"一楼"},"position":"front","code":"打*******0001"}),
            ),
            (
                json!({"rider_id":"13000000001","order_id":"15012054900"}),
                json!({"rider_id":"*******0001","order_id":"15012054900"}),
            ),
            (json!({"13000000001":{"a":1}}), json!({"*******0001":{"a":1}})),
            (
                json!({"phones":["13000000001"],"addresses":["路"]}),
                json!({"phones":["*******0001"],"addresses":["***"]}),
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(bare(&body), expected, "{body}");
        }
    }

    #[test]
    fn texts_are_searched_and_what_is_wrapped_in_them() {
        let cases = [
            ("到了打13000000006，不要放门口", "到了打*******0006，不要放门口"),
            ("mail me@example.com now", "mail *** now"),
            ("50%25 13000000006", "50%25 *******0006"),
            ("{\"a\":1 }", "{\"a\":1 }"),
            ("{\"recipient_name\":\"张三\"}", "{\"recipient_name\":\"***\"}"),
            ("%7B%22phone%22%3A%2213000000006%22%7D", "%7B%22phone%22%3A%22*******0006%22%7D"),
            ("<xml><name>张三</name></xml>", "***"),
            ("https://example.com/a?token=x", "https://example.com/a?***"),
        ];
        for (text, expected) in cases {
            assert_eq!(bare(&json!({"x":text})), json!({"x":expected}), "{text}");
        }
        let wrapped =
            (0..6).fold("{\"phone\":13000000006}".to_owned(), |text, _| json!({"x":text}).to_string());
        assert!(!bare(&json!({"x":wrapped})).to_string().contains("1300000"));
    }

    #[test]
    fn the_owner_says_what_stays_and_what_goes() {
        let body = json!({"rider":{"phone":"13000000001","name":"张三"},"code":"7788","list":[{"a":"b"}]});
        let paths =
            |texts: &[&str]| texts.iter().map(|text| Path::read_in_body(text).unwrap()).collect::<Vec<_>>();
        let keep = paths(&["body.rider.phone", "body.absent", "body.code"]);
        let kept = redact(&body, &keep, &paths(&["body.code", "body.list.*.a"]));
        assert_eq!(
            kept,
            json!({"rider":{"phone":"13000000001","name":"***"},"code":"***","list":[{"a":"***"}]})
        );
        let length = bare(&body).to_string().len();
        assert!(redact_within(&body, &[], &[], length).is_some());
        assert!(redact_within(&body, &[], &[], length - 1).is_none());
    }

    #[test]
    fn headers_and_queries_keep_what_is_asked_for() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Basic x"),
            ("cookie", "x"),
            ("x-wc-webhook-signature", "x"),
            ("event-sign", "x"),
            ("x-shopify-hmac-sha256", "x"),
            ("x-api-key", "x"),
            ("webhook-signature", "x"),
            ("x-auth-token", "x"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let kept = redact_headers(&headers_value(&headers));
        assert!(kept.as_object().unwrap().values().all(|value| value == "***"), "{kept}");
        let told = json!({"x-wc-webhook-topic":"order.created","webhook-id":"msg_1","user-agent":"Guzzle/7"});
        assert_eq!(redact_headers(&told), told);
        let long = redact_headers(&json!({"x": "测".repeat(1_000)}));
        assert_eq!(long["x"].as_str().unwrap().len(), 1_023);
        let many: Value = (0..100).map(|n| (format!("x-{n}"), json!("1"))).collect();
        assert_eq!(redact_headers(&many).as_object().unwrap().len(), 64);
        let query = query_value("sign=x&timestamp=1772339420&nonce=n0nce&pushToken=x&signature=x");
        let expected = json!({"sign":"***","timestamp":"1772339420","nonce":"n0nce","pushToken":"***","signature":"***"});
        assert_eq!(redact_query(&query), expected);
    }
}

//! The bodies of real senders (`payloads/`, see its README): verified, mapped and answered as each file says, and refused as
//! soon as one byte is another.

use serde_json::Value;

use crate::stage::{Told, Try, folder};

/// Each file and the preset that reads it.
const FIXTURES: [(&str, &str); 20] = [
    ("01-sky-new-order", "sky_take_out"),
    ("02-sky-urge", "sky_take_out"),
    ("03-dada-accepted", "dada"),
    ("05-meituan-peisong-status", "meituan_peisong"),
    ("06-sf-intracity-rider-status", "sf"),
    ("07-shansong-cancelled", "shansong"),
    ("08-eleme-order-state", "eleme"),
    ("09-eleme-waybill-exception", "eleme"),
    ("11-meituan-waimai-order-paid", "meituan_waimai"),
    ("12-wechat-waybill-status", "wechat"),
    ("14-uber-direct-delivery-status", "uber_direct"),
    ("15-doordash-drive-confirmed", "doordash_drive"),
    ("16-woocommerce-order-created", "woocommerce"),
    ("17-shopify-orders-create", "shopify"),
    ("18-square-fulfillment-updated", "square"),
    ("19-onfleet-task-assigned", "onfleet"),
    ("20-youzan-trade-paid", "youzan"),
    ("24-standard-webhooks-canonical", "standard_webhooks"),
    ("25-cloudevents-structured", "cloudevents"),
    ("28-crmeb-order-pay-push", "crmeb"),
];

/// Members of a fixture's `expected` and where the event has them.
const MEMBERS: [(&str, &str); 12] = [
    ("id", "/id"),
    ("kind", "/kind"),
    ("order_id", "/order/id"),
    ("rider_id", "/target/riders/0"),
    ("short_no", "/order/short_no"),
    ("merchant", "/order/merchant/name"),
    ("reason", "/order/reason"),
    ("version", "/order/version"),
    ("items", "/order/items"),
    ("order_no", "/alert/vars/order_no"),
    ("first_item", "/alert/vars/first_item"),
    ("amount", "/alert/vars/amount"),
];

/// Members that no event has: they are nobody's business, or nobody's ear's.
const DROPPED: [&str; 3] = ["address", "rider_name", "user_id"];

/// A request as its file tells it.
pub(crate) struct Fixture {
    preset: &'static str,
    told: Value,
}

impl Fixture {
    pub(crate) fn read(name: &str) -> Self {
        let (name, preset) = *FIXTURES.iter().find(|(file, _)| *file == name).unwrap();
        let text = std::fs::read_to_string(folder("payloads").join(format!("{name}.json"))).unwrap();
        Self { preset, told: serde_json::from_str(&text).unwrap() }
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.told.pointer(pointer).and_then(Value::as_str)
    }

    pub(crate) fn body(&self) -> &str {
        self.text("/request/body").unwrap()
    }

    fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.told["request"]["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
    }

    /// The command line for this request, with other bytes where a test wants that.
    fn tried(&self, body: &[u8], query: &str, header: impl Fn(&str, &str) -> String) -> Told {
        let mut tried = Try::of(self.preset, body).with("query", query);
        for (name, value) in self.headers() {
            tried = tried.with("header", &format!("{name}: {}", header(name, value)));
        }
        for (option, pointer) in
            [("secret", "/signature/secret"), ("url", "/signature/url"), ("event", "/decode/event")]
        {
            if let Some(value) = self.text(pointer) {
                tried = tried.with(option, value);
            }
        }
        for param in ["dev_id", "client_id"] {
            if let Some(value) = self.told["signature"][param].as_str() {
                tried = tried.with("param", &format!("{param}={value}"));
            }
        }
        tried.run()
    }

    fn run(&self) -> Told {
        self.tried(self.body().as_bytes(), self.text("/request/query").unwrap(), |_, value| value.to_owned())
    }

    /// With another body, as if the sender had sent that.
    fn with_body(&self, body: &[u8]) -> Told {
        self.tried(body, self.text("/request/query").unwrap(), |_, value| value.to_owned())
    }

    /// With one byte of the signature changed, where it is not in the body.
    fn with_broken_signature(&self, place: usize) -> Option<Told> {
        let (part, name) = self.text("/signature/in")?.split_once('.')?;
        let query = self.text("/request/query").unwrap();
        match part {
            "header" => Some(self.tried(self.body().as_bytes(), query, |header, value| {
                let is_it = header.eq_ignore_ascii_case(name);
                if is_it { flipped_text(value, place) } else { value.to_owned() }
            })),
            "query" => {
                let (before, rest) = query.split_once(&format!("{name}=")).unwrap();
                let (value, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
                let query = format!("{before}{name}={}{after}", flipped_text(value, place));
                Some(self.tried(self.body().as_bytes(), &query, |_, value| value.to_owned()))
            }
            _ => None,
        }
    }
}

/// A letter or digit in place of another one; it stays a header's or a query's value.
fn flipped_text(value: &str, place: usize) -> String {
    let mut letters: Vec<char> = value.chars().collect();
    // Behind the name of a scheme or version, which is no part of the signature; and before the last letter of base64,
    // some of whose bits say nothing.
    let from = value.find([' ', ',']).map_or(0, |at| at + 1);
    let places: Vec<usize> =
        (from..letters.len()).filter(|at| letters[*at].is_ascii_alphanumeric()).collect();
    let at = places[place % (places.len() - 3)];
    letters[at] = if letters[at] == '7' { '8' } else { '7' };
    letters.into_iter().collect()
}

#[test]
fn every_file_has_its_preset() {
    let files = std::fs::read_dir(folder("payloads")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut files: Vec<String> =
        files.filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned())).collect();
    files.sort_unstable();
    assert_eq!(files, FIXTURES.map(|(name, _)| name));
}

#[test]
fn every_fixture_is_verified_mapped_and_answered() {
    for (name, _) in FIXTURES {
        let fixture = Fixture::read(name);
        let told = fixture.run();
        assert!(told.is_good(), "{name}: {told:#?}");
        let event = told.event();
        for (member, value) in fixture.told["expected"].as_object().unwrap() {
            check(name, member, value, event);
        }
        assert_eq!(told.json["ack"]["status"], fixture.told["ack"]["status"], "{name}");
        let body = fixture.text("/ack/body").unwrap();
        if !body.starts_with("(none") {
            assert_eq!(told.ack(), body, "{name}");
        }
        assert_eq!((&told.json["ignored"], &told.json["verdict"]), (&0.into(), &"mapped".into()), "{name}");
        for secret in ["130000000", "测试骑手", "测试顾客", "测试路 9 号", "Test Plaza"] {
            assert!(!event.to_string().contains(secret), "{name}: {secret} in {event}");
        }
    }
}

fn check(name: &str, member: &str, expected: &Value, event: &Value) {
    if let Some((_, pointer)) = MEMBERS.iter().find(|(known, _)| *known == member) {
        let value = event.pointer(pointer).unwrap_or(&Value::Null);
        // What is empty is left out.
        let same = value == expected || (value.is_null() && expected == "");
        assert!(same, "{name}: {member} is {value}, not {expected}");
        return;
    }
    let at = event["occurred_at"]
        .as_str()
        .and_then(|at| at.parse::<jiff::Timestamp>().ok())
        .map(jiff::Timestamp::as_millisecond);
    match member {
        "occurred_unix" => assert_eq!(at, Some(expected.as_i64().unwrap() * 1000), "{name}"),
        "occurred_ms" => assert_eq!(at, expected.as_i64(), "{name}"),
        "occurred_at" => {
            let expected: jiff::Timestamp = expected.as_str().unwrap().parse().unwrap();
            assert_eq!(at, Some(expected.as_millisecond()), "{name}");
        }
        dropped => {
            assert!(DROPPED.contains(&dropped), "{name}: {dropped} is looked at by nobody");
            assert!(!event.to_string().contains(expected.as_str().unwrap()), "{name}: {dropped}");
        }
    }
}

/// Files whose body is signed with a secret.
const SIGNED: [&str; 12] = [
    "05-meituan-peisong-status",
    "06-sf-intracity-rider-status",
    "08-eleme-order-state",
    "09-eleme-waybill-exception",
    "11-meituan-waimai-order-paid",
    "14-uber-direct-delivery-status",
    "16-woocommerce-order-created",
    "17-shopify-orders-create",
    "18-square-fulfillment-updated",
    "19-onfleet-task-assigned",
    "20-youzan-trade-paid",
    "24-standard-webhooks-canonical",
];
/// Bytes that are changed of each body, one at a time: every one of them is tried below the program.
const FLIPS: usize = 8;

#[test]
fn a_changed_byte_of_a_signed_body_is_refused() {
    for name in SIGNED {
        let fixture = Fixture::read(name);
        let body = fixture.body().as_bytes();
        for flip in 0..FLIPS {
            let at = (body.len() - 1) * flip / (FLIPS - 1);
            let mut other = body.to_vec();
            other[at] ^= 1;
            let told = fixture.with_body(&other);
            assert!(told.is_refused(), "{name}, byte {at}: {told:#?}");
        }
    }
}

#[test]
fn a_changed_signature_or_token_is_refused() {
    let mut tried = 0;
    for (name, _) in FIXTURES {
        let fixture = Fixture::read(name);
        if fixture.text("/signature/secret").is_none() {
            continue;
        }
        for place in [0, 7, 13] {
            let Some(told) = fixture.with_broken_signature(place) else { continue };
            assert!(told.is_refused(), "{name}, place {place}: {told:#?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 3 * 11, "all that sign in a header or in the query");
}

#[test]
fn a_refusal_has_the_shape_of_the_sender() {
    let shapes = [
        ("05-meituan-peisong-status", "/code"),
        ("06-sf-intracity-rider-status", "/error_code"),
        ("08-eleme-order-state", "/message"),
        ("11-meituan-waimai-order-paid", "/data"),
        ("12-wechat-waybill-status", "/resultcode"),
        ("20-youzan-trade-paid", "/code"),
        ("28-crmeb-order-pay-push", "/code"),
    ];
    for (name, pointer) in shapes {
        let fixture = Fixture::read(name);
        let mut body = fixture.body().as_bytes().to_vec();
        body[10] ^= 1;
        let told = fixture.with_broken_signature(3).unwrap_or_else(|| fixture.with_body(&body));
        assert!(told.is_refused(), "{name}: {told:#?}");
        assert_eq!(told.json["ack"]["status"], 401, "{name}");
        let ack: Value = serde_json::from_str(told.ack()).unwrap();
        let word = ack.pointer(pointer).unwrap_or(&Value::Null);
        assert!(!word.is_null() && *word != 0 && *word != "ok", "{name}: {ack}");
    }
}

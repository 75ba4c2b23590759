//! Fifteen senders as their documents describe them, with their own requests; and senders of other shapes, whose
//! signatures were worked out elsewhere.

use serde_json::Value;

use super::Case;

/// The bodies, headers and queries of `tests/hooks/payloads`, by the profile that verifies them.
pub(super) fn real() -> Vec<Case> {
    let all = [
        ("03-dada-accepted", DADA),
        ("05-meituan-peisong-status", MEITUAN_PEISONG),
        ("06-sf-intracity-rider-status", SF),
        ("08-eleme-order-state", ELEME),
        ("09-eleme-waybill-exception", ELEME),
        ("11-meituan-waimai-order-paid", MEITUAN_WAIMAI),
        ("12-wechat-waybill-status", WECHAT),
        ("14-uber-direct-delivery-status", UBER),
        ("15-doordash-drive-confirmed", DOORDASH),
        ("16-woocommerce-order-created", WOOCOMMERCE),
        ("17-shopify-orders-create", SHOPIFY),
        ("18-square-fulfillment-updated", SQUARE),
        ("19-onfleet-task-assigned", ONFLEET),
        ("20-youzan-trade-paid", YOUZAN),
        ("24-standard-webhooks-canonical", STANDARD_WEBHOOKS),
        ("28-crmeb-order-pay-push", CRMEB),
    ];
    all.into_iter().map(|(name, verify)| sent(name, verify)).collect()
}

fn sent(name: &str, verify: &'static str) -> Case {
    let path = format!("{}/tests/hooks/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let sent: Value = serde_json::from_slice(&std::fs::read(&path).expect(&path)).expect(&path);
    let (request, signature) = (&sent["request"], &sent["signature"]);
    let mut case = Case::new(name, verify)
        .query(request["query"].as_str().unwrap())
        .body(request["body"].as_str().unwrap().as_bytes());
    for (header, value) in request["headers"].as_object().unwrap() {
        case = case.header(header, value.as_str().unwrap());
    }
    if let Some(secret) = signature["secret"].as_str() {
        case = case.secret(secret);
    }
    for param in ["dev_id", "client_id"] {
        if let Some(value) = signature[param].as_str() {
            case = case.param(param, value);
        }
    }
    if let Some(url) = signature["url"].as_str() {
        url.clone_into(&mut case.url);
    }
    case
}

/// Senders of other shapes.
pub(super) fn others() -> Vec<Case> {
    let body = "{\"order\":\"M1\",\"note\":\"少放辣 ok\"}".as_bytes();
    let form = b"out_trade_no=M1&total=49.00&memo=%E5%B0%91%E6%94%BE+%E8%BE%A3&empty=&a1=x&a=y";
    let of = |name, verify| Case::new(name, verify).body(body);
    let of_form = |name, verify, sign: &str| Case::new(name, verify).body(&[form, sign.as_bytes()].concat());
    let signed = "1772339405";
    vec![
        of("github", GITHUB).secret("It's a Secret").header(
            "X-Hub-Signature-256",
            "sha256=58b4919da92291908f2385d8183d890f335126964a2ad7325767d96b3764e1dc",
        ),
        of("stripe", STRIPE).secret("whsec_stripe").header(
            "Stripe-Signature",
            "t=1772339405,v1=8ff87149b5104ee77990c9d41b98ea5a1159abfe06feed41e49a06cac898dae1",
        ),
        of("slack", SLACK).secret("8f742231b10e").header("X-Slack-Request-Timestamp", signed).header(
            "X-Slack-Signature",
            "v0=405f880806dd152b46a75ec338352a27c74db98ab8ecfab9bdb81c3459d77560",
        ),
        Case::new("dingtalk", DINGTALK)
            .secret("SECdemo")
            .header("timestamp", "1772339405123")
            .header("sign", "ysTBHHLO/GV5vxFTpcLX3YJOnpms2yNwHaypG9aoCu4="),
        of("lark", LARK)
            .secret("encrypt-key")
            .header("X-Lark-Request-Timestamp", signed)
            .header("X-Lark-Request-Nonce", "n1")
            .header(
                "X-Lark-Signature",
                "38c7eeb27456fefce1a08fb4b2cd495aa0d9757e5531d2586b17003f1bbe173f",
            ),
        of("svix", SVIX)
            .secret("whsec_c3ZpeC1kZW1vLWtleQ==")
            .header("svix-id", "msg_1")
            .header("svix-timestamp", signed)
            .header("svix-signature", "v1,bZS5561jqS4SEndGPf97RRjZfE0osbFEBtHeHwlSlYM="),
        of("method and path", METHOD)
            .secret("mp")
            .query("a=1&b=2")
            .header("Authorization", "MP 06adwG9Za36OHOS6rzAn/UmhCZo="),
        of_form("wechat pay", WECHAT_PAY, "&sign_type=MD5&sign=18993718A22DDC775AC9B63FFD481B6C")
            .secret("pay-demo-key"),
        Case::new("wechat pay, xml", WECHAT_PAY_XML).secret("pay-demo-key").body(
            "<xml><appid><![CDATA[wx1]]></appid><nonce_str>n1</nonce_str><attach>少放 &lt;辣></attach><empty/>\
             <result_code><![CDATA[SUCCESS]]></result_code><total_fee>4900</total_fee>\
             <sign><![CDATA[969356EF3A9B2ADEC0622CAB9B470862]]></sign></xml>"
                .as_bytes(),
        ),
        of_form("pairs", PAIRS, "&sig=772642f3edb2241e3a878044df4fdd46").secret("ps"),
        of_form("values", VALUES, "&sign=4dca132596c3fba55a96806e032bdbacf6cc1502").secret("sv-secret"),
        Case::new("gbk", GBK)
            .secret("gbk-secret")
            .body(b"name=%B2%E2%CA%D4&k=v&sign=2e631177b4779cabb3549cd51ffac05e"),
        Case::new("wechat, encrypted", WECHAT_ENCRYPTED)
            .secret("wx-token")
            .query("timestamp=1772339420&nonce=n0nce&msg_signature=25a92d2866d574e30eb510112f5d7789de7a5061")
            .body(br#"{"ToUserName":"gh_1","Encrypt":"ENC+/=="}"#),
    ]
}

#[test]
fn every_sender_of_the_fixtures_passes_by_configuration_alone() {
    real().iter().for_each(Case::passes);
}

#[test]
fn senders_of_other_shapes_pass_by_configuration_alone() {
    others().iter().for_each(Case::passes);
}

#[test]
fn none_passes_with_another_secret_or_without_one() {
    for case in real().into_iter().chain(others()) {
        if case.secrets.is_empty() {
            continue;
        }
        let wrong = match &*case.name {
            "19-onfleet-task-assigned" => "6f6e666c65657464656d70",
            "24-standard-webhooks-canonical" | "svix" => "whsec_c3ZpeC1kZW1vLWtleR==",
            _ => "another secret",
        };
        let mut other = case.clone();
        other.secrets.clear();
        let without = other.reason();
        assert_eq!(other.secret(wrong).reason(), without, "{}", case.name);
    }
}

#[test]
fn several_secrets_count_at_once() {
    for mut case in real().into_iter().chain(others()) {
        let Some(live) = case.secrets.get_mut("secret") else { continue };
        for _ in 0..7 {
            live.insert(0, b"whsec_bmV3ZXI=".to_vec());
        }
        case.passes();
        // A ninth is one too many: the newest eight count.
        case.secrets.get_mut("secret").unwrap().insert(0, b"newest".to_vec());
        case.reason();
    }
}

pub(super) const DADA: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{params}"
in = "body.signature"
[verify.params]
fields = ["client_id", "order_id", "update_time"]
sort = "value"
pair = "{value}"
join = ""
"#;
pub(super) const MEITUAN_PEISONG: &str = r#"
[[verify]]
scheme = "digest"
hash = "sha1"
over = "{secret}{params}"
in = "body.sign"
[verify.params]
from = "form"
pair = "{key}{value}"
join = ""
skip_empty = ["cancel_reason", "courier_name", "courier_phone"]
"#;
const SF: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{body}&{param.dev_id}&{secret}"
encoding = "base64_of_hex"
in = "query.sign"
"#;
const ELEME: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{params}{secret}"
encoding = "HEX"
in = "body.signature"
[verify.params]
sort = "pair"
join = ""
"#;
const MEITUAN_WAIMAI: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{url}?{params}{secret}"
in = "body.sig"
[verify.params]
from = "form"
percent_decode = ["detail", "extras", "wm_poi_name", "wm_poi_address", "recipient_address", "recipient_name", "caution"]
"#;
pub(super) const WECHAT: &str = r#"
[[verify]]
scheme = "digest"
hash = "sha1"
in = "query.signature"
timestamp = "query.timestamp"
[verify.params]
from = "query"
fields = ["timestamp", "nonce"]
sort = "value"
pair = "{value}"
join = ""
secret_as = "value"
"#;
const UBER: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
in = "header.X-Uber-Signature"
"#;
const DOORDASH: &str = "[[verify]]\nscheme = 'basic'";
pub(super) const WOOCOMMERCE: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
encoding = "base64"
in = "header.X-WC-Webhook-Signature"
"#;
const SHOPIFY: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
encoding = "base64"
in = "header.X-Shopify-Hmac-Sha256"
"#;
const SQUARE: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
over = "{url}{body}"
encoding = "base64"
in = "header.X-Square-HmacSha256-Signature"
"#;
const ONFLEET: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha512"
key = "hex"
in = "header.X-Onfleet-Signature"
"#;
const YOUZAN: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{param.client_id}{body}{secret}"
in = "header.Event-Sign"
"#;
pub(super) const STANDARD_WEBHOOKS: &str = "[[verify]]\nscheme = 'standard_webhooks'";
pub(super) const CRMEB: &str = "[[verify]]\nscheme = 'token'\nin = 'query.pushToken'\nissued = true";

pub(super) const GITHUB: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
prefix = "sha256="
in = "header.X-Hub-Signature-256"
"#;
pub(super) const STRIPE: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
over = "{timestamp}.{body}"
in = "header.Stripe-Signature"
several = true
prefix = "v1="
timestamp = "header.Stripe-Signature"
timestamp_prefix = "t="
"#;
pub(super) const SLACK: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
over = "v0:{timestamp}:{body}"
prefix = "v0="
in = "header.X-Slack-Signature"
timestamp = "header.X-Slack-Request-Timestamp"
"#;
const DINGTALK: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
over = "{timestamp}\n{secret}"
encoding = "base64"
in = "header.sign"
timestamp = "header.timestamp"
"#;
const LARK: &str = r#"
[[verify]]
scheme = "digest"
hash = "sha256"
over = "{timestamp}{header.X-Lark-Request-Nonce}{secret}{body}"
in = "header.X-Lark-Signature"
timestamp = "header.X-Lark-Request-Timestamp"
"#;
const SVIX: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha256"
key = "base64"
over = "{header.svix-id}.{timestamp}.{body}"
encoding = "base64"
several = true
prefix = "v1,"
in = "header.svix-signature"
timestamp = "header.svix-timestamp"
"#;
const METHOD: &str = r#"
[[verify]]
scheme = "hmac"
hash = "sha1"
over = "{method}\n{path}\n{query}\n{body}"
encoding = "base64"
prefix = "MP "
in = "header.Authorization"
"#;
pub(super) const WECHAT_PAY: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
encoding = "HEX"
in = "body.sign"
[verify.params]
from = "form"
except = ["sign_type"]
skip_empty = true
secret_as = "key:key"
"#;
pub(super) const WECHAT_PAY_XML: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
encoding = "HEX"
in = "body.sign"
[verify.params]
skip_empty = true
secret_as = "key:key"
"#;
const PAIRS: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{params}{secret}"
in = "body.sig"
[verify.params]
from = "form"
sort = "pair"
join = ""
"#;
const VALUES: &str = r#"
[[verify]]
scheme = "digest"
hash = "sha1"
over = "{secret}{params}{secret}"
in = "body.sign"
[verify.params]
from = "form"
pair = "{value}"
join = ""
"#;
const GBK: &str = r#"
[[verify]]
scheme = "digest"
hash = "md5"
over = "{params}{secret}"
in = "body.sign"
[verify.params]
from = "form"
"#;
const WECHAT_ENCRYPTED: &str = r#"
[[verify]]
scheme = "digest"
hash = "sha1"
in = "query.msg_signature"
[verify.params]
from = "both"
fields = ["timestamp", "nonce", "Encrypt"]
sort = "value"
pair = "{value}"
join = ""
secret_as = "value"
"#;

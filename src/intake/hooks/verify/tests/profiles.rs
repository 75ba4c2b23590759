//! What a profile may say and what it may not, each with its place.

use serde_json::{Value, json};

use super::senders::{self, STANDARD_WEBHOOKS, WECHAT, WOOCOMMERCE};
use super::{Case, NOW, Verifier, verifier};
use crate::intake::hooks::AgeRule;

fn refused(scheme: &Value) -> (&'static str, String) {
    let error = Verifier::read(&json!([scheme])).map(|_| ()).expect_err(&scheme.to_string());
    (error.error, error.pointer)
}

#[test]
fn a_profile_is_refused_where_it_is_wrong() {
    let hmac = |member: &str, value: Value| {
        let mut scheme = json!({"scheme": "hmac", "in": "header.X-Sign"});
        scheme[member] = value;
        scheme
    };
    let cases = [
        (json!("hmac"), "wrong_type", "/verify/0"),
        (json!({}), "missing_member", "/verify/0/scheme"),
        (json!({"scheme": "hmac2"}), "bad_value", "/verify/0/scheme"),
        (json!({"scheme": "path", "in": "header.X"}), "unknown_member", "/verify/0/in"),
        (json!({"scheme": "hmac"}), "missing_member", "/verify/0/in"),
        (hmac("hash", json!("md5")), "bad_value", "/verify/0/hash"),
        (hmac("key", json!("octal")), "bad_value", "/verify/0/key"),
        (hmac("encoding", json!("Hex")), "bad_value", "/verify/0/encoding"),
        (hmac("in", json!("X-Sign")), "bad_value", "/verify/0/in"),
        (hmac("in", json!("header.")), "bad_value", "/verify/0/in"),
        (hmac("in", json!("header.a b")), "bad_value", "/verify/0/in"),
        (hmac("in", json!("cookie.sign")), "bad_value", "/verify/0/in"),
        (hmac("in", json!(7)), "wrong_type", "/verify/0/in"),
        (hmac("over", json!("{boby}")), "bad_value", "/verify/0/over"),
        (hmac("over", json!("{param.}")), "bad_value", "/verify/0/over"),
        (hmac("over", json!("{header.a b}{header.é}")), "bad_value", "/verify/0/over"),
        (hmac("over", json!("x".repeat(1_025))), "out_of_range", "/verify/0/over"),
        (hmac("over", json!("{timestamp}.{body}")), "bad_value", "/verify/0/timestamp"),
        (hmac("timestamp", json!("header.X-Time")), "bad_value", "/verify/0/timestamp"),
        (hmac("tolerance_s", json!(0)), "out_of_range", "/verify/0/tolerance_s"),
        (hmac("several", json!("yes")), "wrong_type", "/verify/0/several"),
        (hmac("over", json!("{params}")), "missing_member", "/verify/0/params"),
        (hmac("secret_required", json!(false)), "unknown_member", "/verify/0/secret_required"),
        (hmac("a/~b", json!(1)), "unknown_member", "/verify/0/a~1~0b"),
        (
            json!({"scheme": "digest", "in": "query.s", "over": "{secret}"}),
            "missing_member",
            "/verify/0/hash",
        ),
        (json!({"scheme": "digest", "hash": "md5", "in": "query.s"}), "missing_member", "/verify/0/over"),
        (
            json!({"scheme": "digest", "hash": "md5", "in": "query.s", "over": "{body}", "secret_required": true}),
            "bad_value",
            "/verify/0/secret_required",
        ),
        (
            json!({"scheme": "digest", "hash": "md5", "in": "query.s", "over": "{secret}", "params": {}}),
            "missing_member",
            "/verify/0/params",
        ),
        (json!({"scheme": "ip"}), "missing_member", "/verify/0/allow"),
        (json!({"scheme": "ip", "allow": []}), "missing_member", "/verify/0/allow"),
        (json!({"scheme": "ip", "allow": ["10.0.0.1", "10.0.0.0/33"]}), "bad_value", "/verify/0/allow/1"),
        (json!({"scheme": "ip", "allow": ["{param.}"]}), "bad_value", "/verify/0/allow/0"),
        (json!({"scheme": "token"}), "missing_member", "/verify/0/in"),
        (json!({"scheme": "token", "in": "query.t", "issued": 1}), "wrong_type", "/verify/0/issued"),
        (json!({"scheme": "standard_webhooks", "in": "header.x"}), "unknown_member", "/verify/0/in"),
    ];
    for (scheme, error, pointer) in cases {
        assert_eq!(refused(&scheme), (error, pointer.to_owned()), "{scheme}");
    }
    let whole = |value: &Value| Verifier::read(value).map(|_| ()).unwrap_err().pointer;
    assert_eq!(whole(&json!({"scheme": "path"})), "/verify");
    assert_eq!(whole(&json!(vec![json!({"scheme": "path"}); 9])), "/verify");
}

#[test]
fn a_table_of_parameters_is_refused_where_it_is_wrong() {
    let params = |member: &str, value: Value| {
        let mut scheme = json!({"scheme": "digest", "hash": "md5", "over": "{params}{secret}", "in": "body.sign", "params": {}});
        scheme["params"][member] = value;
        scheme
    };
    let cases = [
        (params("form", json!("body")), "unknown_member", "/verify/0/params/form"),
        (params("from", json!("header")), "bad_value", "/verify/0/params/from"),
        (params("sort", json!("desc")), "bad_value", "/verify/0/params/sort"),
        (params("pair", json!("{key}")), "bad_value", "/verify/0/params/pair"),
        (params("pair", json!("{value}{key}")), "bad_value", "/verify/0/params/pair"),
        (params("pair", json!("{value}{value}")), "bad_value", "/verify/0/params/pair"),
        (params("secret_as", json!("value")), "bad_value", "/verify/0/params/secret_as"),
        (params("secret_as", json!("key:")), "bad_value", "/verify/0/params/secret_as"),
        (params("value_json", json!("sorted")), "bad_value", "/verify/0/params/value_json"),
        (params("fields", json!("a")), "wrong_type", "/verify/0/params/fields"),
        (params("fields", json!(["a", ""])), "wrong_type", "/verify/0/params/fields/1"),
        (params("fields", json!(vec!["a"; 201])), "out_of_range", "/verify/0/params/fields"),
        (params("skip_empty", json!("yes")), "wrong_type", "/verify/0/params/skip_empty"),
    ];
    for (scheme, error, pointer) in cases {
        assert_eq!(refused(&scheme), (error, pointer.to_owned()), "{scheme}");
    }
    let both = json!({"scheme": "digest", "hash": "md5", "in": "query.s", "params":
        {"fields": ["a"], "except": ["b"], "secret_as": "key:k"}});
    assert_eq!(refused(&both), ("bad_value", "/verify/0/params/except".to_owned()));
}

#[test]
fn an_empty_list_holds_for_everybody_who_knows_the_address() {
    for profile in [json!(null), json!([]), json!([{"scheme": "path"}])] {
        let verifier = Verifier::read(&profile).unwrap();
        assert_eq!(Case::new("anybody", "").checked_by(&verifier, AgeRule::At(NOW)), Ok(()));
        assert!(!verifier.signs() && verifier.names().is_empty());
    }
}

#[test]
fn braces_that_are_no_placeholder_are_text() {
    let of = |over: &str| {
        let scheme = json!([{"scheme": "hmac", "in": "header.X", "over": over}]);
        Verifier::read(&scheme).map(|_| ())
    };
    for over in ["{\"a\":{body}}", "{}{", "{ body }", "a{body}b}", "{1}"] {
        assert_eq!(of(over), Ok(()), "{over}");
    }
}

#[test]
fn what_a_profile_needs_and_signs_is_known() {
    let all = "[[verify]]\nscheme = 'ip'\nallow = ['{param.ips}']\n[[verify]]\nscheme = 'bearer'\nsecret = 'api'\n\
               [[verify]]\nscheme = 'digest'\nhash = 'md5'\nin = 'query.sign'\nover = '{query.a}{param.dev}{secret}'";
    let all = verifier(all);
    assert_eq!(all.names(), ["api", "dev", "ips", "secret"]);
    assert!(all.signs() && all.signs_query());
    assert!(verifier(WECHAT).signs_query());
    assert!(verifier(WOOCOMMERCE).signs() && !verifier(WOOCOMMERCE).signs_query());
    assert!(verifier(STANDARD_WEBHOOKS).signs());
    assert!(!verifier(senders::CRMEB).signs() && verifier(senders::CRMEB).names() == ["secret"]);
    assert!(!verifier(senders::DADA).signs() && verifier(senders::DADA).names().is_empty());
}

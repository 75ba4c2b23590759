//! What a request may not be, each with its reason.

use super::senders::{GITHUB, MEITUAN_PEISONG, SLACK, STANDARD_WEBHOOKS, STRIPE, WECHAT_PAY, WOOCOMMERCE};
use super::{Case, NOW, senders, verifier};
use crate::domain::EpochMs;
use crate::intake::hooks::AgeRule;

/// A request of these senders.
fn case(verify: &str) -> Case {
    let mut all = senders::real().into_iter().chain(senders::others());
    all.find(|case| case.verify == verify).expect(verify)
}

#[test]
fn a_signature_that_is_missing_doubled_or_malformed_is_told_apart() {
    let mut github = case(GITHUB);
    let good = github.headers[0].clone();
    github.headers.push(good.clone());
    assert_eq!(github.reason(), "ambiguous");
    github.headers.clear();
    assert_eq!(github.reason(), "missing_signature");
    let value = String::from_utf8(good.1).unwrap();
    let digits = value.strip_prefix("sha256=").unwrap();
    // All capitals are the same signature; some are not.
    github.clone().header(&good.0, &format!("sha256={}", digits.to_ascii_uppercase())).passes();
    let mixed = digits.replacen('b', "B", 1);
    for bad in [digits, "sha256=", "sha512=00", &format!("sha256={mixed}"), &value[..value.len() - 2]] {
        assert_eq!(github.clone().header(&good.0, bad).reason(), "bad_signature", "{bad}");
    }
    let mut woo = case(WOOCOMMERCE);
    let signature = woo.headers.iter_mut().find(|(name, _)| name == "X-WC-Webhook-Signature").unwrap();
    signature.1.retain(|byte| *byte != b'=');
    assert_eq!(woo.reason(), "bad_signature", "without its padding");
}

#[test]
fn a_list_of_signatures_needs_one_that_is_right() {
    let good = case(STRIPE).headers[0].1.clone();
    let good = String::from_utf8(good).unwrap();
    let (_, right) = good.split_once(",v1=").unwrap();
    let with = |value: &str| {
        let mut stripe = case(STRIPE);
        stripe.headers.clear();
        stripe.header("Stripe-Signature", value)
    };
    let wrong = "0".repeat(64);
    with(&format!("t=1772339405,v1={wrong},v1={right},v0={wrong}")).passes();
    with(&format!("t=1772339405, v0=x, v1={right}")).passes();
    let many = format!("v1={wrong},").repeat(8);
    assert_eq!(with(&format!("t=1772339405,{many}v1={right}")).reason(), "bad_signature");
    let flood = format!("t=1772339405,v1={right}{}", ",v0=1".repeat(20));
    assert_eq!(with(&flood).reason(), "bad_signature");
    assert_eq!(with(&format!("v1={right}")).reason(), "missing_timestamp");
    assert_eq!(with(&format!("t=1772339405,v0={right}")).reason(), "bad_signature");
}

#[test]
fn a_time_is_judged_within_the_tolerance_and_on_request_not_at_all() {
    let later = |case: &Case, seconds: i64, age: fn(EpochMs) -> AgeRule| {
        let checked = case.checked_by(&case.verifier(), age(NOW.plus_ms(seconds * 1_000)));
        checked.map_err(|error| error.reason)
    };
    for verify in [SLACK, STRIPE, STANDARD_WEBHOOKS] {
        let case = case(verify);
        for seconds in [-300, 0, 300] {
            assert_eq!(later(&case, seconds, AgeRule::At), Ok(()), "{} {seconds}", case.name);
        }
        for seconds in [-301, 301, i64::MAX / 2_000] {
            assert_eq!(later(&case, seconds, AgeRule::At), Err("too_old"), "{} {seconds}", case.name);
            assert_eq!(later(&case, seconds, |_| AgeRule::Any), Ok(()), "{} {seconds}", case.name);
        }
    }
    for bad in ["", "0", "-1", "1e9", " 1772339405", "99999999999999999999", "soon"] {
        let mut slack = case(SLACK);
        slack.headers[0].1 = bad.as_bytes().to_vec();
        assert_eq!(slack.reason(), "bad_timestamp", "{bad}");
    }
}

#[test]
fn parameters_that_can_be_read_in_two_ways_are_refused() {
    let pay = case(WECHAT_PAY);
    let with = |changed: &str| {
        let body = String::from_utf8(pay.body.clone()).unwrap();
        pay.clone().body(changed.replace("BODY", &body).as_bytes())
    };
    with("BODY").passes();
    with("BODY&").passes();
    assert_eq!(with("BODY&total=49.00").reason(), "bad_parameters");
    assert_eq!(with("BODY&empty").reason(), "bad_parameters");
    assert_eq!(with("BODY&sign=00").reason(), "ambiguous");
    assert_eq!(with("BODY&new=%e5%B0%91").reason(), "bad_parameters");
    let many = (0..200).fold(String::new(), |many, place| format!("{many}&x{place}="));
    assert_eq!(with(&format!("BODY{many}")).reason(), "bad_parameters");
    for body in [
        r#"{"a":1,"a":2}"#,
        "[1]",
        "{",
        r#"{"a":"\ud800"}"#,
        "<a><b c='d'/></a>",
        "<a/><b/>",
        "<!DOCTYPE a><a/>",
    ] {
        let verify = MEITUAN_PEISONG.replace("from = \"form\"", "from = \"body\"");
        let checked = pay.clone().body(body.as_bytes()).checked_by(&verifier(&verify), AgeRule::Any);
        assert_eq!(checked.unwrap_err().reason, "bad_parameters", "{body}");
    }
}

#[test]
fn no_answer_says_what_would_have_been_right() {
    let told = case(WOOCOMMERCE).body(b"{}").checked().unwrap_err().to_string();
    assert_eq!(told, "bad_signature: header.x-wc-webhook-signature is not by secret over this request");
    let mut without = case(WOOCOMMERCE);
    without.secrets.clear();
    let error = without.checked().unwrap_err();
    assert_eq!((error.reason, error.forbidden), ("bad_signature", false));
    without.secrets.insert("secret".to_owned(), vec![Vec::new()]);
    assert_eq!(without.checked(), Err(error), "an empty secret is none");
}

#[test]
fn a_key_that_is_not_written_as_the_profile_says_counts_for_nothing() {
    for (name, broken) in
        [("19-onfleet-task-assigned", "6f6"), ("24-standard-webhooks-canonical", "whsec_%%")]
    {
        let mut case = senders::real().into_iter().find(|case| case.name == name).unwrap();
        case.secrets.get_mut("secret").unwrap().insert(0, broken.as_bytes().to_vec());
        case.passes();
        case.secrets.get_mut("secret").unwrap().pop();
        assert_eq!(case.reason(), "bad_signature", "{name}");
    }
}

#[test]
fn what_an_owner_gives_and_can_never_count_is_refused_where_it_stands() {
    let given = |verify: &str, secrets: &[&str]| {
        let case = secrets
            .iter()
            .fold(Case::new("", "").param("ips", "10.0.0.1, ten"), |case, one| case.secret(one));
        verifier(verify).fits(&case.keys()).map_err(|error| error.pointer)
    };
    let hex = "[[verify]]\nscheme = 'hmac'\nkey = 'hex'\nin = 'header.x'";
    let base64 = "[[verify]]\nscheme = 'hmac'\nkey = 'base64'\nin = 'header.x'";
    let at = |pointer: &str| Err(pointer.to_owned());
    assert_eq!(given(hex, &["00ff", "00f"]), at("/secrets/secret/1"));
    assert_eq!(given(base64, &["whsec_AA==", "AA=="]), Ok(()));
    assert_eq!(given(base64, &["AA"]), at("/secrets/secret/0"));
    assert_eq!(given(STANDARD_WEBHOOKS, &["any text", "whsec_"]), at("/secrets/secret/1"));
    assert_eq!(given("[[verify]]\nscheme = 'basic'", &["user"]), at("/secrets/secret/0"));
    assert_eq!(given("[[verify]]\nscheme = 'bearer'", &[""]), at("/secrets/secret/0"));
    assert_eq!(given("[[verify]]\nscheme = 'bearer'", &["a"; 9]), at("/secrets/secret"));
    assert_eq!(given("[[verify]]\nscheme = 'ip'\nallow = ['{param.ips}']", &[]), at("/params/ips"));
    for case in senders::real().into_iter().chain(senders::others()) {
        assert_eq!(case.verifier().fits(&case.keys()), Ok(()), "{}", case.name);
    }
}

#[test]
fn a_sender_without_a_secret_may_be_taken_as_it_is_only_if_the_profile_says_so() {
    let verify = "[[verify]]\nscheme = 'digest'\nhash = 'md5'\nover = '{body}{secret}'\nin = 'query.s'";
    let asked = Case::new("", "").body(b"a").query("s=0cc175b9c0f1b6a831c399e269772661");
    let reason = |verify: &str, case: &Case| {
        case.checked_by(&verifier(verify), AgeRule::Any).map_err(|error| error.reason)
    };
    assert_eq!(reason(verify, &asked), Err("bad_signature"));
    let open = format!("{verify}\nsecret_required = false");
    assert_eq!(reason(&open, &asked), Ok(()));
    assert_eq!(reason(&open, &asked.secret("one")), Err("bad_signature"));
}

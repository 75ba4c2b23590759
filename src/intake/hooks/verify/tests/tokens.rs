//! Secrets that are sent as they are, tokens that we hand out, and addresses.

use super::{Case, NOW, Verifier};
use crate::intake::hooks::AgeRule;

const BEARER: &str = "[[verify]]\nscheme = 'bearer'";
const BASIC: &str = "[[verify]]\nscheme = 'basic'";
const TOKEN: &str = "[[verify]]\nscheme = 'token'\nin = 'header.X-Gitlab-Token'";
const ISSUED: &str = "[[verify]]\nscheme = 'token'\nin = 'query.pushToken'\nissued = true";
const ADDRESSES: &str =
    "[[verify]]\nscheme = 'ip'\nallow = ['203.0.113.0/24', '198.51.100.7', '2001:db8::/32', '{param.ips}']";

const NOW_S: i64 = NOW.0 / 1_000;

#[test]
fn a_secret_that_is_sent_along_must_be_one_that_works() {
    let good = [
        (BEARER, "Authorization", "Bearer s3cret"),
        (BEARER, "Authorization", "bearer s3cret"),
        (TOKEN, "X-Gitlab-Token", "s3cret"),
    ];
    for (verify, header, value) in good {
        let case = Case::new(value, verify).secret("new").secret("s3cret");
        assert_eq!(case.reason(), "missing_token");
        case.clone().header(header, value).passes();
        for wrong in [
            "s3cre",
            "s3cret2",
            "S3cret",
            "",
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Basic s3cret",
            "Bearers3cret",
        ] {
            assert_eq!(case.clone().header(header, wrong).reason(), "bad_token", "{wrong}");
        }
        assert_eq!(case.clone().header(header, value).header(header, value).reason(), "ambiguous");
    }
    let basic = Case::new("basic", BASIC).secret("hook:demo");
    basic.clone().header("Authorization", "Basic aG9vazpkZW1v").passes();
    for wrong in ["Basic aG9vazpkZW1w", "Basic hook:demo", "Bearer aG9vazpkZW1v", "aG9vazpkZW1v"] {
        assert_eq!(basic.clone().header("Authorization", wrong).reason(), "bad_token", "{wrong}");
    }
}

#[test]
fn without_a_secret_nothing_that_is_sent_is_right() {
    for secrets in [vec![], vec![Vec::new()]] {
        let mut case = Case::new("none", TOKEN).header("X-Gitlab-Token", "");
        case.secrets.insert("secret".to_owned(), secrets);
        assert_eq!(case.reason(), "bad_token");
        case.headers[0].1 = b"no hook has this secret".to_vec();
        assert_eq!(case.reason(), "bad_token");
    }
}

#[test]
fn a_token_that_we_hand_out_counts_for_its_hook_until_its_time() {
    let case = Case::new("issued", ISSUED).secret("new").secret("old").param("hook", "crmeb-abc");
    let with = |secret: &str, hook: &str, until_s: i64| {
        let token = Verifier::issue(secret.as_bytes(), hook, until_s);
        case.clone().query(&format!("pushToken={token}"))
    };
    for secret in ["new", "old"] {
        with(secret, "crmeb-abc", NOW_S + 1).passes();
    }
    case.clone().query("pushToken=old").passes();
    assert_eq!(with("new", "crmeb-abc", NOW_S).reason(), "bad_token");
    assert_eq!(with("new", "crmeb-abd", NOW_S + 1).reason(), "bad_token");
    assert_eq!(with("gone", "crmeb-abc", NOW_S + 1).reason(), "bad_token");
    let late = with("new", "crmeb-abc", 1);
    assert_eq!(late.checked_by(&late.verifier(), AgeRule::Any), Ok(()), "for trying out");
    let mut nameless = with("new", "crmeb-abc", NOW_S + 1);
    nameless.params.clear();
    assert_eq!(nameless.reason(), "bad_token");
    // Only where the profile says so.
    let token = Verifier::issue(b"new", "crmeb-abc", NOW_S + 1);
    let plain = Case::new("plain", TOKEN).secret("new").param("hook", "crmeb-abc");
    assert_eq!(plain.header("X-Gitlab-Token", &token).reason(), "bad_token");
}

#[test]
fn every_flipped_bit_of_a_token_fails() {
    let token = Verifier::issue(b"new", "crmeb-abc", NOW_S + 7_200);
    for given in [token.as_bytes(), b"new"] {
        for (place, bit) in (0..given.len()).flat_map(|place| (0..7).map(move |bit| (place, bit))) {
            let mut changed = given.to_vec();
            changed[place] ^= 1 << bit;
            let changed = String::from_utf8(changed).unwrap();
            let case = Case::new(&changed, ISSUED).secret("new").param("hook", "crmeb-abc");
            assert!(case.query(&format!("pushToken={changed}")).checked().is_err(), "{changed}");
        }
    }
}

#[test]
fn only_addresses_of_the_list_may_send() {
    let from = |peer: &'static str, ips: &str| {
        let mut case = Case::new(peer, ADDRESSES).param("ips", ips);
        case.peer = Some(peer);
        case
    };
    for peer in ["203.0.113.200", "198.51.100.7", "::ffff:198.51.100.7", "2001:db8:1::1", "192.0.2.9"] {
        from(peer, "192.0.2.8/30, 192.0.2.99").passes();
    }
    for peer in ["203.0.114.1", "198.51.100.8", "2001:db9::1", "192.0.2.12"] {
        let error = from(peer, "192.0.2.8/30 nonsense").checked().unwrap_err();
        assert_eq!((error.reason, error.forbidden), ("address_not_allowed", true), "{peer}");
    }
    let mut nobody = from("192.0.2.9", "");
    nobody.peer = None;
    assert_eq!(nobody.reason(), "address_not_allowed");
    assert_eq!(nobody.checked_by(&nobody.verifier(), AgeRule::Any), Ok(()), "for trying out");
}

#[test]
fn all_schemes_of_a_profile_must_hold() {
    let case = Case::new(
        "both",
        "[[verify]]\nscheme = 'ip'\nallow = ['203.0.113.0/24']\n[[verify]]\nscheme = 'bearer'",
    )
    .secret("s3cret");
    let mut good = case.clone().header("Authorization", "Bearer s3cret");
    good.peer = Some("203.0.113.1");
    good.passes();
    let mut elsewhere = good.clone();
    elsewhere.peer = Some("203.0.114.1");
    assert_eq!(elsewhere.reason(), "address_not_allowed");
    good.headers.clear();
    assert_eq!(good.reason(), "missing_token");
}

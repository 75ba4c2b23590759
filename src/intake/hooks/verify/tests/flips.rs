//! Every single bit of what is signed, and of the signature, counts. What a sender does not sign is listed here.

use super::{Case, NOW, senders, verifier};
use crate::intake::hooks::AgeRule;

/// What of a sender's requests its signature does not cover.
struct Open {
    body: &'static [&'static str],
    query: &'static [&'static str],
}

/// Its own rule, not ours: each is a gap of the sender's protocol, which a secret path narrows.
fn open(sender: &str) -> Option<Open> {
    let open = |body, query| Some(Open { body, query });
    match sender {
        // A checksum without a secret, and a secret that is sent along: nothing signs.
        "03-dada-accepted" | "15-doordash-drive-confirmed" | "28-crmeb-order-pay-push" => None,
        // The query alone.
        "12-wechat-waybill-status" => open(&["{"], &[]),
        // The same byte as %3d: the signature is the same.
        "06-sf-intracity-rider-status" => open(&[], &["%3D"]),
        // An empty parameter has no part in it, so its name has none; the type of the signature is left out.
        "wechat pay" => open(&["empty", "sign_type=MD5"], &[]),
        "wechat pay, xml" => open(&["empty"], &[]),
        // Names are not part of it, as long as their order is the same.
        "values" => open(&["out_trade_no", "total", "memo", "empty", "a1", "&a=y"], &[]),
        // Of the body what is encrypted; the rest tells nothing.
        "wechat, encrypted" => open(&[r#""ToUserName":"gh_1""#], &[]),
        _ => open(&[], &[]),
    }
}

/// The bytes of `text` that are in one of `parts`; a part of `{` is all of it.
fn is_open(text: &[u8], parts: &[&str], place: usize) -> bool {
    parts.iter().any(|part| {
        let found = text.windows(part.len()).position(|window| window == part.as_bytes()).unwrap();
        *part == "{" || (found..found + part.len()).contains(&place)
    })
}

fn flipped(bytes: &[u8], place: usize, bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[place] ^= 1 << bit;
    flipped
}

fn signed() -> impl Iterator<Item = (Case, Open)> {
    let all = senders::real().into_iter().chain(senders::others());
    all.filter_map(|case| open(&case.name).map(|open| (case, open)))
}

#[test]
fn every_flipped_bit_of_a_signed_body_fails() {
    for (mut case, open) in signed() {
        let (verifier, good) = (case.verifier(), case.body.clone());
        for place in (0..good.len()).filter(|place| !is_open(&good, open.body, *place)) {
            for bit in 0..8 {
                case.body = flipped(&good, place, bit);
                let checked = case.checked_by(&verifier, AgeRule::At(NOW));
                let body = String::from_utf8_lossy(&case.body);
                assert!(checked.is_err(), "{}: bit {bit} of byte {place}: {body}", case.name);
            }
        }
    }
}

#[test]
fn every_cut_or_longer_body_fails() {
    for (mut case, open) in signed() {
        if !open.body.is_empty() || case.body.is_empty() {
            continue;
        }
        let (verifier, good) = (case.verifier(), case.body.clone());
        for length in 0..good.len() {
            case.body = good[..length].to_vec();
            assert!(case.checked_by(&verifier, AgeRule::Any).is_err(), "{}: {length} bytes", case.name);
        }
        case.body = [&good[..], b"x"].concat();
        assert!(case.checked_by(&verifier, AgeRule::Any).is_err(), "{}: one byte more", case.name);
    }
}

#[test]
fn every_flipped_bit_of_a_signature_or_of_a_signed_header_fails() {
    let signing = |name: &str| {
        let name = name.to_ascii_lowercase();
        let parts = ["sign", "hmac", "timestamp", "nonce", "authorization"];
        matches!(&*name, "webhook-id" | "svix-id") || parts.iter().any(|part| name.contains(part))
    };
    let mut flips = 0;
    for (mut case, _) in signed() {
        let (verifier, good) = (case.verifier(), case.headers.clone());
        for header in (0..good.len()).filter(|header| signing(&good[*header].0)) {
            for (place, bit) in
                (0..good[header].1.len()).flat_map(|place| (0..8).map(move |bit| (place, bit)))
            {
                let value = flipped(&good[header].1, place, bit);
                // Others never come through HTTP.
                if http::HeaderValue::from_bytes(&value).is_err() {
                    continue;
                }
                case.headers.clone_from(&good);
                case.headers[header].1 = value;
                let checked = case.checked_by(&verifier, AgeRule::Any);
                assert!(checked.is_err(), "{}: bit {bit} of byte {place} of {}", case.name, good[header].0);
                flips += 1;
            }
        }
    }
    assert!(flips > 5_000, "{flips}");
}

#[test]
fn every_flipped_bit_of_a_signed_query_fails() {
    for (mut case, open) in signed() {
        let (verifier, good) = (case.verifier(), case.query.clone());
        for place in (0..good.len()).filter(|place| !is_open(good.as_bytes(), open.query, *place)) {
            for bit in 0..7 {
                case.query = String::from_utf8(flipped(good.as_bytes(), place, bit)).unwrap();
                let checked = case.checked_by(&verifier, AgeRule::Any);
                assert!(checked.is_err(), "{}: bit {bit} of byte {place}: {}", case.name, case.query);
            }
        }
    }
}

#[test]
fn every_flipped_bit_of_a_signed_url_fails() {
    for name in ["11-meituan-waimai-order-paid", "18-square-fulfillment-updated"] {
        let mut case = senders::real().into_iter().find(|case| case.name == name).unwrap();
        for url in ["http://hook.example.com/in/square", "https://hook.example.com/in/squarf", ""] {
            url.clone_into(&mut case.url);
            assert_eq!(case.reason(), "bad_signature", "{name}");
        }
    }
}

#[test]
fn an_empty_parameter_that_is_left_out_has_a_name_that_nobody_signed() {
    let find = || senders::real().into_iter().find(|case| case.name.starts_with("05")).unwrap();
    let renamed = String::from_utf8(find().body).unwrap().replace("&cancel_reason=&", "&bancel_reason=&");
    // Of the names that are listed an empty one may be missing; any other is signed.
    let mut case = find().body(renamed.as_bytes());
    assert_eq!(case.reason(), "bad_signature");
    let all =
        senders::MEITUAN_PEISONG.replace(r#"["cancel_reason", "courier_name", "courier_phone"]"#, "true");
    case.name.push_str(", all");
    assert_eq!(case.checked_by(&verifier(&all), AgeRule::Any), Ok(()));
}

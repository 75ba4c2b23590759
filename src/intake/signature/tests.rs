//! The known answers of the scheme, every way to be malformed, and that nothing panics.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::{Strategy, any, prop, prop_assert_eq, proptest};

use super::{HEADERS, ID, KEY_ID, SIGNATURE, SignatureError, Signed, TIMESTAMP, sign};
use crate::clock::EpochMs;
use crate::domain::KeyId;

const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const TOLERANCE_MS: i64 = 300_000;

fn secret(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn key() -> KeyId {
    KeyId::new(EpochMs(1), [7; 10])
}

/// Good headers, with these changed.
fn headers(changes: &[(&'static str, &[&[u8]])]) -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let good = [key().to_string(), MESSAGE.to_owned(), AT_S.to_string(), SIGNED.to_owned()];
    let good = [KEY_ID, ID, TIMESTAMP, SIGNATURE].into_iter().zip(good);
    let mut headers: Vec<_> = good.map(|(name, value)| (name, vec![value.into_bytes()])).collect();
    for (name, values) in changes {
        let header = headers.iter_mut().find(|(known, _)| known == name).unwrap();
        header.1 = values.iter().map(|value| value.to_vec()).collect();
    }
    headers
}

fn read_at(headers: &[(&'static str, Vec<Vec<u8>>)], now: EpochMs) -> Result<Signed, SignatureError> {
    let values = |name: &'static str| {
        let of_name = headers.iter().filter(|(known, _)| *known == name).flat_map(|(_, values)| values);
        of_name.map(Vec::as_slice).collect()
    };
    Signed::read(values, now, TOLERANCE_MS)
}

fn read(changes: &[(&'static str, &[&[u8]])]) -> Result<Signed, SignatureError> {
    read_at(&headers(changes), EpochMs(AT_S * 1_000))
}

#[test]
fn the_known_answers_are_ours() {
    assert_eq!(sign(&secret(SECRET), MESSAGE, AT_S, BODY), SIGNED);
    assert_eq!(
        sign(
            &secret("C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            br#"{"email":"test@example.com","username":"test_user"}"#,
        ),
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
    );
    let signed = read(&[]).unwrap();
    assert_eq!((signed.key, signed.id.as_str()), (Some(key()), MESSAGE));
    assert!(signed.is_by(&[&secret(SECRET)], BODY));
}

#[test]
fn whatever_was_changed_is_noticed() {
    let secret = secret(SECRET);
    let by =
        |changes: &[(&'static str, &[&[u8]])], body: &[u8]| read(changes).unwrap().is_by(&[&secret], body);
    assert!(!by(&[], br#"{"test": 2432232315}"#));
    assert!(!by(&[], b""));
    assert!(!by(&[(ID, &[b"msg_p5jXN8AQM9LWM0D4loKWxJel"])], BODY));
    assert!(!by(&[(TIMESTAMP, &[b"1614265331"])], BODY));
    let signed = read(&[]).unwrap();
    assert!(!signed.is_by(&[b"another"], BODY));
    assert!(!signed.is_by(&[], BODY), "no secret, no signature");
    assert!(signed.is_by(&[b"another", &secret], BODY), "either of two");
}

#[test]
fn nobodys_secret_signs_nothing() {
    let forged = sign(super::NOBODYS, MESSAGE, AT_S, BODY);
    let signed = read(&[(SIGNATURE, &[forged.as_bytes()])]).unwrap();
    assert!(!signed.is_by(&[], BODY) && !signed.is_by(&[b"one"], BODY));
}

#[test]
fn each_header_comes_once() {
    for name in HEADERS {
        assert!(matches!(read(&[(name, &[])]), Err(SignatureError::Malformed(_))), "no {name}");
        let twice = headers(&[]).into_iter().find(|(known, _)| *known == name).unwrap().1.remove(0);
        assert!(
            matches!(read(&[(name, &[&twice, &twice])]), Err(SignatureError::Malformed(_))),
            "{name} twice"
        );
    }
}

#[test]
fn an_id_is_visible_ascii_without_a_dot() {
    for bad in ["", "a.b", "a b", "ä", "a\u{7f}", &"x".repeat(129)] {
        assert_eq!(read(&[(ID, &[bad.as_bytes()])]), Err(SignatureError::BadId), "{bad:?}");
    }
    assert_eq!(read(&[(ID, &[b"\xff"])]), Err(SignatureError::BadId));
    assert!(read(&[(ID, &["x".repeat(128).as_bytes()])]).is_ok());
}

#[test]
fn a_timestamp_is_digits_and_near() {
    let malformed = [
        "",
        "+1614265330",
        "-1614265330",
        "01614265330",
        " 1614265330",
        "1614265330 ",
        "1614265330.0",
        "1e9",
        "nan",
        "0",
        "9223372036854775808",
        "-9223372036854775808",
        "1234567890123",
        "１６１４２６５３３０",
    ];
    for bad in malformed {
        assert!(
            matches!(read(&[(TIMESTAMP, &[bad.as_bytes()])]), Err(SignatureError::Malformed(_))),
            "{bad:?}"
        );
    }
    for far in [AT_S - 301, AT_S + 301, 1, 999_999_999_999] {
        let far = far.to_string();
        assert_eq!(read(&[(TIMESTAMP, &[far.as_bytes()])]), Err(SignatureError::Expired), "{far}");
    }
    for near in [AT_S - 300, AT_S - 299, AT_S + 299, AT_S + 300] {
        assert!(read(&[(TIMESTAMP, &[near.to_string().as_bytes()])]).is_ok(), "{near}");
    }
    for clock in [i64::MIN, i64::MAX] {
        assert_eq!(read_at(&headers(&[]), EpochMs(clock)), Err(SignatureError::Expired));
    }
}

#[test]
fn signatures_are_whole_and_few() {
    let raw = SIGNED.strip_prefix("v1,").unwrap();
    let no_padding = format!("v1,{}", raw.trim_end_matches('='));
    let url_safe = SIGNED.replace('+', "-").replace('/', "_");
    let short = format!("v1,{}", STANDARD.encode([0; 31]));
    let long = format!("v1,{}", STANDARD.encode([0; 33]));
    // The last letter carries two bits that are not of the 32 bytes.
    let sloppy = SIGNED.replace("OE=", "OF=");
    let two_spaces = format!("{SIGNED}  {SIGNED}");
    let nine = [SIGNED; 9].join(" ");
    let trailing = format!("{SIGNED} ");
    let malformed =
        ["", "v1", "v1,", raw, &no_padding, &url_safe, &short, &long, &sloppy, &two_spaces, &trailing, &nine];
    for bad in malformed {
        assert!(
            matches!(read(&[(SIGNATURE, &[bad.as_bytes()])]), Err(SignatureError::Malformed(_))),
            "{bad:?}"
        );
    }
    assert!(matches!(read(&[(SIGNATURE, &[b"v1,\xff"])]), Err(SignatureError::Malformed(_))));
    let others = format!("v1a,x v2,{raw} V1,{raw} ,");
    for (list, good) in [
        (others.clone(), false),
        (format!("{others} {SIGNED}"), true),
        (format!("v1,{} {SIGNED} v1,{}", STANDARD.encode([0; 32]), STANDARD.encode([1; 32])), true),
        ([SIGNED; 8].join(" "), true),
    ] {
        let signed = read(&[(SIGNATURE, &[list.as_bytes()])]).unwrap();
        assert_eq!(signed.is_by(&[&secret(SECRET)], BODY), good, "{list}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        values in prop::collection::vec((0..4_usize, prop::collection::vec(any::<u8>(), 0..80)), 0..6),
        now in any::<i64>(),
    ) {
        let headers: Vec<_> = values.into_iter().map(|(place, value)| (HEADERS[place], vec![value])).collect();
        if let Ok(signed) = read_at(&headers, EpochMs(now)) {
            prop_assert_eq!(signed.is_by(&[], b""), false);
        }
    }

    #[test]
    fn what_is_signed_is_verified(
        secret in prop::collection::vec(any::<u8>(), 24..64),
        id in "[!-\\-/-~]{1,128}",
        at_s in 1..99_999_999_999_i64,
        body in prop::collection::vec(any::<u8>(), 0..200),
        list in prop::collection::vec("(v1a|v2),[A-Za-z0-9+/]{0,50}", 0..7).prop_map(|others| others.join(" ")),
    ) {
        let mut list = list;
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(&sign(&secret, &id, at_s, &body));
        let timestamp = at_s.to_string();
        let signed = read_at(
            &headers(&[
                (ID, &[id.as_bytes()]),
                (TIMESTAMP, &[timestamp.as_bytes()]),
                (SIGNATURE, &[list.as_bytes()]),
            ]),
            EpochMs(at_s * 1_000),
        );
        let signed = signed.unwrap();
        prop_assert_eq!(signed.is_by(&[&secret], &body), true);
    }
}

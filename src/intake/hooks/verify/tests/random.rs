//! Whatever is sent, and whatever a profile says: nothing panics, and nobody gets in by luck.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_oneof, proptest};
use serde_json::{Value, json};

use super::{Case, NOW, Verifier, list, senders};
use crate::intake::hooks::AgeRule;

fn all() -> Vec<Case> {
    senders::real().into_iter().chain(senders::others()).collect()
}

/// Bodies that are nearly what a sender writes.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("\""),
        Just(":"),
        Just(","),
        Just("\\u00"),
        Just("sign"),
        Just("="),
        Just("&"),
        Just("%"),
        Just("%E"),
        Just("+"),
        Just("<a>"),
        Just("</a>"),
        Just("<![CDATA["),
        Just("]]>"),
        Just("&lt;"),
        Just("&#x"),
        Just("null"),
        Just("1e9"),
        Just("测"),
        Just(" "),
    ];
    let near = prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat().into_bytes());
    prop_oneof![near, prop::collection::vec(any::<u8>(), 0..200)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_random_request_is_refused(
        body in bodies(),
        query in "([a-z]{1,9}=[ -~]{0,40}&?){0,4}|\\PC{0,60}",
        value in prop::collection::vec((0x20_u8..=0xff).prop_filter("no control", |byte| *byte != 0x7f), 0..100),
        url in "\\PC{0,40}",
    ) {
        for mut case in all() {
            // A checksum without a secret is anybody's.
            if case.verify == senders::DADA {
                continue;
            }
            case.body.clone_from(&body);
            case.query.clone_from(&query);
            case.url.clone_from(&url);
            for header in &mut case.headers {
                header.1.clone_from(&value);
            }
            for age in [AgeRule::At(NOW), AgeRule::Any] {
                prop_assert!(case.checked_by(&case.verifier(), age).is_err(), "{}", case.name);
            }
        }
    }

    #[test]
    fn a_random_signature_is_refused(digits in "[0-9a-f]{128}", base64 in "[A-Za-z0-9+/]{86}") {
        let signing = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.contains("sign") || name.contains("hmac") || name == "authorization"
        };
        // How MD5, SHA-1, SHA-256 and SHA-512 are written.
        let hex = [32, 40, 64, 128].map(|length| digits[..length].to_owned());
        let ends = [(21, "A=="), (26, "A="), (42, "A="), (85, "A==")];
        let base64 = ends.map(|(length, end)| format!("{}{end}", &base64[..length]));
        for mut case in all().into_iter().filter(|case| case.headers.iter().any(|(name, _)| signing(name))) {
            let verifier = case.verifier();
            for signature in hex.iter().chain(&base64) {
                let prefixes = ["", "sha256=", "v0=", "v1,", "t=1772339405,v1=", "Basic ", "MP "];
                for prefix in prefixes {
                    for header in case.headers.iter_mut().filter(|(name, _)| signing(name)) {
                        header.1 = format!("{prefix}{signature}").into_bytes();
                    }
                    prop_assert!(case.checked_by(&verifier, AgeRule::At(NOW)).is_err(), "{}", case.name);
                }
            }
        }
    }

    #[test]
    fn a_profile_with_a_member_changed_is_read_or_refused(
        place in any::<prop::sample::Index>(),
        member in any::<prop::sample::Index>(),
        value in prop_oneof![
            "\\PC{0,30}".prop_map(Value::from),
            "(\\{[a-z.]{0,9}\\}?){0,4}".prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(json!([])),
            Just(json!({})),
            Just(json!(["a", 1])),
            Just(Value::Null),
        ],
    ) {
        let case = all().swap_remove(place.index(all().len()));
        let mut profile = list(case.verify);
        let names: Vec<String> = profile[0].as_object().unwrap().keys().cloned().collect();
        let name = &names[member.index(names.len())];
        if name == "params" && value.is_string() {
            profile[0]["params"]["pair"] = value;
        } else {
            profile[0][&**name] = value;
        }
        // Read or refused, and what is read is never open to a request that carries nothing.
        if let Ok(verifier) = Verifier::read(&profile) && verifier.signs() {
            let empty = Case::new("empty", "").secret("secret");
            prop_assert!(empty.checked_by(&verifier, AgeRule::Any).is_err(), "{profile}");
        }
    }
}

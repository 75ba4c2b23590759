//! What a backend says of a hook: its profile, parameters and secrets, read strictly.
//! Whether the profile compiles is judged further in; what it says wrongly is told with its place below `/profile`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dispatch::{HookWish, SecretWish};
use crate::domain::HookMode;
use crate::domain::hook::HOOK_NAME_BYTES_MAX;
use crate::intake::{InputError, Reader};

/// Longest profile, as JSON: ten times the longest preset.
const PROFILE_BYTES_MAX: usize = 49_152;
/// Most parameters, and longest value: a list of networks is the longest there is.
const PARAMS_MAX: usize = 32;
const PARAM_CHARS_MAX: usize = 1_024;
/// Most names of secrets: the main one, a password, and some that only tell who sends.
const SECRET_NAMES_MAX: usize = 8;
/// Secrets of a name that work at one time: two while they are rotated, more for several shops.
const SECRETS_MAX: usize = 8;
/// Longest secret: a PEM is none.
const SECRET_CHARS_MAX: usize = 512;
/// Longest name of a parameter, a secret or a preset.
const NAME_CHARS_MAX: usize = 64;

type Read<T> = Result<T, InputError>;

/// A hook that is to be made.
pub(super) fn of_new(body: &Reader<'_>) -> Read<HookWish> {
    body.only(&["name", "preset", "profile", "params", "secrets", "mode", "live_percent"])?;
    let name = body.text("name", HOOK_NAME_BYTES_MAX)?.ok_or_else(|| body.missing("name"))?;
    read(body, name)
}

/// What a hook is to be from now on, and the version that its owner has seen.
pub(super) fn of_old(body: &Reader<'_>) -> Read<(HookWish, Option<i64>)> {
    body.only(&["preset", "profile", "params", "secrets", "mode", "live_percent", "if_version"])?;
    let version = body.integer("if_version", 1, i64::MAX)?;
    Ok((read(body, String::new())?, version))
}

fn read(body: &Reader<'_>, name: String) -> Read<HookWish> {
    let percent = body.integer("live_percent", 0, 100)?.unwrap_or(0);
    Ok(HookWish {
        name,
        preset: preset(body)?,
        profile: Value::Object(profile(body)?),
        params: params(body)?,
        secrets: secrets(body)?,
        mode: body.word("mode", HookMode::parse, "live, shadow")?.unwrap_or_default(),
        live_percent: u8::try_from(percent).unwrap_or(0),
    })
}

pub(super) fn preset(body: &Reader<'_>) -> Read<Option<String>> {
    body.text("preset", NAME_CHARS_MAX)
}

pub(super) fn profile(body: &Reader<'_>) -> Read<Map<String, Value>> {
    body.raw_object("profile", PROFILE_BYTES_MAX)
}

fn params(body: &Reader<'_>) -> Read<BTreeMap<String, String>> {
    let Some(given) = body.object("params")? else { return Ok(BTreeMap::new()) };
    let names = named(body, &given, "params", PARAMS_MAX)?;
    let mut params = BTreeMap::new();
    for name in names {
        if let Some(value) = given.code(name, PARAM_CHARS_MAX)? {
            params.insert(name.to_owned(), value);
        }
    }
    Ok(params)
}

/// The secrets by name, where they are given at all: what is not given stays as it was.
fn secrets(body: &Reader<'_>) -> Read<Option<BTreeMap<String, Vec<String>>>> {
    let Some(given) = body.object("secrets")? else { return Ok(None) };
    let names = named(body, &given, "secrets", SECRET_NAMES_MAX)?;
    let mut secrets = BTreeMap::new();
    for name in names {
        let Some(texts) = given.texts(name, SECRETS_MAX)? else { continue };
        for text in &texts {
            secret_is_good(&given, name, text)?;
        }
        secrets.insert(name.to_owned(), texts.into_iter().map(str::to_owned).collect());
    }
    Ok(Some(secrets))
}

/// A secret that is to work from now on.
pub(super) fn rotation(body: &Reader<'_>) -> Read<SecretWish> {
    body.only(&["name", "secret", "drop_others"])?;
    let name = body.text("name", NAME_CHARS_MAX)?.unwrap_or_else(|| "secret".to_owned());
    if !is_name(&name) {
        return Err(body.error("name", "bad_value", NO_NAME));
    }
    let secret = body.text("secret", SECRET_CHARS_MAX)?.ok_or_else(|| body.missing("secret"))?;
    secret_is_good(body, "secret", &secret)?;
    Ok(SecretWish { name, secret, drop_others: body.boolean("drop_others")?.unwrap_or(false) })
}

/// An empty secret would let everybody in.
fn secret_is_good(body: &Reader<'_>, name: &str, text: &str) -> Read<()> {
    if text.trim().is_empty() {
        return Err(body.error(name, "bad_value", "has an empty secret"));
    }
    if text.chars().count() > SECRET_CHARS_MAX {
        let detail = format!("has a secret longer than {SECRET_CHARS_MAX} characters");
        return Err(body.error(name, "too_long", &detail));
    }
    Ok(())
}

/// The names of an object's members, if they can be names and are not too many.
fn named<'a>(body: &Reader<'_>, given: &Reader<'a>, of: &str, most: usize) -> Read<Vec<&'a str>> {
    let names: Vec<&str> = given.names().collect();
    if names.len() > most {
        return Err(body.error(of, "too_many", &format!("has more than {most} members")));
    }
    match names.iter().find(|name| !is_name(name)) {
        None => Ok(names),
        Some(name) => Err(given.error(name, "bad_value", NO_NAME)),
    }
}

fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// What is said of what cannot be a name.
const NO_NAME: &str = "is no name: 1 to 64 of a-z, A-Z, 0-9, _ and -";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{of_new, of_old};
    use crate::domain::HookMode;
    use crate::intake::Reader;

    fn refusal(body: &Value) -> (&'static str, String) {
        let error = of_new(&Reader::new(body).unwrap()).unwrap_err();
        (error.error, error.pointer.unwrap())
    }

    #[test]
    fn a_wish_is_read_whole() {
        let body = json!({"name": "dada", "preset": "dada", "profile": {"target": {"groups": ["s1"]}, "when": null},
            "params": {"dev_id": 1_500_000_001, "client": "c"}, "secrets": {"secret": ["new", "old"]},
            "mode": "shadow", "live_percent": 10});
        let wish = of_new(&Reader::new(&body).unwrap()).unwrap();
        assert_eq!((&*wish.name, wish.preset.as_deref()), ("dada", Some("dada")));
        assert_eq!(wish.profile, body["profile"], "a null takes something of the preset away");
        assert_eq!(wish.params["dev_id"], "1500000001");
        assert_eq!(wish.secrets.unwrap()["secret"], ["new", "old"]);
        assert_eq!((wish.mode, wish.live_percent), (HookMode::Shadow, 10));
    }

    #[test]
    fn secrets_that_are_not_given_stay() {
        let body = json!({"if_version": 3});
        let (wish, version) = of_old(&Reader::new(&body).unwrap()).unwrap();
        assert!(wish.secrets.is_none() && wish.params.is_empty());
        assert_eq!(version, Some(3));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_place() {
        for (body, error, pointer) in [
            (json!({}), "missing_member", "/name"),
            (json!({"name": "a", "profil": {}}), "unknown_member", "/profil"),
            (json!({"name": "a", "profile": "x"}), "wrong_type", "/profile"),
            (json!({"name": "a", "params": {"a b": "x"}}), "bad_value", "/params/a b"),
            (json!({"name": "a", "params": {"a": []}}), "wrong_type", "/params/a"),
            (json!({"name": "a", "secrets": {"secret": "x"}}), "wrong_type", "/secrets/secret"),
            (json!({"name": "a", "secrets": {"secret": [" "]}}), "bad_value", "/secrets/secret"),
            (json!({"name": "a", "secrets": {"secret": vec!["x"; 9]}}), "too_many", "/secrets/secret"),
            (json!({"name": "a", "mode": "dry"}), "unknown_value", "/mode"),
            (json!({"name": "a", "live_percent": 101}), "out_of_range", "/live_percent"),
        ] {
            assert_eq!(refusal(&body), (error, pointer.to_owned()), "{body}");
        }
    }
}

//! What of an engine's table is checked before the first call: addresses, voices, formats, credentials.
//! An operator should read here what is wrong, and not learn it from a silent rider.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;

use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderValue, Uri};
use secrecy::{ExposeSecret, SecretString};

use super::EngineSetupError;
use crate::config::engines::EngineCommon;
use crate::speech::Lang;

/// Where a service is.
#[derive(Clone, Debug)]
pub(super) struct Base {
    /// Without a slash at the end.
    pub(super) url: String,
    /// As it stands in the `Host` header.
    pub(super) host: String,
    /// Whether there is a path after the host.
    pub(super) has_path: bool,
}

impl Base {
    /// Whether it leads to this machine, as far as its name says so.
    pub(super) fn is_this_machine(&self) -> bool {
        let host = match self.host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
            _ => &self.host,
        };
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

pub(super) fn invalid(what: impl Into<String>) -> EngineSetupError {
    EngineSetupError::Invalid(what.into())
}

/// An address as an operator writes it: scheme, host, and a path.
pub(super) fn base(text: &str) -> Result<Base, EngineSetupError> {
    let no_url = || invalid("base_url is no URL such as https://tts.example.com");
    let uri: Uri = text.parse().map_err(|_| no_url())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(no_url()) };
    let usual_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return Err(invalid("base_url must begin with https:// or http://")),
    };
    if authority.as_str().contains('@') {
        return Err(invalid(
            "base_url may not hold a name or password: credentials have members of their own",
        ));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(invalid("base_url may have neither a query nor a fragment"));
    }
    let host = authority.as_str().to_ascii_lowercase();
    let host = host.strip_suffix(usual_port).unwrap_or(&host).to_owned();
    Ok(Base { url: text.trim_end_matches('/').to_owned(), host, has_path: !matches!(uri.path(), "" | "/") })
}

/// The voices by language; at least one.
pub(super) fn voices(common: &EngineCommon) -> Result<BTreeMap<Lang, String>, EngineSetupError> {
    let mut voices = BTreeMap::new();
    for (tag, voice) in &common.voices {
        let lang =
            Lang::parse(tag).ok_or_else(|| invalid(format!("voices: {tag:?} is no language we speak")))?;
        if voice.trim().is_empty() {
            return Err(invalid(format!("voices: the voice of {tag} is empty")));
        }
        voices.insert(lang, voice.trim().to_owned());
    }
    if voices.is_empty() {
        return Err(invalid(
            "voices is empty: name the maker's voice for each language, as in { zh-CN = \"…\" }",
        ));
    }
    Ok(voices)
}

/// A value out of a closed list.
pub(super) fn one_of(name: &str, value: &str, known: &[&str]) -> Result<(), EngineSetupError> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(invalid(format!("{name} is {value:?}, and may be {}", known.join(", "))))
}

/// A credential in a header, never shown.
pub(super) fn header(
    name: &str,
    before: &str,
    secret: &SecretString,
) -> Result<HeaderValue, EngineSetupError> {
    let text = format!("{before}{}", secret.expose_secret());
    let mut value = HeaderValue::from_str(&text)
        .map_err(|_| invalid(format!("{name} holds characters that no header can carry")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// A plain value in a header.
pub(super) fn plain_header(name: &str, value: &str) -> Result<HeaderValue, EngineSetupError> {
    HeaderValue::from_str(value)
        .map_err(|_| invalid(format!("{name} holds characters that no header can carry")))
}

/// What stands for a long text in the line of a voice; empty for an empty one.
pub(super) fn mark(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    hex(&digest(&SHA256, text.as_bytes()).as_ref()[..6])
}

/// Bytes in small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _never_fails = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_as_the_client_sends_it() {
        for (text, url, host) in [
            ("https://api.openai.com", "https://api.openai.com", "api.openai.com"),
            ("https://TTS.example.com:443/", "https://TTS.example.com:443", "tts.example.com"),
            ("http://127.0.0.1:8880/v1/", "http://127.0.0.1:8880/v1", "127.0.0.1:8880"),
            ("http://[::1]:80/x", "http://[::1]:80/x", "[::1]"),
        ] {
            let base = base(text).unwrap();
            assert_eq!((base.url.as_str(), base.host.as_str()), (url, host));
        }
        for text in
            ["", "api.openai.com", "/v1", "ftp://x", "https://key@x", "https://x/?key=1", "https://x#a"]
        {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        let is_here = |text| base(text).unwrap().is_this_machine();
        for here in [
            "http://localhost:8880",
            "http://127.0.0.1",
            "http://127.1.2.3:1",
            "http://[::1]:8880",
            "http://[::1]",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in ["http://10.0.0.1:80", "https://api.openai.com", "http://localhost.example.com"] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn voices_are_named_by_languages_we_speak() {
        let common = |voices: &[(&str, &str)]| {
            let pair = |(tag, voice): &(&str, &str)| ((*tag).to_owned(), (*voice).to_owned());
            EngineCommon { voices: voices.iter().map(pair).collect(), ..EngineCommon::default() }
        };
        let found = voices(&common(&[("zh-CN", " a "), ("zh-HK", "b")])).unwrap();
        assert_eq!(found, BTreeMap::from([(Lang::ZhCn, "a".to_owned()), (Lang::Yue, "b".to_owned())]));
        for wrong in [&[][..], &[("fr", "a")], &[("en", " ")]] {
            assert!(voices(&common(wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_credential_is_never_shown() {
        let secret = SecretString::from("k3y");
        assert!(!format!("{:?}", header("api_key", "Bearer ", &secret).unwrap()).contains("k3y"));
        let error = header("api_key", "", &SecretString::from("k3y\n")).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("k3y"));
    }

    #[test]
    fn a_long_text_is_marked_and_none_is_not() {
        assert_eq!(mark(""), "");
        assert_eq!(mark("calm").len(), 12);
        assert_ne!(mark("calm"), mark("Calm"));
    }
}

//! Bodies of real senders with their signatures, as tests/hooks/payloads keeps them, and how each would sign anew:
//! some sign the time or the URL, which a test cannot keep as they were.

use std::fmt::Write as _;
use std::path::Path;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use serde_json::Value;

use orderbell::intake::signature::sign;

/// One request of a sender, and what is known of it.
#[derive(Clone)]
pub(super) struct Fixture {
    pub(super) name: String,
    pub(super) method: String,
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
    /// What stands behind the hook in the path.
    pub(super) event: Option<String>,
    /// As the file has it.
    pub(super) file: Value,
}

/// Where a signature stands.
pub(super) enum Place<'a> {
    Header(&'a str),
    Query(&'a str),
    Body(&'a str),
}

impl Fixture {
    /// The one whose name begins so.
    pub(super) fn load(start: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hooks/payloads");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut found = files.filter(|file| file.file_name().to_str().unwrap().starts_with(start));
        let (Some(only), None) = (found.next(), found.next()) else { panic!("not one fixture {start}") };
        let file: Value = serde_json::from_slice(&std::fs::read(only.path()).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let request = &file["request"];
        let headers = request["headers"].as_object().unwrap().iter();
        Self {
            name: text(&file["name"]),
            method: text(&request["method"]),
            query: text(&request["query"]),
            headers: headers.map(|(name, value)| (name.clone(), text(value))).collect(),
            body: text(&request["body"]),
            event: file["decode"]["event"].as_str().map(str::to_owned),
            file,
        }
    }

    /// What the mapping must give under this name.
    pub(super) fn expected(&self, name: &str) -> Option<String> {
        match &self.file["expected"][name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    pub(super) fn signature(&self, member: &str) -> Option<&str> {
        self.file["signature"][member].as_str()
    }

    pub(super) fn algorithm(&self) -> &str {
        self.signature("algorithm").unwrap()
    }

    /// Where its signature stands, if it is signed.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        let (kind, name) = self.signature("in")?.split_once('.').unwrap();
        Some(match kind {
            "header" => Place::Header(name),
            "query" => Place::Query(name),
            _ => Place::Body(name),
        })
    }

    pub(super) fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        header.map_or("", |(_, value)| value)
    }

    pub(super) fn set_header(&mut self, name: &str, value: String) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value));
    }

    /// Signed for this URL and this time, as far as the sender signs them; else as it was.
    pub(super) fn signed_for(mut self, url: &str, at_s: i64) -> Self {
        match self.algorithm() {
            "hmac-sha256-base64-url-body" => {
                let signed = [url.as_bytes(), self.body.as_bytes()].concat();
                let signature = hmac_sha256(self.signature("secret").unwrap(), &signed);
                let Some(Place::Header(name)) = self.place() else { panic!("it is in a header") };
                let name = name.to_owned();
                self.set_header(&name, signature);
            }
            "meituan-md5-url-query-secret" => {
                let signature = self.meituan(url);
                let (before, _) = self.body.split_once("sig=").unwrap();
                let rest = self.body[before.len()..].split_once('&').map_or("", |(_, rest)| rest);
                let rest = if rest.is_empty() { String::new() } else { format!("&{rest}") };
                self.body = format!("{before}sig={signature}{rest}");
            }
            "standard-webhooks-v1" => {
                let secret = self.signature("secret").unwrap().trim_start_matches("whsec_");
                let secret = STANDARD.decode(secret).unwrap();
                let signature = sign(&secret, self.header("webhook-id"), at_s, self.body.as_bytes());
                self.set_header("webhook-timestamp", at_s.to_string());
                self.set_header("webhook-signature", signature);
            }
            _ => {}
        }
        self
    }

    /// MD5 over the URL, the sorted members as the sender wrote them, and the secret.
    fn meituan(&self, url: &str) -> String {
        let twice = self.file["decode"]["url_decode"].as_array().unwrap();
        let mut members: Vec<(String, String)> = self
            .body
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (percent_decoded(name), percent_decoded(value)))
            .filter(|(name, _)| name != "sig")
            .map(|(name, value)| {
                let again = twice.iter().any(|known| *known == *name);
                let value = if again { percent_decoded(&value) } else { value };
                (name, value)
            })
            .collect();
        members.sort();
        let pairs: Vec<String> = members.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let signed = format!("{url}?{}{}", pairs.join("&"), self.signature("secret").unwrap());
        hex(&Md5::digest(signed.as_bytes()))
    }

    /// With its signature spoiled by one letter; `None` where nothing is signed.
    pub(super) fn with_a_bad_signature(&self) -> Option<Self> {
        let mut forged = self.clone();
        match self.place()? {
            Place::Header(name) => forged.set_header(name, flipped_last(self.header(name))),
            Place::Query(name) => {
                let start = self.query.find(&format!("{name}=")).unwrap() + name.len() + 1;
                forged.query = flipped_at(&self.query, start);
            }
            Place::Body(name) => {
                let value =
                    if self.body.starts_with('{') { format!("\"{name}\":\"") } else { format!("{name}=") };
                forged.body = flipped_at(&self.body, self.body.find(&value).unwrap() + value.len());
            }
        }
        Some(forged)
    }

    /// With one letter of what it says of the order changed; `None` where the sender does not sign its body.
    pub(super) fn with_another_body(&self) -> Option<Self> {
        if matches!(
            self.algorithm(),
            "none" | "none-documented-here" | "basic-auth" | "query-token" | "wechat-sha1-token-ts-nonce"
        ) {
            return None;
        }
        let order = self.expected("order_id")?;
        let place = self.body.find(&order)? + order.len() - 1;
        Some(Self { body: flipped_at(&self.body, place), ..self.clone() })
    }
}

/// HMAC-SHA256 with this text as its key, in base64.
pub(super) fn hmac_sha256(secret: &str, signed: &[u8]) -> String {
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed))
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// With the letter at this place changed for another one of the same sort.
fn flipped_at(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] = match bytes[place] {
        b'1' => b'2',
        b'0'..=b'9' => b'1',
        b'b' | b'B' => b'c',
        _ => b'b',
    };
    String::from_utf8(bytes).unwrap()
}

/// With the last letter changed that is no padding.
fn flipped_last(text: &str) -> String {
    let place = text.trim_end_matches('=').len() - 1;
    // Of the last letter of base64 some bits are not looked at by everybody: the one before it has none of these.
    flipped_at(text, place - 1)
}

/// Percent-encoding and plus signs taken away.
fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut left) = (Vec::new(), text.as_bytes());
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = std::str::from_utf8(&left[..2]).unwrap();
                bytes.push(u8::from_str_radix(digits, 16).unwrap());
                left = &left[2..];
            }
            plain => bytes.push(plain),
        }
    }
    String::from_utf8(bytes).unwrap()
}

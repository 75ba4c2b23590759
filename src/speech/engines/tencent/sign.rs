//! Tencent Cloud's signature of a request, TC3-HMAC-SHA256.
//! Source: their "signature v3", checked against a signature that the official SDK made.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::speech::engines::setup::hex;

/// The content type, which is signed and so must be sent exactly so.
pub(super) const CONTENT: &str = "application/json";
const SERVICE: &str = "tts";

/// Who signs.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) id: SecretString,
    pub(super) key: SecretString,
}

impl Account {
    /// The `Authorization` of a POST of `body` to the root of `host`, at `at_s` seconds since 1970.
    pub(super) fn signed(&self, at_s: i64, host: &str, body: &str) -> String {
        let date = Timestamp::from_second(at_s).unwrap_or_default().strftime("%Y-%m-%d").to_string();
        let headers = format!("content-type:{CONTENT}\nhost:{host}\n\ncontent-type;host\n");
        let canonical = format!("POST\n/\n\n{headers}{}", hex(digest(&SHA256, body.as_bytes()).as_ref()));
        let scope = format!("{date}/{SERVICE}/tc3_request");
        let hashed = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        let to_sign = format!("TC3-HMAC-SHA256\n{at_s}\n{scope}\n{hashed}");
        let mut key = format!("TC3{}", self.key.expose_secret()).into_bytes();
        for step in [date.as_str(), SERVICE, "tc3_request"] {
            key = tag(&key, step);
        }
        let (id, signature) = (self.id.expose_secret(), hex(&tag(&key, &to_sign)));
        format!(
            "TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"
        )
    }
}

fn tag(key: &[u8], message: &str) -> Vec<u8> {
    hmac::sign(&Key::new(HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn a_request_is_signed_as_the_official_sdk_signs_it() {
        let account = Account { id: "AKIDEXAMPLE".into(), key: "SECRETEXAMPLE".into() };
        let body = r#"{"Text": "\u4f60\u597d", "SessionId": "s1", "VoiceType": 101001, "SampleRate": 16000, "Codec": "mp3"}"#;
        let signed = account.signed(1_551_113_065, "tts.tencentcloudapi.com", body);
        let expected = "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2019-02-25/tts/tc3_request, \
                        SignedHeaders=content-type;host, \
                        Signature=e1d1fb6bd392b7368c3ba03e5dc9d1150c041d08800bb0f62b4f5282226ef55e";
        assert_eq!(signed, expected);
    }
}

//! One run of `orderbell hook test`, and the hashes with which senders sign.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use aws_lc_rs::{digest, hmac};
use md5::{Digest, Md5};
use serde_json::Value;

/// A command line of `hook test`, and the body it is given.
pub(crate) struct Try {
    arguments: Vec<String>,
    body: Vec<u8>,
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) json: Value,
}

impl Try {
    /// This preset or file on this body.
    pub(crate) fn of(profile: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { arguments: vec![profile.to_owned()], body: body.into() }
    }

    /// A profile of `tests/hooks/profiles`.
    pub(crate) fn file(name: &str, body: impl Into<Vec<u8>>) -> Self {
        let path = folder("profiles").join(format!("{name}.toml"));
        Self::of(path.to_str().unwrap(), body)
    }

    /// With one more option and its value.
    pub(crate) fn with(mut self, option: &str, value: &str) -> Self {
        self.arguments.extend([format!("--{option}"), value.to_owned()]);
        self
    }

    /// Runs it; the program must have something to tell.
    pub(crate) fn run(self) -> Told {
        let arguments = self.arguments.clone();
        let output = self.output();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let json = serde_json::from_slice(&output.stdout);
        let json = json.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {complaint}"));
        Told { code: output.status.code().unwrap(), json }
    }

    /// Runs it, whatever it tells.
    pub(crate) fn output(self) -> Output {
        let mut arguments = vec!["hook".to_owned(), "test".to_owned()];
        arguments.extend(self.arguments);
        program(&arguments, &self.body)
    }
}

impl Told {
    /// The canonical event, of which there is exactly one.
    pub(crate) fn event(&self) -> &Value {
        assert_eq!(self.events().len(), 1, "{self:#?}");
        &self.events()[0]
    }

    pub(crate) fn events(&self) -> &[Value] {
        self.json["events"].as_array().unwrap()
    }

    /// The kinds of all events.
    pub(crate) fn kinds(&self) -> Vec<&str> {
        self.events().iter().map(|event| event["kind"].as_str().unwrap()).collect()
    }

    pub(crate) fn ack(&self) -> &str {
        self.json["ack"]["body"].as_str().unwrap()
    }

    /// Verified and mapped, and the exit says so.
    pub(crate) fn is_good(&self) -> bool {
        assert_eq!(self.code == 0, self.json["verified"] == true && !self.events().is_empty(), "{self:#?}");
        self.code == 0
    }

    /// Refused: not verified, nothing made, and the exit says so.
    pub(crate) fn is_refused(&self) -> bool {
        self.code == 1
            && self.json["verified"] == false
            && self.events().is_empty()
            && self.json["verdict"] == "refused"
    }
}

/// Runs the program in a folder without any data.
pub(crate) fn program(arguments: &[String], stdin: &[u8]) -> Output {
    let nowhere = tempfile::TempDir::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_orderbell"))
        .args(arguments)
        .current_dir(nowhere.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that complains of its arguments reads nothing.
    let _unread = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(std::fs::read_dir(nowhere.path()).unwrap().count(), 0, "trying makes nothing");
    output
}

/// A folder beside this file.
pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/hooks").join(name)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(crate) fn md5(text: impl AsRef<[u8]>) -> String {
    hex(&Md5::digest(text.as_ref()))
}

pub(crate) fn sha1(text: impl AsRef<[u8]>) -> String {
    hex(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_ref()).as_ref())
}

pub(crate) fn hmac_sha256(secret: &str, text: impl AsRef<[u8]>) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, text.as_ref()).as_ref().to_vec()
}

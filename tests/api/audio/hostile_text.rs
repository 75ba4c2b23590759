//! What people and machines put into the text of an order, on its way to the voice: it is spoken as words, folded or
//! refused, and nothing in it is ever read as a file, an option, markup or a command.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::fetch;
use crate::support::{TestServer, reply};

/// What becomes of a text.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// It is spoken, and what is spoken holds this.
    Spoken(&'static str),
    /// It is refused with this word.
    Refused(&'static str),
}
use Fate::{Refused, Spoken};

/// A real espeak-ng that writes down what it was started with and what it was told.
fn listening_espeak(folder: &Path) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let mut real = std::env::split_paths(&path).map(|folder| folder.join("espeak-ng"));
    let real = real.find(|program| program.is_file()).expect("install espeak-ng to run these tests");
    let (folder, real) = (folder.display(), real.display());
    let script = format!(
        "#!/bin/sh\nprintf '%s|' \"$@\" >> '{folder}/argv'\necho >> '{folder}/argv'\n\
         tee -a '{folder}/stdin' | '{real}' \"$@\"\n"
    );
    let program = PathBuf::from(format!("{folder}/listening-espeak"));
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// The texts, and what `POST /v1/speech` and an event make of them. `{ran}` is a file that nobody makes.
const CASES: [(&str, Fate, Fate); 30] = [
    ("<speak><audio src=\"/etc/passwd\"/>您好</speak>", Spoken("您好"), Spoken("您好")),
    ("<audio src=\"{ran}\"/>您好", Spoken("您好"), Spoken("您好")),
    ("<mark name=\"x\"/>&lt;您好&amp;", Spoken("您好"), Spoken("您好")),
    ("-f/etc/passwd 您好", Spoken("您好"), Spoken("您好")),
    ("-f /etc/passwd", Spoken("passwd"), Spoken("passwd")),
    ("--compile=x 您好", Spoken("您好"), Spoken("您好")),
    ("--path=/tmp --stdin 您好", Spoken("您好"), Spoken("您好")),
    ("-w {ran} 您好", Spoken("您好"), Spoken("您好")),
    ("-m 您好", Spoken("您好"), Spoken("您好")),
    ("[[h@]]您好", Spoken("您好"), Spoken("您好")),
    ("[[h@]]", Refused("bad_text"), Refused("bad_text")),
    ("$(touch {ran})您好", Spoken("您好"), Spoken("您好")),
    ("`touch {ran}`您好", Spoken("您好"), Spoken("您好")),
    (";touch {ran};您好", Spoken("您好"), Spoken("您好")),
    ("您好|touch {ran}", Spoken("您好"), Spoken("您好")),
    ("您好&&touch {ran}&", Spoken("您好"), Spoken("您好")),
    ("'; touch {ran}; '您好", Spoken("您好"), Spoken("您好")),
    ("您好 > {ran}", Spoken("您好"), Spoken("您好")),
    ("{{ 7*7 }}{% for x in y %}您好", Spoken("您好"), Spoken("您好")),
    ("您好%s%n%x", Spoken("您好"), Spoken("您好")),
    ("🛵🔥👨‍👩‍👧您好", Spoken("您好"), Spoken("您好")),
    ("您\u{200b}\u{feff}好\u{2060}", Spoken("您好"), Spoken("您好")),
    ("\u{202e}您好\u{202c}", Spoken("您好"), Spoken("您好")),
    ("您好 مرحبا", Spoken("您好"), Spoken("您好")),
    ("订单１２３４，￥２３．５０", Spoken("二十三元五角"), Spoken("二十三元五角")),
    ("您好\u{0}世界", Refused("control_character"), Refused("control_character")),
    ("您好\u{1b}[31m", Refused("control_character"), Refused("control_character")),
    ("", Refused("missing_member"), Spoken("")),
    ("🛵🔥", Refused("bad_text"), Refused("bad_text")),
    ("。。！？", Refused("bad_text"), Refused("bad_text")),
];

fn of(text: &str, folder: &Path) -> String {
    text.replace("{ran}", &folder.join("ran").display().to_string())
}

/// That this sound can be fetched and is no longer than a text of this length may be.
async fn assert_sane(server: &TestServer, text: &str, audio: &Value, path: &str) {
    let clip = fetch(server, "GET", path, &[]).await;
    assert_eq!((clip.status, clip.bytes.len() as u64), (200, audio["bytes"].as_u64().unwrap()), "{text}");
    let spoken_ms = audio["duration_ms"].as_u64().unwrap() - audio["tail_ms"].as_u64().unwrap();
    // A phrase of ours, and a digit as a word each 400 ms. A file read aloud would take minutes.
    let limit_ms = 6_000 + 400 * text.chars().count() as u64;
    assert!((300..=limit_ms).contains(&spoken_ms), "{text}: {spoken_ms} ms");
}

async fn asked(server: &TestServer, text: &str, fate: Fate) {
    let mut answer = server.call("POST", "/v1/speech", json!({"text": text})).await;
    match fate {
        Refused(error) => answer.assert_problem(400, error),
        Spoken(words) => {
            assert_eq!(answer.status, 200, "{text}: {}", answer.text());
            let data = answer.json["data"].take();
            assert!(data["said"].as_str().unwrap().contains(words), "{text}: {data}");
            assert_sane(server, text, &data, data["url"].as_str().unwrap()).await;
        }
    }
}

async fn told(server: &TestServer, text: &str, fate: Fate) {
    let event = json!({"kind": "announcement", "target": {"riders": ["r1"]}, "alert": {"text": text}});
    let answer = server.call("POST", "/v1/events", event).await;
    match fate {
        Refused(error) => answer.assert_problem(400, error),
        Spoken(words) => {
            assert_eq!(answer.status, 200, "{text}: {}", answer.text());
            let id = answer.json["data"]["alert_id"].as_str().unwrap();
            let alert = server.rendered(id).await;
            assert!(alert["said"].as_str().unwrap().contains(words), "{text}: {alert}");
            assert_sane(server, text, &alert["audio"], alert["audio"]["path"].as_str().unwrap()).await;
        }
    }
}

#[tokio::test]
async fn no_text_is_read_as_anything_but_words() {
    let folder = TempDir::new().unwrap();
    let here = folder.path().to_owned();
    let espeak = listening_espeak(&here);
    let changes = format!(
        "[speech]\nengine_concurrency = 1\nespeak = \"{}\"\n[rider]\nalerts_per_minute = 0\n",
        espeak.display()
    );
    let server = TestServer::start_in(folder, &changes).await;
    for (text, of_speech, of_event) in CASES {
        let text = of(text, &here);
        asked(&server, &text, of_speech).await;
        told(&server, &text, of_event).await;
    }
    assert!(!here.join("ran").exists(), "something was run or written");

    // All that a text could change is what stands on the engine's input, and of what espeak gives a meaning nothing does.
    let argv = std::fs::read_to_string(here.join("argv")).unwrap();
    let speaking: BTreeSet<&str> = argv.lines().filter(|line| line.contains("--stdout")).collect();
    assert_eq!(speaking.len(), 1, "{speaking:?}");
    let plain = |c: char| c.is_ascii_alphanumeric() || "|-".contains(c);
    assert!(speaking.iter().all(|line| line.chars().all(plain)), "{speaking:?}");
    let heard = std::fs::read_to_string(here.join("stdin")).unwrap();
    assert!(heard.contains("您好"), "{heard}");
    let meant = heard.chars().find(|c| "[]<>&\\".contains(*c) || (c.is_control() && *c != '\n'));
    assert_eq!(meant, None, "{heard}");
    server.stop().await;
}

#[tokio::test]
async fn endless_digits_are_refused_and_many_are_spoken_in_time() {
    let server = TestServer::start("").await;
    let digits = "7".repeat(50_000);
    asked(&server, &digits, Refused("too_long")).await;
    told(&server, &digits, Refused("too_long")).await;
    asked(&server, &digits[..120], Spoken("七")).await;
    told(&server, &digits[..120], Spoken("七")).await;
    let wide = "７".repeat(120);
    asked(&server, &wide, Spoken("七")).await;
    // Over the largest body nothing is read at all.
    let huge = json!({"text": "7".repeat(70_000)}).to_string();
    let request = server.request("POST", "/v1/speech").bearer_auth(&server.key);
    let refused = reply(request.header("content-type", "application/json").body(huge)).await;
    refused.assert_problem(413, "too_large");
    server.stop().await;
}

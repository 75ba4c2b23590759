//! Whatever a backend does with a request, what is told of one alert comes in its order, and each thing until it is taken.
//! What a backend says it has, it is not told again.

use std::collections::BTreeMap;
use std::time::Duration;

use orderbell::domain::callback::CallbackState;
use serde_json::Value;

use crate::stage::{Setup, Stage, TIMEOUT};
use crate::target::{Heard, Manner, Target};

/// What is told of an order that nobody was connected for, and that was heard all the same.
const STORY: [&str; 4] = ["alert.unreachable", "delivery.sent", "delivery.received", "delivery.played"];
const ALERTS: usize = 5;

/// That each alert's story was told in its order: the next part only after the one before it was taken, and none twice.
pub(crate) fn assert_in_order(heard: &[Heard], alerts: usize, manner: &str) {
    let mut stories: BTreeMap<String, (usize, BTreeMap<String, String>)> = BTreeMap::new();
    for request in heard {
        let body = request.body();
        let alert = body["data"]["alert_id"].as_str().unwrap().to_owned();
        let (place, ids) = stories.entry(alert).or_default();
        let kind = body["type"].as_str().unwrap();
        assert!(*place < STORY.len(), "{manner}: {kind} comes after the end of the story");
        assert_eq!(kind, STORY[*place], "{manner}: out of order");
        let id = ids.entry(kind.to_owned()).or_insert_with(|| request.id().to_owned());
        assert_eq!(id, request.id(), "{manner}: a retry has the id of the first try");
        *place += usize::from(request.is_taken());
    }
    let told: Vec<usize> = stories.values().map(|(place, _)| *place).collect();
    assert_eq!(told, vec![STORY.len(); alerts], "{manner}: everything is told");
}

/// The words of the tries that failed.
fn words(tries: &[orderbell::store::CallbackAttempt]) -> Vec<String> {
    let told = tries.iter().map(|attempt| match (attempt.status, &attempt.error) {
        (status, Some(error)) => format!("{} {error}", status.unwrap_or(0)),
        (_, None) => "taken".to_owned(),
    });
    told.collect()
}

async fn told_in_order(name: &str, manner: Manner, expected: &[&str]) {
    let stage = Stage::start(Setup::default()).await;
    let target = Target::at_first(manner).await;
    stage.target(&target.url("/bell"), 1).await;
    for number in 0..ALERTS {
        stage.heard_order(&format!("r{number}")).await;
    }
    for record in stage.ended(ALERTS * STORY.len()).await {
        assert_eq!(record.state, CallbackState::Delivered, "{name}: {}", record.callback.kind);
        assert_eq!(words(&record.tries), expected, "{name}: {}", record.callback.kind);
    }
    assert_in_order(&target.heard(), ALERTS, name);
    stage.stop().await;
}

#[tokio::test]
async fn a_backend_that_is_slow() {
    told_in_order("late", Manner::Late(200, Duration::from_millis(150)), &["taken"]).await;
}

#[tokio::test]
async fn a_backend_that_answers_when_nobody_waits_any_more() {
    // It has it, and is told once more: its answer came after the end of the wait.
    let stage = Stage::start(Setup::default()).await;
    let late = Manner::Late(200, TIMEOUT * 3 / 2);
    let target = Target::at_first(late).await;
    stage.target(&target.url("/"), 1).await;
    stage.heard_order("r1").await;
    for record in stage.ended(STORY.len()).await {
        assert_eq!(words(&record.tries), ["0 timeout", "taken"]);
    }
    let kinds: Vec<Value> = target.heard().iter().map(|request| request.body()["type"].clone()).collect();
    let twice: Vec<&str> = STORY.into_iter().flat_map(|kind| [kind, kind]).collect();
    assert_eq!(kinds, twice, "the order is kept all the same");
    stage.stop().await;
}

#[tokio::test]
async fn a_backend_that_never_answers() {
    told_in_order("hang", Manner::Hang, &["0 timeout", "taken"]).await;
}

#[tokio::test]
async fn a_backend_that_fails() {
    for (status, word) in
        [(500, "500 failed"), (400, "400 refused"), (404, "404 refused"), (999, "999 failed")]
    {
        told_in_order(word, Manner::Status(status), &[word, "taken"]).await;
    }
}

#[tokio::test]
async fn a_backend_that_sends_us_elsewhere() {
    let elsewhere = Target::doing(Manner::Status(200)).await;
    for status in [301, 302, 307, 308] {
        let redirect = Manner::With(status, format!("location: {}", elsewhere.url("/stolen")));
        told_in_order("redirect", redirect, &[&format!("{status} redirect"), "taken"]).await;
    }
    assert!(elsewhere.heard().is_empty(), "no redirect is followed");
}

#[tokio::test]
async fn a_backend_that_breaks_off() {
    let said: [(&str, &[u8], &str); 5] = [
        ("nothing", b"", "0 broken"),
        ("no HTTP", b"\x16\x03\x01 garbage\r\n\r\n", "0 broken"),
        ("half a status line", b"HTTP/1.1 2", "0 broken"),
        ("half a head", b"HTTP/1.1 200 OK\r\ncontent-le", "0 broken"),
        ("a head without its body", b"HTTP/1.1 500 Oh\r\ncontent-length: 9\r\n\r\n", "500 failed"),
    ];
    for (name, bytes, word) in said {
        told_in_order(name, Manner::SayAndClose(bytes.to_vec()), &[word, "taken"]).await;
    }
}

#[tokio::test]
async fn a_backend_that_takes_it_and_then_lies_about_its_answer() {
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let with = |rest: &[u8]| [head.as_slice(), rest].concat();
    for (name, manner) in [
        ("closes after its head", Manner::SayAndClose(with(b"content-length: 99\r\n\r\n"))),
        ("broken chunks", Manner::SayAndClose(with(b"transfer-encoding: chunked\r\n\r\n5\r\nhel"))),
        ("no chunks", Manner::SayAndClose(with(b"transfer-encoding: chunked\r\n\r\nzzz\r\nhello"))),
        ("a body that never comes", Manner::SayAndHang(with(b"content-length: 9\r\n\r\n"))),
        ("a body without end", Manner::Endless),
    ] {
        told_in_order(name, manner, &["taken"]).await;
    }
}

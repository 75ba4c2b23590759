//! What comes in place of an answer on a bad day: pages, floods, drips, silence, half of it. Every engine survives all of
//! it within its deadline, and says what it was.

use std::time::{Duration, Instant};

use orderbell::domain::said::Part;
use orderbell::speech::engine::EngineFailure::{Auth, Broken, Retry};
use orderbell::speech::engine::{Engine, EngineFailure, EngineRequest};

use crate::fake::{Answer, Fake};
use crate::makers::{SOUND, TEXT, assert_failures};
use crate::{DEADLINE, request};

/// Short enough to wait for, long enough for a call on this machine.
const BRIEF: Duration = Duration::from_secs(1);
/// Well before this a brief call has ended.
const SOON: Duration = Duration::from_secs(6);
const FLOOD: usize = 50_000_000;
const PAGE: &str = "<!DOCTYPE html><html><body>Welcome to the hotel</body></html>";

/// Lets an engine live through all of them. `empty` is what it makes of an empty body with status 200.
pub(crate) async fn are_survived(engine_at: impl Fn(&str) -> Box<dyn Engine>, empty: EngineFailure) {
    let elsewhere = Fake::always(Answer::ok("audio/mpeg", SOUND)).await;
    let table = vec![
        ("a page", Answer::ok("text/html; charset=utf-8", PAGE), Broken),
        ("a page that calls itself nothing", Answer::ok("application/x-unknown", PAGE), Broken),
        ("a page of a proxy", Answer::with(502, "text/html", PAGE), Retry),
        ("a page of a guard", Answer::with(403, "text/html", PAGE), Auth),
        ("nothing", Answer::ok("audio/mpeg", ""), empty),
        ("another protocol's object", Answer::ok("application/json", "{\"hello\":[1,2]}"), Broken),
        ("a bomb", Answer::ok("audio/mpeg", bomb()).and("content-encoding", "gzip"), Broken),
        ("a way elsewhere", Answer::with(307, "text/plain", "").and("location", &elsewhere.url()), Broken),
        ("a way elsewhere for good", Answer::with(301, "text/html", "").and("location", "/"), Broken),
        (
            "half an answer",
            Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nID3half".to_vec()),
            Retry,
        ),
        ("half a head", Answer::Bytes(b"HTTP/1.1 200".to_vec()), Retry),
        ("no word", Answer::Bytes(Vec::new()), Retry),
        ("another tongue", Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Retry),
        ("a flood", flood(), Broken),
    ];
    assert_failures(&engine_at, table).await;
    assert!(elsewhere.requests().is_empty());
    let dripping = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 9999\r\n\r\nID3".to_vec();
    for (name, answer) in [
        ("silence", Answer::Stuck(Vec::new())),
        ("a head and silence", Answer::Stuck(dripping.clone())),
        ("a drip", Answer::Endless(dripping, b"a".to_vec(), Duration::from_millis(20))),
    ] {
        let fake = Fake::always(answer).await;
        let began = Instant::now();
        let part = Part::new(TEXT, vec![]);
        let brief = EngineRequest { deadline: BRIEF, ..request(&part) };
        let error = engine_at(&fake.url()).speak(&brief).await.unwrap_err();
        assert_eq!(error.failure, Broken, "{name}: {error:?}");
        assert!((BRIEF..SOON).contains(&began.elapsed()), "{name}: {:?}", began.elapsed());
    }
    nobody_there(&engine_at).await;
}

/// A port at which nobody listens any more.
async fn nobody_there(engine_at: &impl Fn(&str) -> Box<dyn Engine>) {
    let fake = Fake::always(Answer::ok("audio/mpeg", SOUND)).await;
    let url = fake.url();
    drop(fake);
    // The listener goes with its task, a moment after the drop.
    let gone = async {
        loop {
            match engine_at(&url).speak(&request(&Part::new(TEXT, vec![]))).await {
                Err(error) if error.detail == "no connection" => return error.failure,
                Ok(_) | Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    assert_eq!(tokio::time::timeout(DEADLINE, gone).await.expect("it is gone by now"), Broken);
}

/// What calls itself packed, and may hold a gigabyte of zeros: nobody should find out.
fn bomb() -> Vec<u8> {
    [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &[0xed, 0xc1, 0x01, 0x01, 0, 0, 0, 0x80, 0x90, 0xfe, 0xaf]]
        .concat()
}

fn flood() -> Answer {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: {FLOOD}\r\n\r\n");
    Answer::Endless(head.into_bytes(), vec![b'{'; 1 << 16], Duration::ZERO)
}

//! What one address may fetch of silence in an hour, and what becomes of who wants more.

use super::{fetch, spoken};
use crate::support::TestServer;

/// The least there is: 1 MiB an hour.
const TIGHT: &str = "[audio]\nsilence_bytes_per_ip = 1048576\n";

#[tokio::test]
async fn an_address_gets_its_hours_silence_and_then_waits() {
    let server = TestServer::start(TIGHT).await;
    let etag = fetch(&server, "HEAD", "/audio/silence/100.wav", &[]).await.header("etag").to_owned();
    // What carries nothing costs nothing, however often it is asked.
    for _ in 0..50 {
        assert_eq!(fetch(&server, "HEAD", "/audio/silence/100.wav", &[]).await.status, 200);
        let known = fetch(&server, "GET", "/audio/silence/100.wav", &[("if-none-match", &etag)]).await;
        assert_eq!(known.status, 304);
        let beyond = fetch(&server, "GET", "/audio/silence/100.wav", &[("range", "bytes=900000-")]).await;
        assert_eq!(beyond.status, 416);
    }
    assert_eq!(fetch(&server, "GET", "/audio/silence/100.wav", &[]).await.bytes.len(), 800_044);
    let over = fetch(&server, "GET", "/audio/silence/100.wav", &[]).await;
    over.assert_problem(429, "byte_budget");
    // 782 KiB are gone of 1024, and 1024 come back in an hour: 540 more take 1,898 s.
    let wait_s: u64 = over.header("retry-after").parse().unwrap();
    assert!((1_880..=1_900).contains(&wait_s), "{wait_s}");
    // A part is counted as a part, another kind and format from the same budget.
    let part = fetch(&server, "GET", "/audio/silence/100.wav", &[("range", "bytes=0-99999")]).await;
    assert_eq!((part.status, part.bytes.len()), (206, 100_000));
    assert_eq!(fetch(&server, "GET", "/audio/silence/600.m4a", &[]).await.status, 200);
    let noise = fetch(&server, "GET", "/audio/silence/70.mp3?kind=noise", &[]).await;
    noise.assert_problem(429, "byte_budget");
    let short = fetch(&server, "GET", "/audio/silence/30.mp3?kind=noise", &[]).await;
    assert_eq!(short.status, 200);
    assert_eq!(server.metric("orderbell_audio_refused_total{why=\"byte_budget\"}").await, 2);
    // Sentences are not silence.
    let clip = spoken(&server, "请注意安全").await;
    for _ in 0..20 {
        assert_eq!(fetch(&server, "GET", clip["url"].as_str().unwrap(), &[]).await.status, 200);
    }
    server.stop().await;
}

#[tokio::test]
async fn what_can_never_be_had_is_not_called_too_early() {
    let server = TestServer::start(TIGHT).await;
    let never = fetch(&server, "GET", "/audio/silence/3600.wav", &[]).await;
    never.assert_problem(400, "bad_length");
    assert_eq!(never.header("retry-after"), "");
    let part = fetch(&server, "GET", "/audio/silence/3600.wav", &[("range", "bytes=-1000")]).await;
    assert_eq!(part.status, 206);
    server.stop().await;
}

#[tokio::test]
async fn without_a_limit_there_is_none() {
    let server = TestServer::start("[audio]\nsilence_bytes_per_ip = 0\n").await;
    for _ in 0..4 {
        assert_eq!(fetch(&server, "GET", "/audio/silence/100.wav", &[]).await.status, 200);
    }
    server.stop().await;
}

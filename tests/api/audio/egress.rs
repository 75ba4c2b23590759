//! What audio costs, as `/metrics` tells it: bytes that were taken, and riders' time to share them among.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{fetch, spoken};
use crate::support::{RiderSocket, TestServer, eventually};

async fn sent(server: &TestServer, what: &str, format: &str) -> u64 {
    server.metric(&format!("orderbell_audio_bytes_total{{what=\"{what}\",format=\"{format}\"}}")).await
}

async fn per_rider_hour(server: &TestServer) -> f64 {
    let metrics = server.metrics().await;
    let line = metrics.lines().find_map(|line| line.strip_prefix("orderbell_audio_bytes_per_rider_hour "));
    line.unwrap().parse().unwrap()
}

#[tokio::test]
async fn bytes_are_counted_by_what_they_were() {
    let server = TestServer::start("").await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap();
    let whole = clip["bytes"].as_u64().unwrap();
    fetch(&server, "HEAD", url, &[]).await;
    fetch(&server, "GET", url, &[("if-none-match", "*")]).await;
    assert_eq!((sent(&server, "clip", "mp3").await, per_rider_hour(&server).await), (0, 0.0));
    fetch(&server, "GET", url, &[]).await;
    fetch(&server, "GET", url, &[("range", "bytes=0-99")]).await;
    assert_eq!(sent(&server, "clip", "mp3").await, whole + 100);
    let alert = server.alert_for("r1", "order.grabbed").await;
    let path = server.rendered(&alert).await["audio"]["path"].as_str().unwrap().to_owned();
    let mut canned = 0;
    if path.starts_with("/audio/canned/") {
        canned = fetch(&server, "GET", &path, &[]).await.bytes.len() as u64;
    }
    assert_eq!(sent(&server, "canned", "mp3").await, canned);
    let silence = fetch(&server, "GET", "/audio/silence/600.m4a", &[]).await.bytes.len() as u64;
    fetch(&server, "GET", "/audio/silence/2.wav?kind=tone", &[]).await;
    assert_eq!(sent(&server, "keepalive", "m4a").await, silence);
    assert_eq!(sent(&server, "keepalive", "wav").await, 32_044);
    server.stop().await;
}

#[tokio::test]
async fn who_leaves_early_is_counted_for_what_was_taken() {
    let server = TestServer::start("").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /audio/silence/3600.wav?kind=noise HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.read_exact(&mut vec![0; 100_000]).await.unwrap();
    drop(stream);
    // 57.6 MB were promised; what buffers on the way hold is a few.
    let taken = eventually("the first bytes are counted", async || {
        Some(sent(&server, "keepalive", "wav").await).filter(|bytes| *bytes > 0)
    })
    .await;
    assert!((100_000..20_000_000).contains(&taken), "{taken}");
    server.stop().await;
}

#[tokio::test]
async fn riders_who_are_still_here_share_the_cost() {
    let server = TestServer::start("").await;
    fetch(&server, "GET", "/audio/silence/600.mp3", &[]).await;
    assert_eq!(
        (server.metric("orderbell_rider_seconds_total").await, per_rider_hour(&server).await),
        (0, 0.0)
    );
    let rider = RiderSocket::connect(&server, "r1").await;
    let seconds = eventually("an open session is counted", async || {
        Some(server.metric("orderbell_rider_seconds_total").await).filter(|seconds| *seconds > 0)
    })
    .await;
    // 600,192 bytes in a few seconds of one rider's hour.
    let cost = per_rider_hour(&server).await;
    assert!(cost.is_finite() && cost > 600_192.0, "{cost}");
    drop(rider);
    eventually("the session has ended", async || {
        (server.metric("orderbell_sessions").await == 0).then_some(())
    })
    .await;
    assert!(server.metric("orderbell_rider_seconds_total").await >= seconds, "what was stays");
    server.stop().await;
}

//! Clients that take their time, by accident or on purpose: each is waited for as long as it says in the
//! configuration, and those that are only far away are served.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{SLACK, last_body, read_all, statuses};
use crate::support::{DEADLINE, RiderSocket, TestServer, raw};

/// Every wait a different one.
const SHORT: &str = "[server]\nfirst_byte_timeout = \"300ms\"\nheader_timeout = \"500ms\"\n\
    idle_timeout = \"700ms\"\nbody_timeout = \"600ms\"\nwrite_timeout = \"400ms\"\n";
const FIRST_BYTE: Duration = Duration::from_millis(300);
const HEADER: Duration = Duration::from_millis(500);
const IDLE: Duration = Duration::from_millis(700);
const BODY: Duration = Duration::from_millis(600);
const WRITE: Duration = Duration::from_millis(400);

/// Sends these bytes, then one byte after the other; what comes, and that it ends after `wait` and soon.
async fn waited_for(server: &TestServer, at_once: &[u8], drips: &'static [u8], wait: Duration) -> String {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let began = Instant::now();
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(at_once).await.unwrap();
    let dripping = async {
        for byte in drips.iter().cycle() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if drips.is_empty() || writing.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let reading = reading.read_to_end(&mut answer);
    tokio::select! {
        read = tokio::time::timeout(DEADLINE, reading) => drop(read.expect("the server closes")),
        () = dripping => {}
    }
    let took = began.elapsed();
    assert!(took + Duration::from_millis(20) >= wait && took < wait + SLACK, "{took:?} for {wait:?}");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn nobody_takes_longer_than_they_may() {
    let server = TestServer::start(SHORT).await;
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
        server.key
    );
    let half = &head.as_bytes()[..40];
    let well = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let (silent, half, dripped, preface, unsent, slow, idle) = tokio::join!(
        waited_for(&server, b"", b"", FIRST_BYTE),
        waited_for(&server, half, b"", HEADER),
        waited_for(&server, b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"y", HEADER),
        waited_for(&server, b"PRI ", b"", HEADER),
        waited_for(&server, head.as_bytes(), b"", BODY),
        waited_for(&server, head.as_bytes(), b" ", BODY),
        waited_for(&server, well, b"", IDLE),
    );
    assert_eq!([silent, half, dripped, preface], [""; 4]);
    for late in [unsent, slow] {
        assert_eq!(statuses(&late), [408], "{late}");
        assert_eq!(last_body(&late)["error"], "too_slow");
    }
    assert_eq!(statuses(&idle), [200]);
    server.stop().await;
}

#[tokio::test]
async fn nobody_stays_after_an_answer_of_any_kind() {
    let server = TestServer::start(SHORT).await;
    let post = |body: &str| {
        let head = format!("POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", server.key);
        let typed = "Content-Type: application/json\r\n";
        format!("{head}{typed}Content-Length: {}\r\n\r\n{body}", body.len())
    };
    let get = |request: &str| format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n");
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}}).to_string();
    let requests = [
        get("GET /nothing"),
        get("HEAD /healthz"),
        get("HEAD /audio/silence/3600.wav"),
        get("GET /audio/silence/60.wav"),
        get("GET /audio/silence/3.m4a"),
        get("GET /rider"),
        get("GET /v1/rider/socket"),
        post(&event),
        post("nonsense"),
        post(&event) + &get("GET /nothing") + &post(&event),
    ];
    let waits = requests.iter().map(|request| waited_for(&server, request.as_bytes(), b"", IDLE));
    for (request, answers) in requests.iter().zip(futures_util::future::join_all(waits).await) {
        assert_eq!(statuses(&answers).len(), request.matches(" HTTP/1.1").count(), "{request}: {answers}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wait_begins_anew_with_every_request() {
    let server = TestServer::start(SHORT).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Twice as long as any single wait, in pauses that are shorter.
    for _ in 0..6 {
        stream.write_all(b"GET /nothing HT").await.unwrap();
        tokio::time::sleep(HEADER / 2).await;
        stream.write_all(b"TP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut byte = [0];
        while byte != *b"}" {
            stream.read_exact(&mut byte).await.unwrap();
        }
        tokio::time::sleep(IDLE / 3).await;
    }
    stream.write_all(super::WELL).await.unwrap();
    assert_eq!(statuses(&read_all(&mut stream).await), [200]);
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_comes_earns_its_time() {
    let server = TestServer::start(SHORT).await;
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}}).to_string();
    let padding = " ".repeat(10_000);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{event}",
        server.key,
        event.len() + 4 * padding.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..4 {
        stream.write_all(padding.as_bytes()).await.unwrap();
        tokio::time::sleep(BODY / 2).await;
    }
    assert_eq!(statuses(&read_all(&mut stream).await), [200]);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_may_take_its_time() {
    let server = TestServer::start(SHORT).await;
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}});
    let path = "/v1/events?wait=received&timeout_ms=1500";
    let began = Instant::now();
    server.done("POST", path, event).await;
    assert!(began.elapsed() > IDLE * 2);
    server.stop().await;
}

#[tokio::test]
async fn a_rider_may_be_silent_for_longer() {
    let server = TestServer::start(SHORT).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    tokio::time::sleep(IDLE * 2).await;
    rider.assert_no_alert().await;
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_read_is_left_and_who_reads_slowly_is_not() {
    let server = TestServer::start(SHORT).await;
    let request = b"GET /audio/silence/3600.wav HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let head = raw(server.address, b"HEAD /audio/silence/3600.wav HTTP/1.0\r\n\r\n").await.to_lowercase();
    let len = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let len: usize = len.parse().unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(request).await.unwrap();
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    slow.write_all(request).await.unwrap();
    let (mut read, mut piece) = (0, vec![0; 4 << 20]);
    let began = Instant::now();
    loop {
        match slow.read(&mut piece).await.unwrap() {
            0 => break,
            bytes => read += bytes,
        }
        tokio::time::sleep(WRITE / 100).await;
    }
    assert!(read > len, "{read} of {len}");
    // The other one has not been waited for.
    tokio::time::sleep((WRITE * 4).saturating_sub(began.elapsed())).await;
    let mut rest = Vec::new();
    let _reset =
        tokio::time::timeout(DEADLINE, idle.read_to_end(&mut rest)).await.expect("the server closes");
    assert!(rest.len() < len, "{} of {len}", rest.len());
    server.stop().await;
}

//! Requests whose end two readers could see in different places: one refusal, the end of the connection, and not a byte
//! behind it is taken for a request.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{last_body, read_all, statuses};
use crate::support::{RawSocket, TestServer, raw, upgrade_head};

/// An event that must not come in.
fn smuggled(server: &TestServer) -> String {
    let body = r#"{"id":"smuggled","kind":"order.new","target":{"riders":["r1"]}}"#;
    format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.key,
        body.len()
    )
}

fn post(server: &TestServer, lines: &str, body: &str) -> String {
    format!(
        "POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\n{lines}\r\n{body}",
        server.key
    )
}

fn get(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{lines}\r\n")
}

/// Sends what is bad and a good request right behind it: only what is bad is answered, and the connection ends.
async fn refused(server: &TestServer, bytes: &str, status: u16, error: &str) {
    let what: String = bytes.chars().take(300).collect();
    let all = [bytes, &smuggled(server), &smuggled(server)].concat();
    let answers = raw(server.address, all.as_bytes()).await;
    assert_eq!(statuses(&answers), [status], "{what:?}: {answers}");
    let document = last_body(&answers);
    assert_eq!(document["error"], error, "{what:?}: {answers}");
    assert_eq!(document["status"], status, "{what:?}");
    let head = answers.to_lowercase();
    assert!(head.contains("\r\nconnection: close\r\n"), "{what:?}: {answers}");
    assert!(head.contains("\r\ncontent-type: application/problem+json\r\n"), "{what:?}: {answers}");
    let id = document["request_id"].as_str().unwrap();
    assert!(head.contains(&format!("\r\nx-request-id: {id}\r\n")), "{what:?}: {answers}");
}

/// That no event came in, and that the router has seen so many requests.
async fn assert_untouched(server: TestServer, routed: u64) {
    server.get("/v1/events/smuggled").await.assert_problem(404, "not_found");
    assert_eq!(server.metric("orderbell_events_total{outcome=\"stored\"}").await, 0);
    let metrics = server.metrics().await;
    let seen = metrics.lines().filter(|line| line.starts_with("orderbell_http_requests_total{"));
    let seen: u64 = seen.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum();
    // And the look at the event.
    assert_eq!(seen, routed + 1, "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_say_in_one_way_where_it_ends_is_refused() {
    let server = TestServer::start("").await;
    let sized = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5,5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
    ];
    for lines in sized {
        refused(&server, &post(&server, lines, "0\r\n\r\n"), 400, "bad_framing").await;
    }
    let old = post(&server, "Transfer-Encoding: chunked\r\n", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0");
    refused(&server, &old, 400, "bad_framing").await;
    let line = "orderbell_requests_refused_total{why=\"bad_framing\"}";
    assert_eq!(server.metric(line).await, sized.len() as u64 + 1);
    assert_untouched(server, 0).await;
}

#[tokio::test]
async fn a_line_that_two_could_read_differently_is_refused() {
    let server = TestServer::start("").await;
    for lines in [
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "X: a\r\n Transfer-Encoding: chunked\r\n",
        "X: a\0b\r\n",
        "X: a\rb\r\n",
        "X\0: a\r\n",
        "X\r\n",
        "X: a\n",
    ] {
        refused(&server, &post(&server, lines, "0\r\n\r\n"), 400, "bad_header").await;
    }
    for host in [
        "",
        "Host: x\r\nHost: y\r\n",
        "Host: x\r\nhost: x\r\n",
        "Host: x@y\r\n",
        "Host: x/y\r\n",
        "Host:\r\n",
    ] {
        refused(&server, &get("").replace("Host: x\r\n", host), 400, "bad_host").await;
    }
    assert_untouched(server, 0).await;
}

#[tokio::test]
async fn what_is_no_request_to_us_is_refused() {
    let server = TestServer::start("").await;
    for target in [
        "GET http://other.example/healthz",
        "GET http://x/healthz",
        // What our own gate says when it has refused something.
        "GET http://refused.invalid/bad_host",
        "CONNECT x:443",
        "CONNECT /healthz",
        "OPTIONS *",
    ] {
        refused(&server, &get("").replace("GET /healthz", target), 400, "bad_request_line").await;
    }
    for bytes in [
        &get("").replacen("\r\n", "\n", 1),
        "GET /healthz HTTP/1.1\nHost: x\n\n",
        "GET /healthz\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{7f}\x03\x03",
    ] {
        refused(&server, bytes, 400, "bad_request_line").await;
    }
    for version in ["0.9", "9.9", "2.0"] {
        refused(&server, &get("").replace("1.1", version), 505, "http_version").await;
    }
    assert_untouched(server, 0).await;
}

#[tokio::test]
async fn a_head_has_an_end() {
    let server = TestServer::start("").await;
    refused(&server, &get(&"X: y\r\n".repeat(64)), 431, "headers_too_large").await;
    refused(&server, &get(&format!("X: {}\r\n", "a".repeat(17 * 1024))), 431, "headers_too_large").await;
    let long = get("").replace("/healthz", &format!("/{}", "a".repeat(70_000)));
    refused(&server, &long, 414, "uri_too_long").await;
    assert_untouched(server, 0).await;
}

#[tokio::test]
async fn bodies_that_are_not_strict_break_off() {
    let server = TestServer::start("").await;
    let trailers = "X: y\r\n".repeat(5_000);
    let cases = [
        "-1\r\n{}\r\n0\r\n\r\n",
        "0x2\r\n{}\r\n0\r\n\r\n",
        "+2\r\n{}\r\n0\r\n\r\n",
        "2 \r\n{}\r\n0\r\n\r\n",
        "10000000000000002\r\n{}\r\n0\r\n\r\n",
        "2\n{}\r\n0\r\n\r\n",
        "2\r\n{}\n0\r\n\r\n",
        "2\r\n{}x\r\n0\r\n\r\n",
        "2\r\n{}\r\n0\r\n\n",
        "\r\n{}\r\n0\r\n\r\n",
        "2;a\n\r\n{}\r\n0\r\n\r\n",
        &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "a".repeat(65_536)),
        &format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n"),
        "2\r\n{}\r\n0\r\nContent-Length: 5\r\n\r\n",
    ];
    for body in &cases {
        let bytes = post(&server, "Transfer-Encoding: chunked\r\n", body) + &smuggled(&server);
        let answers = raw(server.address, bytes.as_bytes()).await;
        let shown: String = body.chars().take(40).collect();
        assert_eq!(statuses(&answers), [400], "{shown:?}: {answers}");
        assert_eq!(last_body(&answers)["error"], "broken_body", "{shown:?}: {answers}");
    }
    let routed = cases.len() as u64;
    assert_untouched(server, routed).await;
}

#[tokio::test]
async fn what_is_refused_waits_for_the_answers_before_it() {
    let server = TestServer::start("").await;
    let good = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let bad = "GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n";
    let answers = raw(server.address, [good, good, bad, good].concat().as_bytes()).await;
    assert_eq!(statuses(&answers), [200, 200, 400], "{answers}");
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_answered_in_order() {
    let server = TestServer::start("").await;
    let found = |n: usize| n.is_multiple_of(3) || n.is_multiple_of(7);
    let mut requests = String::new();
    for n in 0..1000 {
        let path = if found(n) { "/healthz" } else { "/nothing" };
        let close = if n == 999 { "Connection: close\r\n" } else { "" };
        requests.extend(["GET ", path, " HTTP/1.1\r\nHost: x\r\n", close, "\r\n"]);
    }
    let answers = raw(server.address, requests.as_bytes()).await;
    let expected: Vec<u16> = (0..1000).map(|n| if found(n) { 200 } else { 404 }).collect();
    assert_eq!(statuses(&answers), expected);
    server.stop().await;
}

#[tokio::test]
async fn requests_in_pieces_are_requests() {
    let server = TestServer::start("").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let body = r#"{"id":"e-1","kind":"order.new","target":{"riders":["r1"]}}"#;
    let (half, rest) = body.split_at(20);
    let chunks = format!("{:x};a=b\r\n{half}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n", half.len(), rest.len());
    let sized = post(&server, &format!("Content-Length: {}\r\n", body.len()), body);
    let last = post(&server, "Transfer-Encoding: chunked\r\nConnection: close\r\n", &chunks);
    // An empty line between two requests is an old habit.
    for piece in [&*sized, "\r\n", &last].concat().as_bytes().chunks(7) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let answers = read_all(&mut stream).await;
    assert_eq!(statuses(&answers), [200, 200], "{answers}");
    assert_eq!(last_body(&answers)["data"]["duplicate"], true, "{answers}");
    server.stop().await;
}

#[tokio::test]
async fn every_byte_of_a_path_that_gets_in_reaches_the_router() {
    let server = TestServer::start("").await;
    for byte in b'!'..=b'~' {
        let byte = char::from(byte);
        for path in [format!("/a{byte}"), format!("/a?b={byte}")] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = raw(server.address, request.as_bytes()).await;
            let error = last_body(&answer)["error"].clone();
            assert!(error == "not_found" || error == "bad_request_line", "{path}: {answer}");
            assert_eq!(error == "bad_request_line", "\"#<>\\^`".contains(byte), "{path}");
        }
    }
    let long = format!(
        "GET /{}?token={} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "a".repeat(2000),
        "b".repeat(2000)
    );
    assert_eq!(statuses(&raw(server.address, long.as_bytes()).await), [404]);
    server.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_go_ahead_is_refused_before_the_body() {
    let server = TestServer::start("").await;
    let body = r#"{"kind":"order.new","target":{"riders":["r1"]}}"#;
    let lines = format!("Expect: 100-continue\r\nContent-Length: {}\r\n", body.len());
    let stranger = post(&server, &lines, "").replace(&server.key, "ob_nobody");
    let answers = raw(server.address, stranger.as_bytes()).await;
    assert_eq!(statuses(&answers), [401], "{answers}");
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(post(&server, &(lines + "Connection: close\r\n"), "").as_bytes()).await.unwrap();
    assert!(RawSocket::head(&mut stream).await.starts_with("HTTP/1.1 100 "));
    stream.write_all(body.as_bytes()).await.unwrap();
    let answers = read_all(&mut stream).await;
    assert_eq!(statuses(&answers), [200], "{answers}");
    server.stop().await;
}

#[tokio::test]
async fn an_offer_of_http_2_is_passed_over() {
    let server = TestServer::start("").await;
    let offer = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
                 HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n";
    let last = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answers = raw(server.address, [offer, last].concat().as_bytes()).await;
    assert_eq!(statuses(&answers), [200, 200], "{answers}");
    server.stop().await;
}

#[tokio::test]
async fn frames_may_follow_the_upgrade_at_once_and_nothing_may_follow_its_refusal() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    let head = upgrade_head(&format!("Authorization: Bearer {token}\r\n"));
    let mut socket = RawSocket(TcpStream::connect(server.address).await.unwrap());
    socket.send(head.as_bytes()).await;
    socket.frame(0x81, br#"{"op":"hello","device":"phone"}"#).await;
    let mut socket = RawSocket::after_head(socket.0).await;
    let (opcode, payload) = socket.next().await.unwrap();
    assert!(opcode == 1 && String::from_utf8(payload).unwrap().contains("welcome"));
    drop(socket);
    // The same frame behind an upgrade that is refused is no request.
    let mut socket = RawSocket(TcpStream::connect(server.address).await.unwrap());
    socket.send(upgrade_head("Authorization: Bearer nonsense\r\n").as_bytes()).await;
    socket.frame(0x81, br#"{"op":"hello","device":"phone"}"#).await;
    let answers = read_all(&mut socket.0).await;
    assert_eq!(statuses(&answers), [401, 400], "{answers}");
    server.stop().await;
}

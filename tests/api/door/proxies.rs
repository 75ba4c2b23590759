//! `X-Forwarded-For`: believed from those whom the configuration names, from nobody else, and no further than they know.
//! What shows it is the number of sockets that one client may have.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{last_body, read_all};
use crate::support::{RawSocket, TestServer, eventually, upgrade_head};

/// Asks for a socket with these lines; the connection and the head of the answer.
async fn ask(server: &TestServer, lines: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(upgrade_head(lines).as_bytes()).await.unwrap();
    let head = RawSocket::head(&mut stream).await;
    (stream, head)
}

async fn opened(server: &TestServer, lines: &str) -> TcpStream {
    let (stream, head) = ask(server, lines).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{lines:?}: {head}");
    stream
}

async fn refused(server: &TestServer, lines: &str) {
    let (mut stream, head) = ask(server, &format!("{lines}Connection: close\r\n")).await;
    assert!(head.starts_with("HTTP/1.1 429 "), "{lines:?}: {head}");
    assert!(head.to_lowercase().contains("\r\nretry-after: 10\r\n"), "{head}");
    let rest = read_all(&mut stream).await;
    assert_eq!(last_body(&format!("\r\n\r\n{rest}"))["error"], "too_many_connections", "{rest}");
}

#[tokio::test]
async fn nobody_else_is_believed() {
    let server = TestServer::start("[server]\nsockets_per_ip = 2\n").await;
    let _one = opened(&server, "X-Forwarded-For: 203.0.113.1\r\n").await;
    let two = opened(&server, "X-Forwarded-For: 203.0.113.2\r\n").await;
    refused(&server, "X-Forwarded-For: 203.0.113.3\r\n").await;
    refused(&server, "").await;
    drop(two);
    eventually("there is room again", async || {
        ask(&server, "").await.1.starts_with("HTTP/1.1 101 ").then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_speaks() {
    let limits = "sockets_per_ip = 1\ntrusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]";
    let server = TestServer::start(&format!("[server]\n{limits}\n")).await;
    let _one = opened(&server, "X-Forwarded-For: 203.0.113.1\r\n").await;
    refused(&server, "X-Forwarded-For: 203.0.113.1\r\n").await;
    // What the client has put there itself stands further left.
    refused(&server, "X-Forwarded-For: 198.51.100.7, 203.0.113.1\r\n").await;
    refused(&server, "X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-For: 203.0.113.1, 10.1.2.3\r\n").await;
    let _other = opened(&server, "X-Forwarded-For: 203.0.113.1, 203.0.113.2\r\n").await;
    let _of_another_port = opened(&server, "X-Forwarded-For: 203.0.113.3:4711\r\n").await;
    let _v6 = opened(&server, "X-Forwarded-For: 2001:db8::1\r\n").await;
    refused(&server, "X-Forwarded-For: 2001:db8::2\r\n").await;
    // A proxy that does not say for whom is not taken for one rider with many sockets.
    let _unnamed = [opened(&server, "").await, opened(&server, "X-Forwarded-For: nobody\r\n").await];
    server.stop().await;
}

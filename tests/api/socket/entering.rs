//! Getting in: the handshake, the token by each of its three ways, the first frame.

use std::net::SocketAddr;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::{Minter, RawSocket, RiderSocket, TestServer, raw, upgrade_head};

/// Tokens that are not good, each with what it is told.
async fn bad_tokens(server: &TestServer) -> Vec<(&'static str, String, &'static str)> {
    server.accounts().create_app("other").await.unwrap();
    let minter = Minter::of(server, "default").await;
    let app = server.app("default").await.app.id.to_string();
    let foreign = Minter::of(server, "other").await.token("r1", &json!({"app": app}));
    let now = minter.now_s();
    let with = |changes: Value| minter.token("r1", &changes);
    let mut broken = with(json!({}));
    broken.truncate(broken.len() - 2);
    vec![
        ("signed by another app", foreign, "bad_token"),
        ("unsigned", minter.unsigned("r1"), "bad_token"),
        (
            "signed by another algorithm",
            minter.sign(Algorithm::HS384, &minter.claims("r1", &json!({}))),
            "bad_token",
        ),
        ("without an end", with(json!({"exp": null})), "bad_token"),
        ("without a beginning", with(json!({"iat": null})), "bad_token"),
        ("without a rider", with(json!({"sub": null})), "bad_token"),
        ("for no rider", with(json!({"sub": "a b"})), "bad_token"),
        ("of no app", with(json!({"app": "nobody"})), "bad_token"),
        ("living for two days", with(json!({"iat": now, "exp": now + 172_800})), "bad_token"),
        ("ending at the end of time", with(json!({"exp": i64::MAX})), "bad_token"),
        ("from the future", with(json!({"iat": now + 600, "exp": now + 1200})), "bad_token"),
        ("cut short", broken, "bad_token"),
        ("no token", "nonsense".to_owned(), "bad_token"),
        ("as long as a letter", "x".repeat(3000), "bad_token"),
        ("expired", with(json!({"iat": now - 600, "exp": now - 1})), "token_expired"),
    ]
}

#[tokio::test]
async fn a_bad_token_in_the_header_or_the_query_is_refused_before_the_upgrade() {
    let server = TestServer::start("").await;
    for (what, token, error) in bad_tokens(&server).await {
        let in_header = upgrade_head(&format!("Authorization: Bearer {token}\r\n"));
        let in_query = upgrade_head("").replace("/socket ", &format!("/socket?token={token} "));
        for request in [in_header, in_query] {
            let request = request.replacen("Upgrade\r\n", "Upgrade, close\r\n", 1);
            let answer = raw(server.address, request.as_bytes()).await;
            assert!(answer.starts_with("HTTP/1.1 401 "), "{what}: {answer}");
            assert!(answer.contains(&format!("\"error\":\"{error}\"")), "{what}: {answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bad_token_in_the_hello_is_told_in_a_bye() {
    let server = TestServer::start("").await;
    for (what, token, error) in bad_tokens(&server).await {
        let mut socket = RiderSocket::open(&server).await;
        socket.say_hello(json!({"token": token, "device": "phone"})).await;
        let bye = socket.bye().await;
        let code = if error == "token_expired" { 4105 } else { 4000 };
        assert_eq!(bye["code"], code, "{what}");
        assert_eq!(bye.get("retry_after_ms").is_some(), code >= 4100, "{what}");
    }
    let mut socket = RiderSocket::open(&server).await;
    socket.say_hello(json!({"device": "phone"})).await;
    assert_eq!(socket.bye().await["code"], 4000, "no token at all");
    server.stop().await;
}

/// A hello without a token on a socket that had one in its request; the answer.
async fn first_answer(address: SocketAddr, more: &str, query: &str) -> Value {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = upgrade_head(more).replace("/socket ", &format!("/socket{query} "));
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    let mut socket = RawSocket::after_head(stream).await;
    socket.frame(0x81, br#"{"op":"hello","device":"phone"}"#).await;
    let (opcode, payload) = socket.next().await.unwrap();
    assert_eq!(opcode, 1);
    serde_json::from_slice(&payload).unwrap()
}

#[tokio::test]
async fn a_good_token_is_taken_from_the_header_the_query_or_the_hello() {
    let server = TestServer::start("").await;
    let token = Minter::of(&server, "default").await.token("r1", &json!({}));
    let in_header = format!("Authorization: Bearer {token}\r\n");
    assert_eq!(first_answer(server.address, &in_header, "").await["op"], "welcome");
    let in_query = format!("?x=1&token={token}&y=2");
    assert_eq!(first_answer(server.address, "", &in_query).await["op"], "welcome");
    let hello = json!({"token": token, "device": "phone", "colour": "blue"});
    assert_eq!(RiderSocket::hello(&server, hello).await.welcome["op"], "welcome");
    server.stop().await;
}

#[tokio::test]
async fn the_token_in_the_query_can_be_turned_off() {
    let server = TestServer::start("[rider]\ntoken_in_query = false").await;
    let token = server.token("r1").await;
    let answer = first_answer(server.address, "", &format!("?token={token}")).await;
    assert_eq!((&answer["op"], &answer["code"]), (&json!("bye"), &json!(4000)));
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_websocket_handshake_is_refused() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    let good = upgrade_head(&format!("Authorization: Bearer {token}\r\nConnection: close\r\n"));
    let cases = [
        ("Upgrade: websocket\r\n", "", "426", "upgrade_required"),
        ("Upgrade: websocket\r\n", "Upgrade: h2c\r\n", "426", "upgrade_required"),
        ("Sec-WebSocket-Version: 13\r\n", "", "426", "upgrade_required"),
        ("Sec-WebSocket-Version: 13\r\n", "Sec-WebSocket-Version: 12\r\n", "426", "upgrade_required"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400", "bad_handshake"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ=", "400", "bad_handshake"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!==", "400", "bad_handshake"),
        ("Host:", "Sec-WebSocket-Protocol: graphql-ws, v2.orderbell\r\nHost:", "400", "unknown_protocol"),
    ];
    for (instead_of, this, status, error) in cases {
        let request = good.replace(instead_of, this);
        let answer = raw(server.address, request.as_bytes()).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{this}: {answer}");
        assert!(answer.contains(&format!("\"error\":\"{error}\"")), "{this}: {answer}");
        let version = answer.to_lowercase().contains("sec-websocket-version: 13");
        assert_eq!(version, status == "426", "{answer}");
    }
    server.get("/v1/rider/socket").await.assert_problem(426, "upgrade_required");
    server.stop().await;
}

#[tokio::test]
async fn our_subprotocol_is_chosen_and_no_extension_is() {
    let server = TestServer::start("").await;
    let offers = [
        ("Sec-WebSocket-Protocol: other, orderbell.v1\r\n", true),
        ("Sec-WebSocket-Extensions: permessage-deflate\r\n", false),
    ];
    for (offer, echoed) in offers {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, upgrade_head(offer).as_bytes()).await.unwrap();
        let head = RawSocket::head(&mut stream).await.to_lowercase();
        assert!(head.starts_with("http/1.1 101 "), "{head}");
        assert_eq!(head.contains("sec-websocket-protocol: orderbell.v1\r\n"), echoed, "{head}");
        // The example of RFC 6455 section 1.3.
        assert!(head.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(!head.contains("sec-websocket-extensions"), "{head}");
    }
    server.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let server = TestServer::start("[rider]\nhello_timeout = \"300ms\"").await;
    let mut silent = RiderSocket::open(&server).await;
    assert_eq!(silent.bye().await["code"], 4104);
    server.stop().await;
}

#[tokio::test]
async fn the_first_frame_is_a_hello_or_the_last_one() {
    let server = TestServer::start("").await;
    let token = server.token("r1").await;
    let cases = [
        (json!({"op": "ping"}).to_string(), "hello_first"),
        (json!({"op": "ack", "seqs": [1]}).to_string(), "hello_first"),
        ("nonsense".to_owned(), "malformed_frame"),
        (json!({"op": "sing"}).to_string(), "unknown_op"),
        (json!({"op": "hello", "token": token}).to_string(), "bad_frame"),
        (json!({"op": "hello", "token": token, "device": ""}).to_string(), "bad_frame"),
        (json!({"op": "hello", "token": token, "device": "x".repeat(129)}).to_string(), "bad_frame"),
    ];
    for (frame, error) in cases {
        let mut socket = RiderSocket::open(&server).await;
        socket.send_text(&frame).await;
        assert_eq!(socket.op("error").await["code"], error, "{frame}");
        assert_eq!(socket.bye().await["code"], 4104, "{frame}");
    }
    server.stop().await;
}

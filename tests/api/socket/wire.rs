//! Frames that break RFC 6455: the server says with which rule, and goes.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use crate::support::{RawSocket, RiderSocket, TestServer};

/// A raw socket that has said hello and read its welcome.
async fn welcomed(server: &TestServer, rider: &str) -> RawSocket {
    let mut socket = RawSocket::open(server.address).await;
    let hello = json!({"op": "hello", "token": server.token(rider).await, "device": "phone"});
    socket.frame(0x81, hello.to_string().as_bytes()).await;
    let (opcode, payload) = socket.next().await.unwrap();
    assert!(opcode == 1 && String::from_utf8(payload).unwrap().contains("welcome"));
    socket
}

#[tokio::test]
async fn a_binary_message_is_not_spoken_here() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    rider.send_message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(rider.closed().await, 1003);
    let mut stranger = RiderSocket::open(&server).await;
    stranger.send_message(Message::binary(vec![])).await;
    assert_eq!(stranger.closed().await, 1003);
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_long_is_not_read_to_its_end() {
    let server = TestServer::start("").await;
    let long = vec![b'x'; 16_385];
    let mut socket = welcomed(&server, "r1").await;
    socket.frame(0x81, &long).await;
    assert_eq!(socket.close_code().await, 1009);
    // Only its head, which says that 2^62 bytes follow.
    let mut socket = welcomed(&server, "r2").await;
    socket.send(&[0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]).await;
    assert_eq!(socket.close_code().await, 1009);
    let mut stranger = RawSocket::open(server.address).await;
    stranger.frame(0x81, &long).await;
    assert_eq!(stranger.close_code().await, 1009);
    server.stop().await;
}

#[tokio::test]
async fn fragments_without_an_end_are_not_collected() {
    let server = TestServer::start("").await;
    let mut socket = welcomed(&server, "r1").await;
    socket.frame(0x01, b"{").await;
    for _ in 0..20 {
        socket.frame(0x00, &[b' '; 1000]).await;
    }
    assert_eq!(socket.close_code().await, 1009);
    server.stop().await;
}

#[tokio::test]
async fn a_frame_in_pieces_is_one_frame() {
    let server = TestServer::start("").await;
    let mut socket = welcomed(&server, "r1").await;
    socket.frame(0x01, br#"{"op":"#).await;
    socket.frame(0x89, b"between").await;
    socket.frame(0x00, b"\"pi").await;
    socket.frame(0x80, b"ng\"}").await;
    assert_eq!(socket.next().await.unwrap(), (10, b"between".to_vec()));
    let (opcode, payload) = socket.next().await.unwrap();
    assert!(opcode == 1 && String::from_utf8(payload).unwrap().contains("pong"));
    drop(socket);
    server.stop().await;
}

#[tokio::test]
async fn text_that_is_not_utf8_is_refused() {
    let server = TestServer::start("").await;
    for bad in [&b"\xff"[..], b"{\"op\":\"\xc0\xaf\"}", b"\xed\xa0\x80"] {
        let mut socket = welcomed(&server, "r1").await;
        socket.frame(0x81, bad).await;
        assert_eq!(socket.close_code().await, 1007, "{bad:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn frames_that_break_the_protocol_end_it() {
    let server = TestServer::start("").await;
    let long_ping = [&[0x89, 0xfe, 0, 126, 0, 0, 0, 0][..], &[b'x'; 126]].concat();
    let cases: [(&str, Vec<u8>); 8] = [
        ("unmasked", b"\x81\x02{}".to_vec()),
        ("RSV1", b"\xc1\x82\0\0\0\0{}".to_vec()),
        ("RSV3", b"\x91\x82\0\0\0\0{}".to_vec()),
        ("reserved opcode", b"\x83\x82\0\0\0\0{}".to_vec()),
        ("reserved control opcode", b"\x8b\x80\0\0\0\0".to_vec()),
        ("ping of 126 bytes", long_ping),
        ("ping in pieces", b"\x09\x80\0\0\0\0".to_vec()),
        ("continuation of nothing", b"\x80\x82\0\0\0\0{}".to_vec()),
    ];
    for (what, bytes) in cases {
        let mut socket = welcomed(&server, "r1").await;
        socket.send(&bytes).await;
        assert_eq!(socket.close_code().await, 1002, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_close_is_answered() {
    let server = TestServer::start("").await;
    let mut socket = welcomed(&server, "r1").await;
    socket.frame(0x88, b"\x03\xe8").await;
    assert_eq!(socket.close_code().await, 1000);
    assert_eq!(socket.next().await, None);
    server.stop().await;
}

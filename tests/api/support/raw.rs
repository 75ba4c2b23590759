//! Bytes as no library would send them: requests cut short, frames that break RFC 6455.
//! What the server answers is read with as little understanding as will do.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::DEADLINE;

/// Sends these bytes and reads what comes until the server closes.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let talking = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        // A server that refuses a body it has not read may reset; what it said before counts.
        let _reset = stream.read_to_end(&mut answer).await.is_err();
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(DEADLINE, talking).await.expect("the server answers and closes")
}

/// The head of an upgrade request, with more header lines (each ending in CRLF).
pub(crate) fn upgrade_head(more: &str) -> String {
    format!(
        "GET /v1/rider/socket HTTP/1.1\r\nHost: bell.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A WebSocket without a library.
pub(crate) struct RawSocket(pub(crate) TcpStream);

impl RawSocket {
    /// Connects and upgrades.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::upgrade(TcpStream::connect(address).await.unwrap(), "").await
    }

    /// Upgrades a connection.
    pub(crate) async fn upgrade(mut stream: TcpStream, more: &str) -> Self {
        stream.write_all(upgrade_head(more).as_bytes()).await.unwrap();
        Self::after_head(stream).await
    }

    /// Reads the answer to an upgrade request, which must be yes.
    pub(crate) async fn after_head(mut stream: TcpStream) -> Self {
        let head = Self::head(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        Self(stream)
    }

    /// Reads the head of an answer.
    pub(crate) async fn head(stream: &mut TcpStream) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Sends one masked frame; `first` is its first byte: FIN, RSV and opcode.
    pub(crate) async fn frame(&mut self, first: u8, payload: &[u8]) {
        self.send(&masked(first, payload)).await;
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        // The server may have closed already; the test looks at how.
        let _closed = self.0.write_all(bytes).await.is_err();
    }

    /// The next frame: opcode and payload. `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.0.read_u8().await.ok()?;
        let len = match self.0.read_u8().await.ok()? {
            126 => usize::from(self.0.read_u16().await.ok()?),
            127 => usize::try_from(self.0.read_u64().await.ok()?).unwrap(),
            len => usize::from(len),
        };
        let mut payload = vec![0; len];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((first & 0x0f, payload))
    }

    /// Reads until the close frame; its code.
    pub(crate) async fn close_code(&mut self) -> u16 {
        let reading = async {
            while let Some((opcode, payload)) = self.next().await {
                if opcode == 8 {
                    return u16::from_be_bytes([payload[0], payload[1]]);
                }
            }
            panic!("the stream ended without a close frame");
        };
        tokio::time::timeout(DEADLINE, reading).await.expect("the server closes")
    }
}

fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | u8::try_from(len).unwrap()),
        len => {
            frame.push(0x80 | 0x7e);
            frame.extend(u16::try_from(len).unwrap().to_be_bytes());
        }
    }
    frame.extend(KEY);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

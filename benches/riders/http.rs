//! The least HTTP/1.1 client that can hold a connection: one request, one answer with a Content-Length.
//! A full client would measure itself; this one costs the generator's core a few microseconds a call.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Http {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A request as bytes.
pub(crate) fn request(method: &str, path: &str, key: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n");
    let typed = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
    if method == "GET" { format!("{head}\r\n").into_bytes() } else { (head + &typed).into_bytes() }
}

impl Http {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024) })
    }

    pub(crate) fn of(stream: TcpStream) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Sends a request and reads its answer: status and body.
    pub(crate) async fn call(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.answer().await
    }

    /// Reads one answer.
    pub(crate) async fn answer(&mut self) -> io::Result<(u16, &[u8])> {
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(end) = head_end(&self.buffer) {
                break end;
            }
        };
        let status = number(self.buffer.get(9..12).unwrap_or_default());
        let whole = head + content_length(&self.buffer[..head]);
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok((u16::try_from(status).unwrap_or(0), &self.buffer[head..whole]))
    }
}

/// Where the head ends and the body begins.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|place| place + 4)
}

/// The Content-Length of a head; none is zero.
pub(crate) fn content_length(head: &[u8]) -> usize {
    let name = b"content-length: ";
    let place = head.windows(name.len()).position(|part| part.eq_ignore_ascii_case(name));
    place.map_or(0, |place| number(&head[place + name.len()..]))
}

/// The digits at the beginning, as a number.
pub(crate) fn number(text: &[u8]) -> usize {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'))
}

/// What stands between `before` and the next quote.
pub(crate) fn quoted<'a>(text: &'a [u8], before: &[u8]) -> Option<&'a str> {
    let place = text.windows(before.len()).position(|part| part == before)? + before.len();
    let rest = &text[place..];
    let end = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(&rest[..end]).ok()
}

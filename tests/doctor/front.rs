//! A front before a server, as a proxy stands there: it ends TLS, hands on, and lies as it is told to.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a front does to what goes through it.
#[derive(Clone, Copy)]
pub(crate) struct Lies {
    /// To the head of a request: its first line and its headers.
    pub(crate) request: fn(&mut Vec<String>),
    /// To an answer: its head, and its body.
    pub(crate) answer: fn(&mut Vec<String>, &mut Vec<u8>),
    /// To a socket, after the upgrade.
    pub(crate) socket: Tunnel,
}

/// What becomes of an upgraded connection.
#[derive(Clone, Copy)]
pub(crate) enum Tunnel {
    /// Bytes pass.
    Open,
    /// Nothing does.
    Blind,
}

impl Lies {
    /// None.
    pub(crate) const NONE: Self = Self { request: |_| {}, answer: |_, _| {}, socket: Tunnel::Open };
}

/// Starts a front; where it listens. It ends with the test's runtime.
pub(crate) async fn front(server: SocketAddr, tls: Option<Arc<ServerConfig>>, lies: Lies) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => pass(stream, server, lies).await,
                    Some(tls) => match TlsAcceptor::from(tls).accept(stream).await {
                        Ok(stream) => pass(stream, server, lies).await,
                        Err(_refused) => None,
                    },
                }
            });
        }
    });
    address
}

/// One request on one connection; none if somebody hung up.
async fn pass(mut client: impl AsyncRead + AsyncWrite + Unpin, server: SocketAddr, lies: Lies) -> Option<()> {
    let mut request = head(&mut client).await?;
    let length = header(&request, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.ok()?;
    (lies.request)(&mut request);
    if header(&request, "upgrade").is_none() {
        request.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        request.push("connection: close".to_owned());
    }
    let mut upstream = TcpStream::connect(server).await.ok()?;
    upstream.write_all(&joined(&request)).await.ok()?;
    upstream.write_all(&body).await.ok()?;
    let mut answer = head(&mut upstream).await?;
    let mut body = Vec::new();
    let is_switched = answer.first()?.contains(" 101 ");
    let length = header(&answer, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    match header(&request, "upgrade") {
        _ if is_switched => {}
        // It was not asked to close, and says how long its refusal is.
        Some(_refused) => {
            body.resize(length, 0);
            upstream.read_exact(&mut body).await.ok()?;
        }
        None => {
            upstream.read_to_end(&mut body).await.ok()?;
        }
    }
    (lies.answer)(&mut answer, &mut body);
    client.write_all(&joined(&answer)).await.ok()?;
    client.write_all(&body).await.ok()?;
    client.flush().await.ok()?;
    if is_switched {
        match lies.socket {
            Tunnel::Open => {
                copy_bidirectional(&mut client, &mut upstream).await.ok()?;
            }
            Tunnel::Blind => {
                let _until_the_client_goes = client.read_to_end(&mut body).await;
            }
        }
    }
    client.shutdown().await.ok()
}

/// Lines up to the empty one.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<String>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    Some(text.trim_end().split("\r\n").map(str::to_owned).collect())
}

fn joined(head: &[String]) -> Vec<u8> {
    format!("{}\r\n\r\n", head.join("\r\n")).into_bytes()
}

/// A header's value.
pub(crate) fn header<'a>(head: &'a [String], name: &str) -> Option<&'a str> {
    head.iter().skip(1).find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Takes a header out.
pub(crate) fn drop_header(head: &mut Vec<String>, name: &str) {
    head.retain(|line| !line.split(':').next().unwrap_or_default().eq_ignore_ascii_case(name));
}

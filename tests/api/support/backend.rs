//! A backend, or a voice-call service, of one test: answers as it is told to, and keeps what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::eventually;

/// A server on a port of its own, until it is dropped.
pub(crate) struct Backend {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    head: String,
    /// Its body as it came.
    pub(crate) raw: String,
    /// Its body, `null` if it is not JSON.
    pub(crate) body: Value,
}

#[derive(Default)]
struct Shared {
    heard: Mutex<Vec<Heard>>,
    manner: Mutex<Manner>,
}

#[derive(Clone, Default)]
struct Manner {
    status: u16,
    body: String,
    delay: Duration,
}

impl Backend {
    /// One that answers every request like this, after `delay`.
    pub(crate) async fn start(status: u16, body: &Value, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let ours = Arc::clone(&shared);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&ours)));
            }
        });
        let backend = Self { address, shared, serving };
        backend.answer(status, body, delay);
        backend
    }

    /// Answers like this from now on.
    pub(crate) fn answer(&self, status: u16, body: &Value, delay: Duration) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        *self.shared.manner.lock().unwrap() = Manner { status, body, delay };
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it was asked so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }

    /// Waits until it was asked so often; what it was asked.
    pub(crate) async fn asked(&self, times: usize) -> Vec<Heard> {
        eventually("the backend is asked", async || {
            let heard = self.heard();
            (heard.len() >= times).then_some(heard)
        })
        .await
    }
}

impl Heard {
    /// The method and the path with its query.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(heard) = read(&mut stream).await {
        shared.heard.lock().unwrap().push(heard);
        let Manner { status, body, delay } = shared.manner.lock().unwrap().clone();
        tokio::time::sleep(delay).await;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Told\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A head, and as much body as it announces; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut request = Heard { head: head.to_owned(), raw: body.to_owned(), body: Value::Null };
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            request.body = serde_json::from_str(body).unwrap_or_default();
            return Some(request);
        }
    }
}

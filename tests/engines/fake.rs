//! A service on a port of its own that answers as a test says and keeps what it was sent.
//! It speaks just enough HTTP/1.1 to answer rightly, wrongly, slowly and not at all.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Names in lower case, in the order they came.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The only header of this name; two of a name are a fault of ours.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next();
        assert!(found.next().is_none(), "{name} twice");
        first.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// A whole answer with its length; the connection stays open.
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8> },
    /// These bytes, whatever they are, and then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more, and the connection stays open.
    Stuck(Vec<u8>),
    /// These bytes, then these again and again with a pause between.
    Endless(Vec<u8>, Vec<u8>, Duration),
}

impl Answer {
    /// A body of this type with status 200.
    pub(crate) fn ok(mime: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::with(200, mime, body)
    }

    /// A body of this type with this status.
    pub(crate) fn with(status: u16, mime: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: vec![("content-type", mime.to_owned())], body: body.into() }
    }

    /// JSON with this status.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::with(status, "application/json", body.to_string())
    }

    /// The same with one header more, where it is a whole answer.
    pub(crate) fn and(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Whole { status, mut headers, body } => {
                headers.push((name, value.to_owned()));
                Self::Whole { status, headers, body }
            }
            other => other,
        }
    }
}

/// The service, until it is dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Request>>>,
    serving: JoinHandle<()>,
}

type Handler = dyn Fn(&Request) -> Answer + Send + Sync;

impl Fake {
    /// One that answers each request by `answer`.
    pub(crate) async fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Mutex<Vec<Request>>>::default();
        let (ears, answer): (_, Arc<Handler>) = (Arc::clone(&heard), Arc::new(answer));
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&answer), Arc::clone(&ears)));
            }
        });
        Self { address, heard, serving }
    }

    /// One that answers everything alike.
    pub(crate) async fn always(answer: Answer) -> Self {
        Self::start(move |_| answer.clone()).await
    }

    /// Its address as a URL, without a slash at the end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it was sent so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.heard.lock().unwrap().clone()
    }

    /// The one request that it was sent.
    pub(crate) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, answer: Arc<Handler>, heard: Arc<Mutex<Vec<Request>>>) {
    while let Some(request) = read(&mut stream).await {
        heard.lock().unwrap().push(request.clone());
        // A client that hangs up in the middle of an answer is what some tests are about.
        let written = match answer(&request) {
            Answer::Whole { status, headers, body } => {
                stream.write_all(&written_out(status, &headers, &body)).await
            }
            Answer::Bytes(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Answer::Stuck(bytes) => {
                let _ = stream.write_all(&bytes).await;
                pending().await
            }
            Answer::Endless(bytes, again, pause) => {
                let mut written = stream.write_all(&bytes).await;
                while written.is_ok() {
                    written = stream.write_all(&again).await;
                    tokio::time::sleep(pause).await;
                }
                written
            }
        };
        if written.is_err() {
            return;
        }
    }
}

fn written_out(status: u16, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// A head, and as much body as it announces; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = vec![0; 16_384];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let request = parsed(std::str::from_utf8(&bytes[..end]).unwrap(), &bytes[end + 4..]);
        let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        if request.body.len() >= length {
            return Some(request);
        }
    }
}

fn parsed(head: &str, body: &[u8]) -> Request {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let mut word = || first.next().unwrap_or_default().to_owned();
    let (method, target) = (word(), word());
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_ascii_lowercase(), value.to_owned())
    };
    Request { method, target, headers: lines.map(header).collect(), body: body.to_vec() }
}

//! A backend that takes callbacks as a test wants it to, and keeps every request that it was sent.
//! How it treats a request may hang on the request and on how often it has seen its id.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use orderbell::intake::signature;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How a request is treated.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// This status, at once.
    Status(u16),
    /// This status with this header line.
    With(u16, String),
    /// This status after a while.
    Late(u16, Duration),
    /// No answer, ever.
    Hang,
    /// These bytes, then nothing more, with the connection open.
    SayAndHang(Vec<u8>),
    /// These bytes, then the end of the connection.
    SayAndClose(Vec<u8>),
    /// A 200 whose body has no end.
    Endless,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    head: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) manner: Manner,
}

type Script = Box<dyn Fn(&Heard, usize) -> Manner + Send + Sync>;

struct Shared {
    heard: Mutex<Vec<Heard>>,
    seen: Mutex<HashMap<String, usize>>,
    script: Mutex<Script>,
}

/// A server on a port of its own, until it is dropped.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Target {
    /// One that treats each request as the script says, which gets the request and how often its id came before.
    pub(crate) async fn start(script: impl Fn(&Heard, usize) -> Manner + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let script: Script = Box::new(script);
        let shared =
            Arc::new(Shared { heard: Mutex::default(), seen: Mutex::default(), script: Mutex::new(script) });
        let ours = Arc::clone(&shared);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&ours)));
            }
        });
        Self { address, shared, serving }
    }

    /// One that always does the same.
    pub(crate) async fn doing(manner: Manner) -> Self {
        Self::start(move |_, _| manner.clone()).await
    }

    /// One that does this the first time it sees an id, and takes it the second time.
    pub(crate) async fn at_first(manner: Manner) -> Self {
        Self::start(move |_, seen| if seen == 0 { manner.clone() } else { Manner::Status(200) }).await
    }

    /// Goes by another script from now on.
    pub(crate) fn change(&self, script: impl Fn(&Heard, usize) -> Manner + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Box::new(script);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, in the order of coming.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared.heard.lock().unwrap().clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// Where it was sent to, beside the host.
    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn id(&self) -> &str {
        self.header(signature::ID).unwrap()
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// What it tells, whether it is a list or not.
    pub(crate) fn told(&self) -> Vec<Value> {
        match self.body() {
            Value::Array(all) => all,
            one => vec![one],
        }
    }

    /// Whether its sender may think that it was taken.
    pub(crate) fn is_taken(&self) -> bool {
        match &self.manner {
            Manner::Status(status) | Manner::With(status, _) | Manner::Late(status, _) => {
                (200..300).contains(status)
            }
            Manner::SayAndHang(said) | Manner::SayAndClose(said) => {
                said.starts_with(b"HTTP/1.1 2") && said.windows(4).any(|four| four == b"\r\n\r\n")
            }
            Manner::Hang => false,
            Manner::Endless => true,
        }
    }

    /// Whether one of these secrets has signed it, by the verifier of the door.
    pub(crate) fn is_signed_by(&self, secrets: &[&[u8]]) -> bool {
        let at_s: i64 = self.header(signature::TIMESTAMP).unwrap().parse().unwrap();
        let signatures = self.header(signature::SIGNATURE).unwrap();
        let right = |secret: &&[u8]| {
            let right = signature::sign(secret, self.id(), at_s, &self.bytes);
            signatures.split(' ').any(|signature| signature == right)
        };
        secrets.iter().any(right)
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(mut heard) = read(&mut stream).await {
        let seen = {
            let mut all = shared.seen.lock().unwrap();
            let seen = all.entry(heard.id().to_owned()).or_default();
            *seen += 1;
            *seen - 1
        };
        let manner = shared.script.lock().unwrap()(&heard, seen);
        heard.manner = manner.clone();
        shared.heard.lock().unwrap().push(heard);
        if !treat(&mut stream, manner).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn treat(stream: &mut TcpStream, manner: Manner) -> bool {
    let answer =
        |status: u16, line: &str| format!("HTTP/1.1 {status} Told\r\n{line}content-length: 0\r\n\r\n");
    let (said, goes_on) = match manner {
        Manner::Status(status) => (answer(status, "").into_bytes(), true),
        Manner::With(status, line) => (answer(status, &format!("{line}\r\n")).into_bytes(), true),
        Manner::Late(status, wait) => {
            tokio::time::sleep(wait).await;
            (answer(status, "").into_bytes(), true)
        }
        Manner::Hang => return std::future::pending().await,
        Manner::SayAndHang(said) => {
            let _gone = stream.write_all(&said).await.is_err();
            return std::future::pending().await;
        }
        Manner::SayAndClose(said) => (said, false),
        Manner::Endless => {
            let mut chunk = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
            while stream.write_all(&chunk).await.is_ok() {
                chunk = [b"1000\r\n".as_slice(), &[b'x'; 0x1000], b"\r\n"].concat();
            }
            return false;
        }
    };
    stream.write_all(&said).await.is_ok() && goes_on
}

/// A head, and as much body as it announces; `None` at the end of the connection.
async fn read(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut request = Heard { at: Instant::now(), head, bytes: Vec::new(), manner: Manner::Hang };
        let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap());
        let body = &bytes[end + 4..];
        if body.len() >= length {
            request.bytes = body[..length].to_vec();
            return Some(request);
        }
    }
}

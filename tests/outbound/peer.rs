//! A service that says exactly the bytes of a test, and keeps what it was sent.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What it does with each request.
#[derive(Clone)]
pub(crate) enum Manner {
    /// Says this and waits for the next request.
    Say(Vec<u8>),
    /// Says this and hangs up.
    SayAndClose(Vec<u8>),
    /// Says this, then this again and again until nobody listens.
    Repeat(Vec<u8>, Vec<u8>, Duration),
    /// Says this and nothing more.
    SayAndHang(Vec<u8>),
}

/// A service on a port of its own, until it is dropped.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    heard: Arc<Heard>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Heard {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Peer {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::<Heard>::default();
        let ears = Arc::clone(&heard);
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        let serving = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                ears.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, manner.clone(), Arc::clone(&ears)));
            }
        });
        Self { address, heard, serving }
    }

    /// One that answers with this status line and these headers, each followed by a line end, and a body.
    pub(crate) async fn answering(head: &str, body: &[u8]) -> Self {
        let length = format!("{head}content-length: {}\r\n\r\n", body.len());
        Self::start(Manner::Say([format!("HTTP/1.1 {length}").as_bytes(), body].concat())).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::SeqCst)
    }

    /// Head and body of each request, as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.heard.requests.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut stream: TcpStream, manner: Manner, heard: Arc<Heard>) {
    while let Some(request) = read_request(&mut stream).await {
        heard.requests.lock().unwrap().push(request);
        match &manner {
            Manner::Say(words) => stream.write_all(words).await.unwrap(),
            Manner::SayAndClose(words) => {
                stream.write_all(words).await.unwrap();
                return;
            }
            Manner::Repeat(words, again, pause) => {
                stream.write_all(words).await.unwrap();
                while stream.write_all(again).await.is_ok() {
                    tokio::time::sleep(*pause).await;
                }
                return;
            }
            Manner::SayAndHang(words) => {
                stream.write_all(words).await.unwrap();
                pending::<()>().await;
            }
        }
    }
}

/// A head, and as much body as it announces; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8(bytes.clone()).ok()?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(text);
        }
    }
}

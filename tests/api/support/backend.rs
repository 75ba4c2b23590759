//! A backend, or a voice-call service, of one test: answers as it is told to, and keeps what it was asked and told.
//! Every callback is held to the OpenAPI document; one that is not as described fails the test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{TestServer, contract, eventually};

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
    told: Mutex<Vec<Heard>>,
    faults: Mutex<Vec<String>>,
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

    /// The callbacks it was told so far, each try for itself.
    pub(crate) fn told(&self) -> Vec<Heard> {
        self.shared.told.lock().unwrap().clone()
    }

    /// Waits until it was told so many callbacks of this kind; these.
    pub(crate) async fn told_of(&self, kind: &str, times: usize) -> Vec<Heard> {
        eventually(&format!("the backend is told {kind}"), async || {
            let mut told = self.told();
            told.retain(|heard| heard.body["type"] == kind);
            (told.len() >= times).then_some(told)
        })
        .await
    }

    /// What it was asked so far, callbacks aside.
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

    /// Whether it tells something, and is neither a question nor a call of a ladder.
    fn is_callback(&self) -> bool {
        self.header("webhook-signature").is_some() && self.body["type"] != "offer.accept"
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.serving.abort();
        if !std::thread::panicking() {
            let faults = self.shared.faults.lock().unwrap();
            assert!(faults.is_empty(), "not as described: {}", faults.join("\n"));
        }
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Some(heard) = read(&mut stream).await {
        if heard.header("webhook-signature").is_some() {
            shared.faults.lock().unwrap().extend(contract::faults_of_sent(&heard.body));
        }
        let list = if heard.is_callback() { &shared.told } else { &shared.heard };
        list.lock().unwrap().push(heard);
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

/// A callback of the app `default` that a backend has, in place of all its targets; its id.
pub(crate) async fn delivered_callback(server: &TestServer) -> String {
    let backend = Backend::start(200, &Value::Null, Duration::ZERO).await;
    let target = only_target(server, &backend.url("/bell")).await;
    let tested = server.done("POST", &format!("/v1/callbacks/targets/{target}/test"), Value::Null).await;
    let id = tested["callback_id"].as_str().unwrap().to_owned();
    eventually("the callback is delivered", async || {
        let callback = server.done("GET", &format!("/v1/callbacks/{id}"), Value::Null).await;
        (callback["state"] == "delivered").then_some(())
    })
    .await;
    id
}

/// A target of the app `default` in place of all it has; its id.
pub(crate) async fn only_target(server: &TestServer, url: &str) -> String {
    let targets = server.done("GET", "/v1/callbacks/targets", Value::Null).await;
    for target in targets["targets"].as_array().unwrap() {
        let path = format!("/v1/callbacks/targets/{}", target["target_id"].as_str().unwrap());
        server.done("DELETE", &path, Value::Null).await;
    }
    let made = server.done("POST", "/v1/callbacks/targets", json!({"url": url})).await;
    made["target_id"].as_str().unwrap().to_owned()
}

//! A rider's client, kept to what the protocol asks: acknowledge at once, report once, keep receipts until they are
//! confirmed, come back after every loss. Every frame it gets goes into the history.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::history::{Frame, History};

/// One rider on one device.
pub(crate) struct Rider {
    name: String,
    token: String,
    address: SocketAddr,
    history: Arc<History>,
    session: usize,
    n: u64,
    /// Receipts that are not confirmed.
    unconfirmed: BTreeMap<u64, Value>,
    /// What this device has reported as played, so that a repetition stays silent.
    heard: HashSet<(String, u64)>,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Back-off of a rider who lost the server.
const PAUSE: Duration = Duration::from_millis(30);

impl Rider {
    /// A rider who has not connected yet.
    pub(crate) fn new(name: String, token: String, address: SocketAddr, history: Arc<History>) -> Self {
        let (unconfirmed, heard) = (BTreeMap::new(), HashSet::new());
        Self { name, token, address, history, session: 0, n: 0, unconfirmed, heard }
    }

    /// Listens until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            if let Ok(socket) = self.connect().await {
                self.session += 1;
                tokio::select! {
                    () = stop.cancelled() => break,
                    heard = self.listen(socket) => heard?,
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn connect(&self) -> anyhow::Result<Socket> {
        let mut request = format!("ws://{}/v1/rider/socket", self.address).into_client_request()?;
        let protocol = HeaderValue::from_static("orderbell.v1");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _answer) = connect_async(request).await?;
        let device = format!("device-of-{}", self.name);
        let state = json!({"on_duty": true, "foreground": true, "audio": "playing"});
        let hello = json!({"op": "hello", "token": self.token, "device": device, "state": state});
        socket.send(Message::from(hello.to_string())).await?;
        Ok(socket)
    }

    /// Until the connection is lost. A frame that breaks the protocol is a fault.
    async fn listen(&mut self, mut socket: Socket) -> anyhow::Result<()> {
        while let Some(Ok(message)) = socket.next().await {
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text)?;
            let replies = match frame["op"].as_str() {
                Some("welcome") => self.unconfirmed.values().cloned().collect(),
                Some("alert") => self.on_alert(&frame)?,
                Some("ping") => vec![json!({"op": "pong"})],
                Some("got") => {
                    let n = frame["n"].as_u64().context("got without n")?;
                    self.unconfirmed = self.unconfirmed.split_off(&(n + 1));
                    Vec::new()
                }
                Some("error" | "bye") => anyhow::bail!("{}: {text}", self.name),
                Some(_) | None => Vec::new(),
            };
            for reply in replies {
                if socket.send(Message::from(reply.to_string())).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn on_alert(&mut self, frame: &Value) -> anyhow::Result<Vec<Value>> {
        let text = |name: &str| Some(frame[name].as_str()?.to_owned());
        let alert = text("id").context("alert without id")?;
        let event = text("event_id").context("alert without event_id")?;
        let seq = frame["seq"].as_i64().context("alert without seq")?;
        let ring = frame["ring"].as_u64().context("alert without ring")?;
        let mut replies = vec![json!({"op": "ack", "seqs": [seq]})];
        let first = self.heard.insert((alert.clone(), ring));
        if first {
            for status in ["playing", "played"] {
                self.n += 1;
                let report =
                    json!({"op": "report", "n": self.n, "id": alert, "ring": ring, "status": status});
                self.unconfirmed.insert(self.n, report.clone());
                replies.push(report);
            }
        }
        self.history.delivered(Frame {
            rider: self.name.clone(),
            session: self.session,
            seq,
            event,
            alert,
            first,
        });
        Ok(replies)
    }
}

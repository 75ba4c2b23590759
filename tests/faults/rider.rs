//! A rider's client on a real socket, kept to what the protocol asks: acknowledge, report once, keep receipts until
//! they are confirmed, come back after every loss. What it does with an alert is in its `book`.

#[path = "rider/book.rs"]
mod book;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use self::book::Book;
use crate::dice::Dice;
use crate::history::History;
use crate::op::Op;

/// One rider on one device.
pub(crate) struct Rider {
    name: String,
    token: String,
    gate: SocketAddr,
    history: Arc<History>,
    dice: Dice,
    session: usize,
    book: Book,
    /// What is not settled at all riders together, for those who wait for the end.
    burden: Arc<AtomicUsize>,
    told: usize,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection, an upgrade and a hello together take no longer over a good way.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// For the welcome some riders wait less, so that a server that was held up meets the hellos of one rider all at once.
const IMPATIENT_MS: u64 = 250;
/// Heartbeats that may be missed before the way counts as lost (docs/protocol.md: two and a half).
const SILENCE: u32 = 5;
/// The last look of a rider at what is open is tried so often.
const LAST_LOOKS: usize = 20;

/// How a connection ended.
enum Left {
    /// Lost, or silent for too long.
    Lost,
    /// By the server's word: come back after this.
    Bye(Duration),
}

impl Rider {
    /// A rider who has not connected yet, and will through `gate`.
    pub(crate) fn new(
        name: &str,
        token: String,
        gate: SocketAddr,
        history: &Arc<History>,
        seed: u64,
        burden: &Arc<AtomicUsize>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            token,
            gate,
            history: Arc::clone(history),
            dice: Dice::new(seed, name),
            session: 0,
            book: Book::new(name, Arc::clone(history), Dice::new(seed, &format!("book of {name}"))),
            burden: Arc::clone(burden),
            told: 0,
        }
    }

    /// Listens until told to stop; then looks once more at what is open, and says what it still holds.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => break,
                done = self.live() => done?,
            }
        }
        self.look_once_more().await?;
        self.book.note_held();
        Ok(())
    }

    /// One connection, and the pause after it.
    async fn live(&mut self) -> anyhow::Result<()> {
        let mut pause = self.dice.millis(30, 200);
        if let Ok(Ok(socket)) = timeout(CONNECT_LIMIT, self.connect()).await
            && let Left::Bye(wait) = self.listen(socket).await?
        {
            pause = pause.max(wait);
        }
        self.tell_burden();
        tokio::time::sleep(pause).await;
        Ok(())
    }

    async fn connect(&mut self) -> anyhow::Result<Socket> {
        let mut request = format!("ws://{}/v1/rider/socket", self.gate).into_client_request()?;
        let protocol = HeaderValue::from_static("orderbell.v1");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (mut socket, _answer) = connect_async(request).await?;
        let device = format!("device-of-{}", self.name);
        let state = json!({"on_duty": true, "foreground": true, "audio": "playing"});
        let hello = json!({"op": "hello", "token": self.token, "device": device, "state": state});
        self.session += 1;
        self.history.note(Op::Hello { rider: self.name.clone(), session: self.session });
        socket.send(Message::from(hello.to_string())).await?;
        Ok(socket)
    }

    /// Until the connection is lost, or has been silent for too long.
    async fn listen(&mut self, mut socket: Socket) -> anyhow::Result<Left> {
        let mut silence = self.dice.millis(IMPATIENT_MS, 3_000);
        let mut heard = Instant::now();
        let mut welcomed = false;
        loop {
            self.tell_burden();
            let silent = heard + silence;
            // Before the welcome nobody knows what is still open.
            let due = self.book.next_due().filter(|_| welcomed).map_or(silent, |due| due.min(silent));
            let replies = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    let Some(Ok(message)) = message else { return Ok(Left::Lost) };
                    let Message::Text(text) = message else { continue };
                    let frame: Value = serde_json::from_str(&text).context("a frame that is no JSON")?;
                    if let Some(heartbeat_ms) = frame["heartbeat_ms"].as_u64() {
                        silence = Duration::from_millis(heartbeat_ms) * SILENCE / 2;
                    }
                    welcomed |= frame["op"] == "welcome";
                    if frame["op"] == "bye" {
                        return self.leave(socket, &frame).await;
                    }
                    self.on_frame(&frame)?
                }
                () = sleep_until(due) => {
                    if Instant::now() >= silent {
                        return Ok(Left::Lost);
                    }
                    self.book.do_due(Instant::now())
                }
            };
            if self.send(&mut socket, replies).await.is_err() {
                return Ok(Left::Lost);
            }
        }
    }

    async fn send(&self, socket: &mut Socket, frames: Vec<Value>) -> Result<(), Error> {
        for frame in frames {
            let sending = timeout(CONNECT_LIMIT, socket.send(Message::from(frame.to_string())));
            sending.await.unwrap_or(Err(Error::ConnectionClosed))?;
        }
        Ok(())
    }

    fn on_frame(&mut self, frame: &Value) -> anyhow::Result<Vec<Value>> {
        let (rider, session) = (self.name.clone(), self.session);
        Ok(match frame["op"].as_str().context("a frame without op")? {
            "welcome" => self.book.on_welcome(session, frame)?,
            "alert" => self.book.on_alert(session, frame)?,
            "stop" => {
                self.book.on_stop(session, frame)?;
                Vec::new()
            }
            "got" => {
                self.book.on_got(frame)?;
                Vec::new()
            }
            "answered" => {
                self.book.on_answered(frame)?;
                Vec::new()
            }
            "ping" => vec![json!({"op": "pong"})],
            "error" => {
                self.history.note(Op::Refused { rider, session, code: frame["code"].to_string() });
                Vec::new()
            }
            "update" | "pong" => Vec::new(),
            op => anyhow::bail!("{rider} got an unknown frame {op}"),
        })
    }

    /// Notes the good-bye and reads to the end, as a client must.
    async fn leave(&self, mut socket: Socket, bye: &Value) -> anyhow::Result<Left> {
        let code = bye["code"].as_u64().context("bye without code")?;
        self.history.note(Op::Bye { rider: self.name.clone(), session: self.session, code });
        let ending = async { while let Some(Ok(_)) = socket.next().await {} };
        let _closed = timeout(CONNECT_LIMIT, ending).await.is_ok();
        Ok(Left::Bye(Duration::from_millis(bye["retry_after_ms"].as_u64().unwrap_or_default())))
    }

    /// A connection for its welcome alone.
    async fn look_once_more(&mut self) -> anyhow::Result<()> {
        for _ in 0..LAST_LOOKS {
            let looking = async {
                let mut socket = self.connect().await?;
                while let Some(message) = socket.next().await {
                    let Message::Text(text) = message? else { continue };
                    let frame: Value = serde_json::from_str(&text)?;
                    if frame["op"] == "welcome" {
                        return Ok(Some(frame));
                    }
                }
                anyhow::Ok(None)
            };
            if let Ok(Ok(Some(frame))) = timeout(CONNECT_LIMIT, looking).await {
                self.book.on_welcome(self.session, &frame)?;
                return Ok(());
            }
            tokio::time::sleep(self.dice.millis(50, 200)).await;
        }
        self.history.note(Op::Stuck { what: format!("{} was not welcomed at the end", self.name) });
        Ok(())
    }

    /// Keeps the common count of what is not settled.
    fn tell_burden(&mut self) {
        let now = self.book.unsettled();
        self.burden.fetch_add(now, Ordering::SeqCst);
        self.burden.fetch_sub(self.told, Ordering::SeqCst);
        self.told = now;
    }
}

//! A rider's client: says hello, collects frames, answers heartbeats, and waits for what it is told to.
//! Frames that nobody has asked for yet are kept, so that no order of looking misses one.

use std::collections::VecDeque;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{DEADLINE, TestServer};

/// One socket of a rider.
pub(crate) struct RiderSocket {
    ws: WebSocketStream<MaybeTlsStream<TcpStream>>,
    kept: VecDeque<Value>,
    n: u64,
    // The server hangs up on it when the test is over.
    _connection: Arc<std::net::TcpStream>,
    /// Whether heartbeats are answered.
    pub(crate) answers_pings: bool,
    /// The server's first frame.
    pub(crate) welcome: Value,
}

enum Came {
    Frame(Value),
    Closed(u16),
}

impl RiderSocket {
    /// Says hello as the rider's phone and waits for the welcome.
    pub(crate) async fn connect(server: &TestServer, rider: &str) -> Self {
        let token = server.token(rider).await;
        Self::hello(server, json!({"token": token, "device": "phone"})).await
    }

    /// Says a hello of its own making and waits for the welcome.
    pub(crate) async fn hello(server: &TestServer, hello: Value) -> Self {
        let mut socket = Self::open(server).await;
        socket.say_hello(hello).await;
        socket.welcome = socket.op("welcome").await;
        socket
    }

    /// A socket that has said nothing yet.
    pub(crate) async fn open(server: &TestServer) -> Self {
        let mut request = format!("ws://{}/v1/rider/socket", server.address).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "orderbell.v1".parse().unwrap());
        // Without Nagle's delay: these clients say many small things one after the other.
        let connecting = tokio_tungstenite::connect_async_with_config(request, None, true);
        let (ws, response) = connecting.await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "orderbell.v1");
        let MaybeTlsStream::Plain(stream) = ws.get_ref() else { panic!("no TLS here") };
        let connection = Arc::new(std::net::TcpStream::from(stream.as_fd().try_clone_to_owned().unwrap()));
        server.keep_rider(&connection);
        Self {
            ws,
            kept: VecDeque::new(),
            n: 0,
            _connection: connection,
            answers_pings: true,
            welcome: Value::Null,
        }
    }

    pub(crate) async fn say_hello(&mut self, mut hello: Value) {
        hello["op"] = json!("hello");
        self.send(hello).await;
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.ws.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.ws.send(message).await.unwrap();
    }

    /// The first frame with this `op`, kept or coming.
    pub(crate) async fn op(&mut self, op: &str) -> Value {
        self.frame(op, |frame| frame["op"] == op).await
    }

    /// The next alert.
    pub(crate) async fn alert(&mut self) -> Value {
        self.op("alert").await
    }

    /// The first frame that is the one, kept or coming.
    pub(crate) async fn frame(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        if let Some(place) = self.kept.iter().position(&is) {
            return self.kept.remove(place).unwrap();
        }
        let waiting = async {
            loop {
                match self.read().await {
                    Came::Frame(frame) if is(&frame) => return frame,
                    Came::Frame(frame) => self.kept.push_back(frame),
                    Came::Closed(code) => panic!("closed with {code} while waiting for {what}"),
                }
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("no {what} came"))
    }

    /// Everything that came and that nobody asked for, after the server has answered a ping.
    pub(crate) async fn so_far(&mut self) -> Vec<Value> {
        self.send(json!({"op": "ping"})).await;
        self.op("pong").await;
        self.kept.drain(..).collect()
    }

    /// That no alert has come that nobody asked for.
    pub(crate) async fn assert_no_alert(&mut self) {
        let frames = self.so_far().await;
        assert!(frames.iter().all(|frame| frame["op"] != "alert"), "{frames:?}");
    }

    /// That no alert comes for so long, by the server's own clock. Every pong is a round trip; ten a second are no
    /// flood.
    pub(crate) async fn assert_no_alert_for(&mut self, server: &TestServer, ms: i64) {
        let until = server.now_ms() + ms;
        while server.now_ms() < until {
            self.assert_no_alert().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits for the end; its close code. 1006 if there was no close frame.
    pub(crate) async fn closed(&mut self) -> u16 {
        let waiting = async {
            loop {
                match self.read().await {
                    Came::Frame(frame) => self.kept.push_back(frame),
                    Came::Closed(code) => return code,
                }
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.expect("the server closes")
    }

    /// Waits for `bye` and the close frame, which must say the same; the `bye`.
    pub(crate) async fn bye(&mut self) -> Value {
        let code = self.closed().await;
        let place = self.kept.iter().position(|frame| frame["op"] == "bye");
        let bye = place.and_then(|place| self.kept.remove(place)).unwrap_or_default();
        assert_eq!(bye["code"], code, "{:?}", self.kept);
        bye
    }

    pub(crate) async fn ack(&mut self, alert: &Value) {
        self.send(json!({"op": "ack", "seqs": [alert["seq"]]})).await;
    }

    /// Reports, and waits until the server has it.
    pub(crate) async fn report(&mut self, id: &str, status: &str) {
        self.report_with(id, status, json!({})).await;
    }

    /// Reports with more members, and waits until the server has it.
    pub(crate) async fn report_with(&mut self, id: &str, status: &str, more: Value) {
        self.n += 1;
        let mut frame = json!({"op": "report", "n": self.n, "id": id, "ring": 1, "status": status});
        for (name, value) in more.as_object().unwrap() {
            frame[name] = value.clone();
        }
        self.send(frame).await;
        self.got().await;
    }

    /// Answers, and waits until the server has it; the outcome.
    pub(crate) async fn answer(&mut self, id: &str, answer: &str) -> String {
        let n = self.say_answer(id, answer).await;
        let outcome = self.outcome(n, id).await;
        self.got().await;
        outcome
    }

    /// Answers and waits for nothing; the number of the answer.
    pub(crate) async fn say_answer(&mut self, id: &str, answer: &str) -> u64 {
        self.n += 1;
        self.send(json!({"op": "answer", "n": self.n, "id": id, "answer": answer})).await;
        self.n
    }

    /// What is told (next) of the answer with this number.
    pub(crate) async fn outcome(&mut self, n: u64, id: &str) -> String {
        let answered = self.frame("answered", |frame| frame["op"] == "answered" && frame["n"] == n).await;
        assert_eq!(answered["id"], id);
        answered["outcome"].as_str().unwrap().to_owned()
    }

    /// Waits until this alert is stopped; why. What was stopped with it is kept for who asks for it.
    pub(crate) async fn stopped(&mut self, id: &str) -> String {
        let of_this = |frame: &Value| {
            frame["op"] == "stop" && frame["ids"].as_array().is_some_and(|ids| ids.contains(&json!(id)))
        };
        let mut stop = self.frame("stop", of_this).await;
        let reason = stop["reason"].as_str().unwrap().to_owned();
        let ids = stop["ids"].as_array_mut().unwrap();
        ids.retain(|other| other != id);
        if !ids.is_empty() {
            self.kept.push_front(stop);
        }
        reason
    }

    async fn got(&mut self) {
        let n = self.n;
        self.frame("got", |frame| frame["op"] == "got" && frame["n"] == n).await;
    }

    async fn read(&mut self) -> Came {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if frame["op"] == "ping" && self.answers_pings {
                        self.send(json!({"op": "pong"})).await;
                    }
                    return Came::Frame(frame);
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.map_or(1005, |frame| frame.code.into());
                    // Reading on lets the library answer the close frame.
                    while let Some(Ok(_)) = self.ws.next().await {}
                    return Came::Closed(code);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Came::Closed(1006),
            }
        }
    }
}

//! Riders: sockets that say hello, answer heartbeats, and for each alert say received and played at once.
//! Frames are masked with zeros, which RFC 6455 allows a client and which costs the generator nothing.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_local};

use super::figures::Laps;
use super::http::{head_end, number, quoted};

/// Upgrades and hellos under way at one time.
const OPENING_MAX: usize = 128;
/// In place of a short length: two bytes of length follow.
const EXTENDED: u8 = 126;
/// Before the number in the id of an event.
pub(crate) const MARK: &str = "RB-";

/// What has arrived, of one run at a time.
#[derive(Default)]
pub(crate) struct Sink {
    run: RefCell<Run>,
}

/// One open-loop run: when each of its events was meant to be sent, and what became of it.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) first: usize,
    pub(crate) began: Option<Instant>,
    pub(crate) interval: f64,
    pub(crate) seen: Vec<bool>,
    pub(crate) laps: Laps,
    pub(crate) twice: usize,
    pub(crate) frame_bytes: usize,
    pub(crate) gone: usize,
}

impl Sink {
    pub(crate) fn begin(&self, run: Run) {
        let gone = self.run.borrow().gone;
        *self.run.borrow_mut() = Run { gone, ..run };
    }

    /// How many of the run's events have arrived.
    pub(crate) fn count(&self) -> usize {
        self.run.borrow().laps.len()
    }

    pub(crate) fn take(&self) -> Run {
        self.run.take()
    }

    fn arrived(&self, frame: &[u8]) {
        let now = Instant::now();
        let mut run = self.run.borrow_mut();
        run.frame_bytes = frame.len();
        let Some(id) = quoted(frame, br#""event_id":"RB-"#) else { return };
        let Some(place) = number(id.as_bytes()).checked_sub(run.first) else { return };
        let (Some(began), Some(seen)) = (run.began, run.seen.get_mut(place)) else { return };
        if std::mem::replace(seen, true) {
            run.twice += 1;
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a run has thousands of events")]
        let intended = began + Duration::from_secs_f64(place as f64 * run.interval);
        run.laps.push(now.saturating_duration_since(intended).as_secs_f64());
    }
}

/// Riders of one server. Dropping them resets their connections.
#[derive(Default)]
pub(crate) struct Riders(Vec<JoinHandle<()>>);

impl Riders {
    /// Connects riders and waits until each has its welcome. `token` gives what a rider shows in `hello`.
    pub(crate) async fn open(
        address: SocketAddr,
        names: impl Iterator<Item = String>,
        token: impl Fn(&str) -> String,
        sink: &Rc<Sink>,
    ) -> Self {
        let mut names = names.map(|name| (token(&name), name)).fuse();
        let mut opening = FuturesUnordered::new();
        let mut open = Vec::new();
        loop {
            while opening.len() < OPENING_MAX
                && let Some((token, name)) = names.next()
            {
                opening.push(connect(address, name, token));
            }
            let Some(opened) = opening.next().await else { break };
            let (stream, rest) = opened.unwrap();
            open.push(spawn_local(listen(stream, rest, Rc::clone(sink))));
        }
        Self(open)
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    /// Resets every connection, as a dead radio cell does.
    pub(crate) async fn reset(&mut self) {
        for rider in &self.0 {
            rider.abort();
        }
        for rider in self.0.drain(..) {
            let _aborted = rider.await.is_err();
        }
    }
}

impl Drop for Riders {
    fn drop(&mut self) {
        for rider in &self.0 {
            rider.abort();
        }
    }
}

async fn connect(address: SocketAddr, name: String, token: String) -> io::Result<(TcpStream, Vec<u8>)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    let upgrade = "GET /v1/rider/socket HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: orderbell.v1\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await?;
    let mut read = Vec::with_capacity(1024);
    let head = loop {
        if let Some(end) = head_end(&read) {
            break end;
        }
        more(&mut stream, &mut read).await?;
    };
    if !read.starts_with(b"HTTP/1.1 101") {
        return Err(io::Error::other(String::from_utf8_lossy(&read).into_owned()));
    }
    read.drain(..head);
    let hello = format!(
        r#"{{"op":"hello","token":"{token}","device":"{name}","caps":{{"formats":["mp3"]}},"state":{{"audio":"playing"}}}}"#
    );
    stream.write_all(&masked(&hello)).await?;
    loop {
        if let Some((frame, length)) = frame(&read) {
            let welcome = quoted(&read[frame], br#""op":""#) == Some("welcome");
            if !welcome {
                return Err(io::Error::other(String::from_utf8_lossy(&read).into_owned()));
            }
            read.drain(..length);
            return Ok((stream, read));
        }
        more(&mut stream, &mut read).await?;
    }
}

async fn more(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<()> {
    if stream.read_buf(read).await? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

async fn listen(stream: TcpStream, mut kept: Vec<u8>, sink: Rc<Sink>) {
    let mut piece = [0; 4096];
    let mut receipts = 0;
    loop {
        while let Some((range, length)) = frame(&kept) {
            receipts += hear(&stream, &kept[range], receipts, &sink);
            kept.drain(..length);
        }
        if kept.is_empty() {
            kept = Vec::new();
        }
        if stream.readable().await.is_err() {
            break;
        }
        match stream.try_read(&mut piece) {
            Ok(0) => break,
            Ok(count) => kept.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
    }
    sink.run.borrow_mut().gone += 1;
}

/// What a phone does with a frame; how many receipts that made.
fn hear(stream: &TcpStream, frame: &[u8], receipts: usize, sink: &Sink) -> usize {
    match quoted(frame, br#""op":""#) {
        Some("alert") => {
            sink.arrived(frame);
            let Some(id) = quoted(frame, br#""id":"alr_"#) else { return 0 };
            let seq = frame.windows(6).position(|part| part == br#""seq":"#);
            let seq = seq.map_or(0, |place| number(&frame[place + 6..]));
            let n = receipts + 1;
            let ack = format!(r#"{{"op":"ack","seqs":[{seq}]}}"#);
            // The last of its soundings: the delivery ends here.
            let played =
                format!(r#"{{"op":"report","n":{n},"id":"alr_{id}","ring":1,"status":"played","play":9}}"#);
            let mut both = masked(&ack);
            both.extend(masked(&played));
            let _full = stream.try_write(&both).is_err();
            1
        }
        Some("ping") => {
            let _full = stream.try_write(&masked(r#"{"op":"pong"}"#)).is_err();
            0
        }
        _ => 0,
    }
}

/// A text frame from a client.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(short) if short < 126 => bytes.push(0x80 | short),
        _ => {
            bytes.push(0x80 | EXTENDED);
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.as_bytes());
    bytes
}

/// The first whole frame from a server: where its payload is, and its whole length.
fn frame(bytes: &[u8]) -> Option<(std::ops::Range<usize>, usize)> {
    let short = usize::from(*bytes.get(1)? & 0x7f);
    let (head, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => return None,
        _ => (2, short),
    };
    (bytes.len() >= head + length).then_some((head..head + length, head + length))
}

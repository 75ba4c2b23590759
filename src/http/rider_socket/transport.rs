//! One WebSocket over one TCP stream: frames in, frames out, and a proper end.
//! The library does RFC 6455; this keeps reading and writing in one task without one waiting for the other.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::session::{Lane, Outbox, Waiting};

/// The socket of a session, as its driver uses it.
pub trait Socket: Send + 'static {
    /// Queues a frame; it is written by [`Socket::poll_incoming`].
    fn queue(&mut self, lane: Lane, frame: String);
    /// Bytes queued.
    fn queued_bytes(&self) -> usize;
    /// Since when nothing could be written, if that is so.
    fn stalled_since(&self) -> Option<Instant>;
    /// Takes back alerts that are queued and must not be sent any more.
    fn withdraw(&mut self, gone: &dyn Fn(&Waiting) -> bool);
    /// Writes what is queued, as far as the other end takes it; what fails is told by [`Socket::poll_incoming`].
    fn write(&mut self, cx: &mut Context<'_>);
    /// Polls both directions. Ready only with something from the other end.
    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Incoming>;
    /// Writes everything queued, says why, and ends the connection.
    fn close(self: Box<Self>, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;
}

/// A rider's socket with its queue.
pub struct Transport {
    ws: WebSocketStream<TcpStream>,
    outbox: Outbox,
    /// Messages of any kind, written before the queue: the close frame, echoes of a test.
    urgent: VecDeque<Message>,
    unflushed: bool,
    stalled: Option<Instant>,
}

/// What came from the other end.
#[derive(Debug)]
pub enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message, whole.
    Binary(bytes::Bytes),
    /// A ping or a pong; a ping is answered already.
    Alive,
    /// The end: closed by the other end, or broken.
    Closed,
    /// The other end broke the rules; it is owed a close frame with this code.
    Violated(u16),
}

/// Read in pieces of this size: a heartbeat is 30 bytes, and every waiting rider has one buffer.
const READ_BUFFER_BYTES: usize = 512;
/// Written and not taken by the kernel; beyond it the library refuses frames, and our own queue grows.
const WRITE_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How long the other end may take to answer a close frame.
const LINGER: Duration = Duration::from_secs(2);

impl Transport {
    /// A socket whose upgrade is done; `read` is what came right behind the request.
    #[must_use]
    pub fn new(stream: TcpStream, read: Vec<u8>, frame_bytes_max: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX.max(frame_bytes_max * 2))
            .max_message_size(Some(frame_bytes_max))
            .max_frame_size(Some(frame_bytes_max));
        // Neither of the two ways in awaits anything; only the library's signatures are async.
        let ws = futures_util::FutureExt::now_or_never(WebSocketStream::from_partially_read(
            stream,
            read,
            Role::Server,
            Some(config),
        ));
        let ws = ws.unwrap_or_else(|| std::process::abort());
        Self { ws, outbox: Outbox::default(), urgent: VecDeque::new(), unflushed: false, stalled: None }
    }

    /// Queues one message of any kind before all frames.
    pub fn queue_message(&mut self, message: Message) {
        self.urgent.push_back(message);
    }

    /// The next thing from the other end; writes what is queued meanwhile.
    pub async fn incoming(&mut self) -> Incoming {
        std::future::poll_fn(|cx| self.poll_incoming(cx)).await
    }

    /// Polls both directions. Ready only with something from the other end, so queued frames go out as well while the
    /// other end is silent.
    pub fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if let Poll::Ready(Err(_)) = self.poll_write(cx) {
            return Poll::Ready(Incoming::Closed);
        }
        let Poll::Ready(message) = Pin::new(&mut self.ws).poll_next(cx) else { return Poll::Pending };
        Poll::Ready(match message {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {
                // Reading a ping has queued its pong inside the library; it leaves with the next flush.
                self.unflushed = true;
                Incoming::Alive
            }
            // The library has answered the close frame; the end of the stream follows.
            Some(Ok(Message::Close(_) | Message::Frame(_))) => {
                self.unflushed = true;
                Incoming::Alive
            }
            Some(Err(error)) => broken(&error),
            None => Incoming::Closed,
        })
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if self.urgent.is_empty() && self.outbox.is_empty() {
                break;
            }
            match Pin::new(&mut self.ws).poll_ready(cx) {
                Poll::Ready(ready) => ready?,
                Poll::Pending => return self.stall(),
            }
            let next = self.urgent.pop_front().or_else(|| self.outbox.pop().map(Message::from));
            if let Some(message) = next {
                Pin::new(&mut self.ws).start_send(message)?;
                self.unflushed = true;
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.ws).poll_flush(cx) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => return self.stall(),
            }
            self.unflushed = false;
        }
        self.stalled = None;
        Poll::Ready(Ok(()))
    }

    fn stall(&mut self) -> Poll<Result<(), Error>> {
        self.stalled.get_or_insert_with(Instant::now);
        Poll::Pending
    }

    /// Writes everything queued, a close frame, and then reads until the other end has closed too: a socket dropped
    /// with unread bytes would reset, and the close frame would be lost with it.
    pub async fn close(mut self, code: u16, reason: &str) {
        let frame = CloseFrame { code: CloseCode::from(code), reason: Utf8Bytes::from(reason) };
        let ending = async {
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
            self.queue_message(Message::Close(Some(frame)));
            std::future::poll_fn(|cx| self.poll_write(cx)).await?;
            loop {
                if matches!(self.incoming().await, Incoming::Closed | Incoming::Violated(_)) {
                    break;
                }
            }
            Ok::<(), Error>(())
        };
        let _given_up_or_done = tokio::time::timeout(LINGER, ending).await.is_err();
        drain(self.ws.get_mut()).await;
    }
}

impl Socket for Transport {
    fn queue(&mut self, lane: Lane, frame: String) {
        self.outbox.push(lane, frame);
    }

    fn queued_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    fn stalled_since(&self) -> Option<Instant> {
        self.stalled
    }

    fn withdraw(&mut self, gone: &dyn Fn(&Waiting) -> bool) {
        self.outbox.withdraw(gone);
    }

    fn write(&mut self, cx: &mut Context<'_>) {
        let _told_by_the_next_read = self.poll_write(cx);
    }

    fn poll_incoming(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        Self::poll_incoming(self, cx)
    }

    async fn close(self: Box<Self>, code: u16, reason: &'static str) {
        (*self).close(code, reason).await;
    }
}

/// Says that nothing more comes from here, and takes what still comes from there.
async fn drain(stream: &mut TcpStream) {
    let reading = async {
        tokio::io::AsyncWriteExt::shutdown(stream).await?;
        let mut scrap = [0; 1024];
        while stream.read(&mut scrap).await? > 0 {}
        Ok::<(), std::io::Error>(())
    };
    let _given_up_or_done = tokio::time::timeout(LINGER, reading).await.is_err();
}

/// What the other end is owed for an error of the library's.
fn broken(error: &Error) -> Incoming {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Incoming::Closed,
        Error::Protocol(_) => Incoming::Violated(1002),
        Error::Utf8(_) => Incoming::Violated(1007),
        Error::Capacity(CapacityError::MessageTooLong { .. }) => Incoming::Violated(1009),
        _ => Incoming::Closed,
    }
}

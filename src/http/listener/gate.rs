//! The gate between a TCP connection and the HTTP library: hands over whole requests that are strictly framed, one at a
//! time, and lets nobody take longer than they may. After an upgrade it steps aside.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::framing::{Framing, FramingLimits, Mark, Refusal};
use super::turn::Turn;

/// How long a client may take, from the configuration.
#[derive(Clone, Copy, Debug)]
pub struct GateLimits {
    /// Bounds of a head.
    pub framing: FramingLimits,
    /// Limit for a head, from its first byte.
    pub header_timeout: Duration,
    /// Limit for the wait between requests.
    pub idle_timeout: Duration,
    /// Limit for a body, beside what its bytes earn.
    pub body_timeout: Duration,
    /// Bytes of a body that earn another second.
    pub body_rate_min: u32,
    /// Limit of a write without progress.
    pub write_timeout: Duration,
}

/// A connection whose requests are watched.
pub struct Gate {
    stream: TcpStream,
    limits: Arc<GateLimits>,
    turn: Arc<Turn>,
    framing: Framing,
    phase: Phase,
    /// When the phase began.
    since: Instant,
    /// Bytes of the body in hand.
    body_bytes: u64,
    /// Came in and is not handed over: `good` bytes of it may be, `followed` bytes have been looked at.
    held: Vec<u8>,
    good: usize,
    followed: usize,
    reading: Timer,
    writing: Timer,
    stalled_since: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Phase {
    /// Between requests.
    Idle,
    /// In a head, which is held until it is whole.
    Head,
    /// In a body.
    Body,
    /// The request is whole, and its answer is not.
    Answer,
    /// The head was refused; what stands in its place tells the service why.
    Refused,
    /// The body was refused.
    Broken,
    /// We have said our last word, and take what still comes so that the other end can hear it.
    Lingering,
}

/// Held while an answer is made; more is left to the kernel, which slows the other end down.
const HELD_BYTES_MAX: usize = 16 * 1024;
/// Memory kept for the next request of an idle connection: most heads fit.
const HELD_BYTES_KEPT: usize = 1024;
/// How long the other end may go on sending after our last word.
const LINGER: Duration = Duration::from_secs(2);

impl Gate {
    /// A fresh connection.
    pub(super) fn new(stream: TcpStream, turn: Arc<Turn>, limits: Arc<GateLimits>) -> Self {
        Self {
            stream,
            turn,
            framing: Framing::new(limits.framing),
            limits,
            phase: Phase::Idle,
            since: Instant::now(),
            body_bytes: 0,
            held: Vec::new(),
            good: 0,
            followed: 0,
            reading: Timer::default(),
            writing: Timer::default(),
            stalled_since: None,
        }
    }

    /// The connection itself, and what has come behind the last request.
    #[must_use]
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.held)
    }

    /// Hands over what is good; whether that was anything.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let len = self.good.min(buf.remaining());
        if len == 0 {
            return false;
        }
        buf.put_slice(&self.held[..len]);
        self.held.drain(..len);
        self.good -= len;
        self.followed -= len;
        if self.held.is_empty() && self.held.capacity() > HELD_BYTES_KEPT {
            self.held = Vec::new();
        }
        true
    }

    /// Looks at what has come in, up to the next mark; whether there was anything to look at.
    fn follow(&mut self) -> bool {
        let fresh = &self.held[self.followed..];
        if fresh.is_empty() {
            return false;
        }
        match self.framing.follow(fresh) {
            Ok((used, mark)) => {
                self.followed += used;
                if self.phase == Phase::Body {
                    self.body_bytes += used as u64;
                }
                match (mark, self.phase) {
                    (Mark::More, Phase::Idle) => self.enter(Phase::Head),
                    (Mark::More, Phase::Body) => self.good = self.followed,
                    (Mark::More, _) => {}
                    (Mark::Head, _) => {
                        self.good = self.followed;
                        self.turn.take();
                        self.body_bytes = 0;
                        self.enter(Phase::Body);
                    }
                    (Mark::End, phase) => {
                        self.good = self.followed;
                        if phase != Phase::Body {
                            self.turn.take();
                        }
                        // It has no deadline.
                        self.phase = Phase::Answer;
                    }
                }
            }
            Err(_) if self.phase == Phase::Body => self.enter(Phase::Broken),
            Err(refusal) => {
                self.held = stand_in(refusal);
                (self.good, self.followed) = (self.held.len(), self.held.len());
                self.turn.take();
                self.enter(Phase::Refused);
            }
        }
        true
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
    }

    /// The answer may have ended since: then the next request may come.
    fn pass_turn(&mut self) {
        if self.phase == Phase::Answer && self.turn.is_clients() {
            self.enter(Phase::Idle);
        }
    }

    /// Takes in what the kernel has, by way of a buffer of which nothing is used; how many bytes came.
    fn poll_take(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let fresh = &buf.filled()[before..];
        let len = fresh.len();
        self.held.extend_from_slice(fresh);
        buf.set_filled(before);
        Poll::Ready(Ok(len))
    }

    /// While an answer is made: notices that the client has left, and holds what it sends meanwhile.
    fn poll_leaving(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.held.len() < HELD_BYTES_MAX {
            if ready!(self.poll_take(cx, buf))? == 0 {
                // One who has asked for more and says no more than that waits for the answers.
                return if self.held.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
        }
        // The flush behind the answer wakes this task.
        Poll::Pending
    }

    /// The client has taken too long.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let limits = &self.limits;
        let allowed = match self.phase {
            Phase::Idle => limits.idle_timeout,
            Phase::Head => limits.header_timeout,
            Phase::Body => {
                let earned_ms = self.body_bytes.saturating_mul(1000) / u64::from(limits.body_rate_min.max(1));
                limits.body_timeout + Duration::from_millis(earned_ms)
            }
            Phase::Answer | Phase::Refused | Phase::Broken | Phase::Lingering => return Poll::Pending,
        };
        ready!(self.reading.poll_until(self.since + allowed, cx));
        // Without an error it is the end of the stream; of half a head nothing has been handed over.
        Poll::Ready(if self.phase == Phase::Body { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) })
    }

    /// Notes whether the kernel takes what is written.
    fn progress(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled_since = None;
            return written;
        }
        let since = *self.stalled_since.get_or_insert_with(Instant::now);
        ready!(self.writing.poll_until(since + self.limits.write_timeout, cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Gate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        loop {
            if gate.hand_over(buf) {
                return Poll::Ready(Ok(()));
            }
            gate.pass_turn();
            match gate.phase {
                Phase::Idle | Phase::Head | Phase::Body => {}
                Phase::Answer => return gate.poll_leaving(cx, buf),
                Phase::Broken => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                // Answered, and closed with the answer: nothing behind it is looked at.
                Phase::Refused | Phase::Lingering => return Poll::Pending,
            }
            if gate.follow() {
                continue;
            }
            match gate.poll_take(cx, buf)? {
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Ready(_) => {}
                Poll::Pending => return gate.poll_overdue(cx),
            }
        }
    }
}

impl AsyncWrite for Gate {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let written = Pin::new(&mut gate.stream).poll_write(cx, bytes);
        gate.progress(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let written = Pin::new(&mut gate.stream).poll_write_vectored(cx, bytes);
        gate.progress(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(Pin::new(&mut gate.stream).poll_flush(cx))?;
        // The HTTP library flushes behind every answer, and may not read again by itself: the client's turn begins here.
        if gate.phase == Phase::Answer {
            gate.pass_turn();
            if gate.phase == Phase::Idle && (!gate.held.is_empty() || gate.poll_overdue(cx).is_ready()) {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A connection dropped with unread bytes would be reset, and the answer lost with it. Where some may come, they are
    /// taken for a while after our last word, and thrown away.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.phase != Phase::Lingering {
            ready!(Pin::new(&mut gate.stream).poll_shutdown(cx))?;
            gate.pass_turn();
            if gate.phase == Phase::Idle && gate.held.is_empty() {
                return Poll::Ready(Ok(()));
            }
            gate.enter(Phase::Lingering);
        }
        // Asked first: one who never stops sending would leave the timer no time.
        if gate.reading.poll_until(gate.since + LINGER, cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut scrap = [0; 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scrap);
            let taken = ready!(Pin::new(&mut gate.stream).poll_read(cx, &mut buf));
            if taken.is_err() || buf.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// What the HTTP library gets in place of a refused head. No client can say this: the gate refuses hosts in targets.
fn stand_in(refusal: Refusal) -> Vec<u8> {
    let word = refusal.word();
    format!("GET http://{REFUSED_HOST}/{word} HTTP/1.1\r\nConnection: close\r\n\r\n").into_bytes()
}

/// Why a head was refused for which this target stands in; none for a request of a client's.
pub(super) fn refusal_of(target: &Uri) -> Option<Refusal> {
    let word = target.path().strip_prefix('/').filter(|_| target.host() == Some(REFUSED_HOST))?;
    Refusal::ALL.into_iter().find(|refusal| refusal.word() == word)
}

/// The host in the target of what stands in for a refused head.
const REFUSED_HOST: &str = "refused.invalid";

/// A timer that is set again without being taken out: it is seldom due, and often moved.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready when it is `due`.
    fn poll_until(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

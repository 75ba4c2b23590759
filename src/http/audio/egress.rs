//! What audio is sent, and what that is for one rider and hour: bytes are counted when the connection takes them.
//! A client that leaves in the middle of an hour of silence is counted for what it took.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use metrics::Counter;

use crate::audio::{Chunks, Format, VirtualFile};
use crate::telemetry::{Metric, Telemetry};

/// All audio that this server has sent.
pub struct Egress {
    telemetry: Telemetry,
    bytes: Arc<AtomicU64>,
}

/// What was asked for, as a label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum What {
    /// A sentence of the library.
    Clip,
    /// A clip that ships with Orderbell.
    Canned,
    /// Silence.
    KeepAlive,
}

/// The bytes of a file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// In memory.
    Bytes(Bytes),
    /// Made of a repeated block.
    Virtual(VirtualFile),
}

/// A part of a file on its way to a socket; its length is known from the start.
pub(super) struct Outgoing {
    rest: Rest,
    left: u64,
    counter: Counter,
    bytes: Arc<AtomicU64>,
}

enum Rest {
    Bytes(Bytes),
    Virtual(Chunks),
}

/// Most bytes of a clip handed over at a time: nearly every clip in one piece, and a client that leaves is counted for
/// no more than this too much.
const PIECE_BYTES_MAX: usize = 128 * 1024;

impl Egress {
    /// Nothing sent yet.
    #[must_use]
    pub fn new(telemetry: Telemetry) -> Self {
        Self { telemetry, bytes: Arc::default() }
    }

    /// Bytes of audio sent since the start.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The bytes of `range`, which lies within the file.
    pub(super) fn outgoing(
        &self,
        what: What,
        format: Format,
        content: &Content,
        range: Range<u64>,
    ) -> Outgoing {
        let labels = [("what", what.label()), ("format", format.extension())];
        let left = range.end - range.start;
        let rest = match content {
            Content::Bytes(bytes) => {
                let within = |place: u64| usize::try_from(place).unwrap_or(bytes.len()).min(bytes.len());
                Rest::Bytes(bytes.slice(within(range.start)..within(range.end)))
            }
            Content::Virtual(file) => Rest::Virtual(file.read(range)),
        };
        let counter = self.telemetry.counter(Metric::AudioBytes, &labels);
        Outgoing { rest, left, counter, bytes: Arc::clone(&self.bytes) }
    }
}

impl What {
    fn label(self) -> &'static str {
        match self {
            Self::Clip => "clip",
            Self::Canned => "canned",
            Self::KeepAlive => "keepalive",
        }
    }
}

impl Content {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Virtual(file) => file.len(),
        }
    }
}

impl Iterator for Rest {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Bytes(bytes) if bytes.is_empty() => None,
            Self::Bytes(bytes) => Some(bytes.split_to(bytes.len().min(PIECE_BYTES_MAX))),
            Self::Virtual(chunks) => chunks.next(),
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(piece) = self.rest.next() else { return Poll::Ready(None) };
        let len = piece.len() as u64;
        self.left = self.left.saturating_sub(len);
        self.counter.increment(len);
        self.bytes.fetch_add(len, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

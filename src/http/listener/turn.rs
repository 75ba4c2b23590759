//! Whose turn it is on a connection: the client's to ask, or ours to answer. The gate and the service share it, so
//! that nothing behind a request is looked at before its answer is whole.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::StatusCode;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Whose turn it is. Starts with the client's.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU8);

const CLIENT: u8 = 0;
const SERVER: u8 = 1;
/// The connection is no longer HTTP's.
const NOBODY: u8 = 2;

/// The body of an answer; with its end the turn goes back.
pub(super) struct Answer {
    body: Body,
    turn: Arc<Turn>,
}

impl Turn {
    /// A head has been handed over.
    pub(super) fn take(&self) {
        self.0.store(SERVER, Ordering::Release);
    }

    /// Whether the client may ask.
    pub(super) fn is_clients(&self) -> bool {
        self.0.load(Ordering::Acquire) == CLIENT
    }

    /// Watches this answer to its end.
    pub(super) fn watch(self: &Arc<Self>, answer: Response) -> http::Response<Answer> {
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.0.store(NOBODY, Ordering::Release);
        }
        answer.map(|body| Answer { body, turn: Arc::clone(self) })
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Not if the connection has changed hands.
        let _upgraded =
            self.turn.0.compare_exchange(SERVER, CLIENT, Ordering::AcqRel, Ordering::Acquire).is_err();
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

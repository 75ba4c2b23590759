//! One HTTP/1.1 exchange on a connection of our own, so that what was really sent is seen: no redirect is followed,
//! nothing is decompressed, nothing is kept open. Every wait has an end and every body a size.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

/// A connection, with TLS or without.
pub(super) type Link = Box<dyn Stream>;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub(in crate::doctor) struct Answer {
    /// Its status; a redirect is an answer like any other.
    pub(in crate::doctor) status: StatusCode,
    /// Its headers as they came.
    pub(super) headers: HeaderMap,
    /// Its body, at most [`BODY_MAX`] bytes of it.
    pub(super) body: Bytes,
    /// From the request to the head of the answer.
    pub(super) wait: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// It took too long.
    #[error("no answer within {} s", ANSWER_LIMIT.as_secs())]
    TimedOut,
    /// The connection ended, or what came is not HTTP/1.1.
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    /// More came than anything of ours is long.
    #[error("the answer is longer than {BODY_MAX} bytes")]
    TooLong,
}

/// TCP and TLS across the world take 1 s; a phone gives up later than this, and a person looking on does not.
pub(super) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Our answers take milliseconds and are small; this allows for 20 kB/s.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The longest that is asked for is a canned clip of 70 kB with the default tail.
const BODY_MAX: usize = 4 << 20;

/// Sends a request and reads the whole answer.
pub(super) async fn exchange(link: Link, request: Request<Bytes>) -> Result<Answer, WireError> {
    let talking = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await?;
        let asking = async {
            let began = Instant::now();
            let answer = sender.send_request(request.map(Full::new)).await?;
            let wait = began.elapsed();
            let (head, body) = answer.into_parts();
            let body = read(body).await?;
            Ok(Answer { status: head.status, headers: head.headers, body, wait })
        };
        tokio::pin!(asking);
        tokio::select! {
            biased;
            answer = &mut asking => answer,
            // What came before its end is still there to be read.
            _ended = connection => asking.await,
        }
    };
    timeout(ANSWER_LIMIT, talking).await.unwrap_or(Err(WireError::TimedOut))
}

async fn read(mut body: Incoming) -> Result<Bytes, WireError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if bytes.len() + data.len() > BODY_MAX {
                return Err(WireError::TooLong);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// What came of asking for another protocol.
pub(super) enum Switch {
    /// The connection is ours.
    Switched(HeaderMap, Upgraded),
    /// It is not; this is the answer instead.
    Refused(Answer),
}

/// Asks for a change of protocol.
pub(super) async fn switch(link: Link, request: Request<Bytes>) -> Result<Switch, WireError> {
    let talking = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await?;
        let asking = async {
            let began = Instant::now();
            let mut answer = sender.send_request(request.map(Full::new)).await?;
            let wait = began.elapsed();
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                let upgraded = hyper::upgrade::on(&mut answer).await?;
                return Ok(Switch::Switched(answer.headers().clone(), upgraded));
            }
            let (head, body) = answer.into_parts();
            let body = read(body).await?;
            Ok(Switch::Refused(Answer { status: head.status, headers: head.headers, body, wait }))
        };
        tokio::pin!(asking);
        tokio::select! {
            biased;
            answer = &mut asking => answer,
            _ended = connection.with_upgrades() => asking.await,
        }
    };
    timeout(ANSWER_LIMIT, talking).await.unwrap_or(Err(WireError::TimedOut))
}

/// An error with its causes, in one line.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

impl Answer {
    /// A header as text; empty if it is not there.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

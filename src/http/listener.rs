//! The accept loop: HTTP/1 only, a deadline for the first byte and for every head, a cap on open connections.
//! `axum::serve` has none of these; HTTP/2 and TLS are the proxy's.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;
use tracing::warn;

use crate::lifecycle::Lifecycle;
use crate::telemetry::{Metric, Telemetry};

/// Deadlines and caps of one listener.
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    /// Limit for the first byte of a connection.
    pub first_byte_timeout: Duration,
    /// Limit for a request head, and for the wait before the next.
    pub header_timeout: Duration,
    /// Open connections.
    pub max_connections: usize,
}

/// What a request knows of its connection. An upgraded socket keeps it, and with it the connection's place.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    _place: Arc<OwnedSemaphorePermit>,
}

/// Unanswered bytes for this long mean that the path is gone: sooner than the kernel's fifteen minutes.
const USER_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause when descriptors have run out, so that the loop does not spin until one is free.
const OUT_OF_DESCRIPTORS_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until draining begins. Connections live in tasks of their own.
pub async fn accept_loop(
    listener: TcpListener,
    router: Router,
    limits: ListenerLimits,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
) {
    let places = Arc::new(Semaphore::new(limits.max_connections));
    loop {
        let accepted = tokio::select! {
            () = lifecycle.draining() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    telemetry.counter(Metric::ConnectionsRefused, &[]).increment(1);
                    continue;
                };
                let connection = Connection { peer, _place: Arc::new(place) };
                let served = serve(stream, connection, router.clone(), limits.clone(), lifecycle.clone());
                lifecycle.spawn(served);
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Cannot accept connections for a moment.");
                tokio::time::sleep(OUT_OF_DESCRIPTORS_PAUSE).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    connection: Connection,
    router: Router,
    limits: ListenerLimits,
    lifecycle: Lifecycle,
) {
    // Neither option is worth losing a connection over.
    let _best_effort = stream.set_nodelay(true);
    let _best_effort = SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT));
    let first = tokio::time::timeout(limits.first_byte_timeout, stream.peek(&mut [0; 1])).await;
    if !matches!(first, Ok(Ok(1))) {
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
    let served = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut served = std::pin::pin!(served);
    // What ends a connection early (the peer left, half a request) is the peer's business, not the log's.
    tokio::select! {
        _ended = &mut served => {}
        () = lifecycle.draining() => {
            served.as_mut().graceful_shutdown();
            tokio::select! {
                _ended = served => {}
                () = lifecycle.stopped() => {}
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

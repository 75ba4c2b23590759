//! The accept loop: HTTP/1 only, strictly framed requests, a deadline for everything a client does, and caps on how
//! many connections there are, from whom, and how fast they come. HTTP/2 and TLS are the proxy's.

mod crowd;
mod framing;
mod gate;
mod pace;
mod trusted;
mod turn;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::{Either, ready};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::{debug, warn};

use super::problem::Problem;
use crate::lifecycle::Lifecycle;
use crate::telemetry::{Metric, Telemetry};

pub(super) use crowd::Neighbourhood;
pub use crowd::{Crowd, OneOfMany};
pub use framing::{FramingLimits, Refusal};
pub use gate::{Gate, GateLimits};
use pace::Pace;
pub use trusted::TrustedProxies;
use turn::Turn;

/// Deadlines and caps of one listener.
#[derive(Clone, Debug)]
pub struct ListenerLimits {
    /// Limit for the first byte of a connection.
    pub first_byte_timeout: Duration,
    /// Bounds of everything behind the first byte.
    pub gate: GateLimits,
    /// Open connections.
    pub max_connections: usize,
    /// Open connections of one address; 0 for no limit. Trusted proxies have none.
    pub connections_per_ip: usize,
    /// New connections a second; more wait. 0 for no limit.
    pub new_per_second: u32,
    /// New connections a second of one address; more are closed. 0 for no limit. Trusted proxies have none.
    pub new_per_second_per_ip: u32,
    /// Who is believed when they say for whom they speak.
    pub trusted_proxies: TrustedProxies,
}

/// What a request knows of its connection.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Who asks: the other end, or whom a trusted proxy names.
    pub client: IpAddr,
    /// Whether `client` is somebody. Not so where a trusted proxy has not said for whom it speaks: what is counted by
    /// client does not count then, since it would count everybody together.
    pub client_known: bool,
    place: Arc<Place>,
}

impl Connection {
    /// Whether a proxy that we trust is at the other end: its word counts for what the client has called.
    #[must_use]
    pub fn is_proxied(&self) -> bool {
        !self.client_known || self.client != self.peer.ip().to_canonical()
    }

    /// Its place among the open connections, to be kept as long as it is open.
    #[must_use]
    pub fn into_place(self) -> Arc<Place> {
        self.place
    }
}

/// A place among the open connections.
#[derive(Debug)]
pub struct Place {
    _of_all: OwnedSemaphorePermit,
    _of_address: Option<OneOfMany>,
}

/// Unanswered bytes for this long mean that the path is gone: sooner than the kernel's fifteen minutes.
const USER_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause when descriptors have run out, so that the loop does not spin until one is free.
const OUT_OF_DESCRIPTORS_PAUSE: Duration = Duration::from_millis(100);
/// A line about connections refused by address is written so often at most.
const TOLD_EVERY: Duration = Duration::from_mins(1);

/// Accepts until draining begins. Connections live in tasks of their own.
pub async fn accept_loop(
    listener: TcpListener,
    router: Router,
    limits: ListenerLimits,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
) {
    let mut door = Door::new(limits, telemetry.clone());
    let house = Arc::new(House {
        router,
        first_byte_timeout: door.limits.first_byte_timeout,
        gate: Arc::new(door.limits.gate),
        trusted: door.limits.trusted_proxies.clone(),
        lifecycle: lifecycle.clone(),
        telemetry,
    });
    loop {
        let accepted = tokio::select! {
            () = lifecycle.draining() => return,
            accepted = door.accept(&listener) => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(place) = door.admit(peer.ip().to_canonical()) else { continue };
                let connection = Connection {
                    peer,
                    client: peer.ip().to_canonical(),
                    client_known: true,
                    place: Arc::new(place),
                };
                lifecycle.spawn(serve(stream, connection, Arc::clone(&house)));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "Cannot accept connections for a moment.");
                tokio::time::sleep(OUT_OF_DESCRIPTORS_PAUSE).await;
            }
        }
    }
}

/// Who gets in.
struct Door {
    limits: ListenerLimits,
    places: Arc<Semaphore>,
    crowd: Arc<Crowd>,
    pace: Pace,
    telemetry: Telemetry,
    told: Option<Instant>,
}

impl Door {
    fn new(limits: ListenerLimits, telemetry: Telemetry) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits.max_connections)),
            crowd: Crowd::new(limits.connections_per_ip),
            pace: Pace::new(limits.new_per_second, limits.new_per_second_per_ip),
            limits,
            telemetry,
            told: None,
        }
    }

    /// The next connection, not faster than the pace: the kernel holds the others meanwhile.
    async fn accept(&self, listener: &TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        loop {
            let wait = self.pace.wait();
            if wait.is_zero() {
                return listener.accept().await;
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// A place for a connection of this address, if it may have one.
    fn admit(&mut self, address: IpAddr) -> Option<Place> {
        let Ok(of_all) = Arc::clone(&self.places).try_acquire_owned() else {
            self.refused("total");
            return None;
        };
        if self.limits.trusted_proxies.contains(address) {
            return Some(Place { _of_all: of_all, _of_address: None });
        }
        let refused = match self.crowd.enter(address) {
            Err(_) => "per_ip",
            Ok(_) if !self.pace.allows(address) => "new_per_ip",
            Ok(of_address) => return Some(Place { _of_all: of_all, _of_address: of_address }),
        };
        self.refused(refused);
        debug!(client.ip = %address, limit = refused, "Connection refused.");
        if self.told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.told = Some(Instant::now());
            warn!(
                limit = refused,
                "Connections of one address are refused. If it is your proxy, name it in server.trusted_proxies."
            );
        }
        None
    }

    fn refused(&self, why: &'static str) {
        self.telemetry.counter(Metric::ConnectionsRefused, &[("why", why)]).increment(1);
    }
}

/// What all connections of a listener share.
struct House {
    router: Router,
    first_byte_timeout: Duration,
    gate: Arc<GateLimits>,
    trusted: TrustedProxies,
    lifecycle: Lifecycle,
    telemetry: Telemetry,
}

async fn serve(stream: TcpStream, connection: Connection, house: Arc<House>) {
    // Neither option is worth losing a connection over.
    let _best_effort = stream.set_nodelay(true);
    let _best_effort = SockRef::from(&stream).set_tcp_user_timeout(Some(USER_TIMEOUT));
    let first = tokio::time::timeout(house.first_byte_timeout, stream.peek(&mut [0; 1])).await;
    if !matches!(first, Ok(Ok(1))) {
        return;
    }
    let turn = Arc::new(Turn::default());
    let gate = Gate::new(stream, Arc::clone(&turn), Arc::clone(&house.gate));
    let lifecycle = house.lifecycle.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let turn = Arc::clone(&turn);
        answer(request, &connection, &house).map(move |answered| answered.map(|answer| turn.watch(answer)))
    });
    // The deadlines are the gate's.
    let served = http1::Builder::new().serve_connection(TokioIo::new(gate), service).with_upgrades();
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

/// The router's answer, or the refusal for which the request stands in.
fn answer(
    request: Request<Incoming>,
    connection: &Connection,
    house: &House,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    if let Some(refusal) = gate::refusal_of(request.uri()) {
        house.telemetry.counter(Metric::RequestsRefused, &[("why", refusal.word())]).increment(1);
        return Either::Left(ready(Ok(super::refused(Problem::refused(refusal)))));
    }
    let mut request = request.map(Body::new);
    let mut connection = connection.clone();
    connection.client = house.trusted.client(connection.client, request.headers());
    connection.client_known = !house.trusted.contains(connection.client);
    request.extensions_mut().insert(connection);
    Either::Right(house.router.clone().oneshot(request))
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

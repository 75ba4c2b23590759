//! The way between riders and the server, with weather: bytes that vanish while both sockets stay open, bytes that
//! wait, connections that are reset or cut in the middle of a frame.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A TCP proxy in front of one address.
pub(crate) struct Proxy {
    /// Where riders connect.
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    _links: JoinSet<()>,
}

/// What happens to bytes, and to the closing of a socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weather {
    /// They arrive.
    Fair,
    /// They vanish, both ways: half-open on both sides.
    Hole,
    /// What the server sends vanishes.
    HoleDown,
    /// What riders send vanishes.
    HoleUp,
    /// They wait until the weather is fair.
    Stall,
    /// Every connection is reset.
    Reset,
    /// A connection ends in the middle of the next thing the server sends.
    Cut,
}

impl Weather {
    /// All that is not fair.
    pub(crate) const FOUL: [Self; 6] =
        [Self::Hole, Self::HoleDown, Self::HoleUp, Self::Stall, Self::Reset, Self::Cut];
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Up,
    Down,
}

/// How one direction of a connection ended.
enum Ended {
    /// Closed by its sender, or no longer writable; the other direction may go on.
    Closed,
    /// Its sender has closed, and the other side must not hear of it while this is kept.
    Vanished(OwnedWriteHalf),
    /// The whole connection is to end at once.
    Broken,
}

impl Proxy {
    /// A proxy on a free port, in fair weather.
    pub(crate) async fn open(upstream: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (weather, seen) = watch::channel(Weather::Fair);
        let mut links = JoinSet::new();
        links.spawn(accept(listener, upstream, seen));
        Ok(Self { address, weather, _links: links })
    }

    /// Changes the weather for all connections.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut links = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((rider, _)) => { links.spawn(link(rider, upstream, weather.clone())); }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_ended) = links.join_next() => {}
        }
    }
}

async fn link(rider: TcpStream, upstream: SocketAddr, weather: watch::Receiver<Weather>) {
    let refused = *weather.borrow() == Weather::Reset;
    let server = if refused { None } else { TcpStream::connect(upstream).await.ok() };
    let Some(server) = server else {
        reset(&rider);
        return;
    };
    let (rider_in, rider_out) = rider.into_split();
    let (server_in, server_out) = server.into_split();
    let up = pump(rider_in, server_out, Way::Up, weather.clone());
    let down = pump(server_in, rider_out, Way::Down, weather);
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    tokio::select! {
        ended = &mut up => finish(ended, down).await,
        ended = &mut down => finish(ended, up).await,
    }
}

/// What is left when both directions have ended, or one is broken, is closed by being dropped.
async fn finish(ended: Ended, other: impl Future<Output = Ended>) {
    match ended {
        Ended::Broken => {}
        Ended::Closed => drop(other.await),
        Ended::Vanished(kept) => {
            let _ended = other.await;
            drop(kept);
        }
    }
}

/// Carries one direction. What has once vanished leaves a gap that no later byte may follow.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    mut weather: watch::Receiver<Weather>,
) -> Ended {
    let mut buffer = [0; 16 * 1024];
    let mut gap = false;
    loop {
        let len = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            changed = weather.changed() => {
                if changed.is_err() || *weather.borrow() == Weather::Reset {
                    reset(from.as_ref());
                    reset(to.as_ref());
                    return Ended::Broken;
                }
                continue;
            }
        };
        if weather.wait_for(|weather| *weather != Weather::Stall).await.is_err() {
            return Ended::Broken;
        }
        let now = *weather.borrow();
        gap |= match now {
            Weather::Hole => true,
            Weather::HoleDown => way == Way::Down,
            Weather::HoleUp => way == Way::Up,
            Weather::Fair | Weather::Stall | Weather::Reset | Weather::Cut => false,
        };
        match (len, gap) {
            // The end vanishes like everything else: the other side hears nothing of it.
            (0, true) => return Ended::Vanished(to),
            (0, false) => {
                let _gone = to.shutdown().await.is_err();
                return Ended::Closed;
            }
            (_, true) => {}
            (len, false) if now == Weather::Cut && way == Way::Down => {
                let _gone = to.write_all(&buffer[..len.div_ceil(2)]).await.is_err();
                return Ended::Broken;
            }
            (len, false) => {
                if to.write_all(&buffer[..len]).await.is_err() {
                    return Ended::Closed;
                }
            }
        }
    }
}

/// The next close of this socket tells the other end that all is lost.
fn reset(stream: &TcpStream) {
    let _as_well_as_can_be = SockRef::from(stream).set_linger(Some(Duration::ZERO)).is_err();
}

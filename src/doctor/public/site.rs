//! The server that is looked at: how to reach it, and how to ask it something.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Builder;
use http::{Method, Request};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::target::Target;
use super::tls::{self, Roots, Trust};
use super::wire::{self, Answer, CONNECT_LIMIT, Link};
use crate::doctor::Finding;

/// As which we ask; whoever finds us in a log can look us up.
const USER_AGENT: &str = concat!("Orderbell-check/", env!("CARGO_PKG_VERSION"));

/// One server at one address.
pub(super) struct Site {
    pub(super) target: Target,
    pub(super) address: SocketAddr,
    onlooker: Arc<ClientConfig>,
    strict: Arc<ClientConfig>,
}

impl Site {
    /// A server to look at.
    pub(super) fn new(target: Target, address: SocketAddr, roots: &Roots) -> Result<Self, Finding> {
        let client = |trust| {
            tls::client(roots, trust, tls::BOTH).map_err(|error| {
                Finding::fail(
                    "tls",
                    format!("cannot be set up here: {error}"),
                    "this program is damaged: build it again",
                )
            })
        };
        Ok(Self { target, address, onlooker: client(Trust::Nobody)?, strict: client(Trust::Roots)? })
    }

    /// A handshake with this client.
    pub(super) async fn handshake(&self, config: &Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
        let name = tls::server_name(&self.target.host)?;
        let joining = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            TlsConnector::from(Arc::clone(config)).connect(name, stream).await
        };
        timeout(CONNECT_LIMIT, joining).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// A connection that asks nothing of the certificate unless told to.
    pub(super) async fn link(&self, trust: Trust) -> io::Result<Link> {
        if !self.target.is_https {
            // A secret in the clear goes no further than this machine.
            if trust == Trust::Roots && !self.address.ip().is_loopback() {
                return Err(io::Error::other("without TLS no token is sent"));
            }
            let stream = timeout(CONNECT_LIMIT, TcpStream::connect(self.address)).await;
            return Ok(Box::new(stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?));
        }
        let config = match trust {
            Trust::Nobody => &self.onlooker,
            Trust::Roots => &self.strict,
        };
        Ok(Box::new(self.handshake(config).await?))
    }

    /// A request for one of our paths, to be filled in.
    pub(super) fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.target.prefix))
            .header("host", self.target.authority())
            .header("user-agent", USER_AGENT)
            .header("accept", "*/*")
    }

    /// Asks something; every question has a connection of its own.
    pub(super) async fn ask(&self, request: Builder, body: impl Into<Bytes>) -> Result<Answer, String> {
        let request = request.body(body.into()).map_err(|error| error.to_string())?;
        let link = self.link(Trust::Nobody).await.map_err(|error| wire::told(&error))?;
        wire::exchange(link, request).await.map_err(|error| wire::told(&error))
    }
}

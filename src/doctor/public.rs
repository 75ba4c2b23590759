//! A server from outside, as phones and backends meet it through its proxy. Nothing is asked but the URL that was given;
//! what would change something there is asked without a key.

mod audio;
mod certificate;
mod domains;
mod names;
mod pages;
mod site;
mod socket;
mod target;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use http::{Method, Request};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Report;
use crate::config::Config;
use site::Site;
use target::Target;
use tls::Roots;
use wire::{Answer, CONNECT_LIMIT};

/// What is looked at, and with what.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// The public origin, perhaps with a path before ours.
    pub url: &'a str,
    /// Roots that are trusted beside the machine's own.
    pub ca: Option<&'a Path>,
    /// Where to connect, whatever the name resolves to.
    pub connect: Option<SocketAddr>,
    /// A rider's token, for what only a rider is told.
    pub token: Option<&'a str>,
    /// How long to hold the rider's socket.
    pub idle: Option<Duration>,
    /// The configuration that the server is said to have: it names the canned clips.
    pub config: &'a Config,
}

/// Looks at all of it.
pub async fn public(outside: Outside<'_>) -> Report {
    let (target, mut findings) = match Target::parse(outside.url) {
        Ok((target, findings)) => (target, findings),
        Err(finding) => return Report { findings: vec![finding], remarks: Vec::new() },
    };
    let remarks = domains::explain(&target);
    let (address, found) = names::look(&target, outside.connect).await;
    findings.extend(found);
    let Some(address) = address else { return Report { findings, remarks } };
    let roots = match Roots::load(outside.ca) {
        Ok(roots) => roots,
        Err(finding) => {
            findings.push(finding);
            return Report { findings, remarks };
        }
    };
    let site = match Site::new(target, address, &roots) {
        Ok(site) => site,
        Err(finding) => {
            findings.push(finding);
            return Report { findings, remarks };
        }
    };
    if site.target.is_https {
        let (is_reached, found) = certificate::look(&site, &roots).await;
        findings.extend(found);
        if !is_reached {
            return Report { findings, remarks };
        }
    }
    let is_plain_asked = outside.connect.is_none();
    let pages = pages::look(&site, is_plain_asked);
    let socket = socket::look(&site, outside.token, outside.idle);
    let audio = audio::look(&site, outside.config);
    let (pages, socket, audio) = tokio::join!(pages, socket, audio);
    findings.extend(pages);
    findings.extend(socket);
    findings.extend(audio);
    Report { findings, remarks }
}

/// One answer of a server at this address, without TLS: for the one on this machine.
pub(super) async fn plain_answer(address: SocketAddr, method: Method, path: &str) -> Result<Answer, String> {
    let request = Request::builder().method(method).uri(path).header("host", address.to_string());
    let request = request.body(bytes::Bytes::new()).map_err(|error| error.to_string())?;
    let stream = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
    let stream =
        stream.map_err(|_| "no connection in time".to_owned())?.map_err(|error| error.to_string())?;
    wire::exchange(Box::new(stream), request).await.map_err(|error| wire::told(&error))
}

/// Advice to a reader who has one proxy or another.
fn nginx(directives: &str) -> String {
    format!("nginx: {directives}")
}

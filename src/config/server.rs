//! What must hold between the settings of `[server]`, and how networks are written.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

use super::Server;

impl Server {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 10] {
        let url_ok = self.public_url.is_empty() || is_public_url(&self.public_url);
        let waits = [
            self.first_byte_timeout,
            self.header_timeout,
            self.idle_timeout,
            self.body_timeout,
            self.write_timeout,
        ];
        let waits_ok = waits.iter().all(|wait| (MIN_WAIT..=MAX_WAIT).contains(wait));
        let head = self.uri_bytes_max + HEAD_BYTES_BESIDE..=1_048_576;
        [
            (
                url_ok,
                "server.public_url",
                "is an http(s) URL in ASCII without query, fragment or a slash at its end",
            ),
            (waits_ok, "server.first_byte_timeout", "and all timeouts of [server] are 10ms to 1h"),
            (self.body_rate_min > 0, "server.body_rate_min", "is at least 1"),
            ((256..=65_535).contains(&self.uri_bytes_max), "server.uri_bytes_max", "is 256 to 65535"),
            (
                head.contains(&self.head_bytes_max),
                "server.head_bytes_max",
                "is uri_bytes_max + 1024 to 1048576",
            ),
            // The HTTP library takes as many.
            ((8..=100).contains(&self.headers_max), "server.headers_max", "is 8 to 100"),
            (
                (1..=MAX_CONNECTIONS).contains(&self.max_connections),
                "server.max_connections",
                "is 1 to 10000000",
            ),
            (self.max_body_bytes >= 1024, "server.max_body_bytes", "is at least 1024"),
            (
                self.max_batch_bytes >= self.max_body_bytes,
                "server.max_batch_bytes",
                "is not smaller than max_body_bytes",
            ),
            (self.drain_timeout <= MAX_WAIT, "server.drain_timeout", "is at most 1h"),
        ]
    }

    /// Why riders may be told URLs that lead nowhere, if that is so: a server that is not for this machine alone, or
    /// stands behind a proxy, should know what it is called.
    #[must_use]
    pub fn public_url_is_missed(&self) -> bool {
        let alone = self.listen.ip().is_loopback() && self.trusted_proxies.is_empty();
        self.public_url.is_empty() && !alone
    }
}

const MIN_WAIT: Duration = Duration::from_millis(10);
const MAX_WAIT: Duration = Duration::from_hours(1);
/// Room in a head beside its target.
const HEAD_BYTES_BESIDE: usize = 1024;
const MAX_CONNECTIONS: usize = 10_000_000;

/// Scheme, host, and a path if a proxy serves us under one.
fn is_public_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte);
    rest.bytes().all(plain) && rest.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

/// A list of networks (`10.0.0.0/8`) and addresses; in an environment variable with commas between them.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Told {
        List(Vec<String>),
        Line(String),
    }
    let told = match Told::deserialize(deserializer)? {
        Told::List(list) => list,
        Told::Line(line) => line.split(',').map(str::to_owned).collect(),
    };
    let written = told.iter().map(|text| text.trim()).filter(|text| !text.is_empty());
    written.map(|text| network(text).ok_or_else(|| serde::de::Error::custom(NO_NETWORK))).collect()
}

const NO_NETWORK: &str = "a trusted proxy is an address or a network such as 10.0.0.0/8";

fn network(text: &str) -> Option<IpNet> {
    let network: Option<IpNet> = text.parse().ok();
    network.map(|network| network.trunc()).or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

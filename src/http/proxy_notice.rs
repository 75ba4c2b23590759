//! What this server is called from outside, if that is known, and one word in the log when it seems not to be.
//! A proxy without a public URL works until a mini-program asks for audio at an address that only the proxy knows.

use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use tracing::warn;

/// What is known of the public URL.
pub struct PublicUrl {
    /// As configured; empty is unknown.
    base: Box<str>,
    /// Nothing more is said: the URL is known, or its absence has been told.
    settled: AtomicBool,
}

/// What proxies say of the client.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-forwarded-proto"];

impl PublicUrl {
    /// As configured; empty is unknown.
    #[must_use]
    pub fn new(public_url: &str) -> Self {
        Self { base: public_url.into(), settled: AtomicBool::new(!public_url.is_empty()) }
    }

    /// Scheme, host and the path under which a proxy serves us, without a slash at its end; `None` where it is not known.
    #[must_use]
    pub fn base(&self) -> Option<&str> {
        Some(&*self.base).filter(|base| !base.is_empty())
    }

    /// Looks at one request: the first that came through a proxy while there is no public URL is told in the log.
    pub(super) fn look(&self, headers: &HeaderMap) {
        if self.settled.load(Ordering::Relaxed) || !FORWARDED.iter().any(|name| headers.contains_key(*name)) {
            return;
        }
        if !self.settled.swap(true, Ordering::Relaxed) {
            warn!(
                "Requests come through a proxy, but server.public_url is empty: audio URLs are paths of the socket's \
                 origin. Set it to the URL that riders use."
            );
        }
    }
}

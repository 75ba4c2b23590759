//! A URL that we may call, checked when it is given to us and again when it is called.
//! What the text says and what a client would make of it must be one thing: odd spellings are refused, not repaired.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::address::AddressKind;

/// Longest URL, in bytes: what servers and proxies take everywhere.
pub const URL_BYTES_MAX: usize = 2_048;

/// How far calls may reach.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UrlPolicy {
    /// Public addresses, by https.
    PublicOnly,
    /// Private and loopback addresses too, and plain http (`callbacks.allow_private`). Link-local and reserved
    /// addresses stay out of reach: there clouds hand out the machine's own credentials.
    PrivateToo,
}

impl UrlPolicy {
    /// Whether an address of this kind may be called.
    #[must_use]
    pub fn allows(self, kind: AddressKind) -> bool {
        match (self, kind) {
            (_, AddressKind::Global) | (Self::PrivateToo, AddressKind::Private | AddressKind::Loopback) => {
                true
            }
            (_, AddressKind::Special) | (Self::PublicOnly, AddressKind::Private | AddressKind::Loopback) => {
                false
            }
        }
    }
}

/// Why a URL is refused. The texts are for the one who gave it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlRefused {
    /// Over [`URL_BYTES_MAX`], as given or as sent.
    #[error("the URL is longer than {URL_BYTES_MAX} bytes")]
    TooLong,
    /// White space, control characters and backslashes are read differently by different programs.
    #[error("the URL contains white space, a control character or a backslash")]
    Characters,
    /// Not an absolute URL.
    #[error("this is not a URL such as https://example.com/path")]
    NotAUrl,
    /// Neither https nor, where private addresses are allowed, http.
    #[error("the URL must begin with https:// (plain http needs callbacks.allow_private)")]
    Scheme,
    /// A name or password before the host.
    #[error("the URL may not contain a user name or password")]
    UserInfo,
    /// A fragment is never sent.
    #[error("the URL may not contain a fragment (#)")]
    Fragment,
    /// Nothing where the host should be.
    #[error("the URL names no host")]
    NoHost,
    /// A host that leads to an address of this kind.
    #[error("the host is {0}, which may not be called")]
    Address(AddressKind),
}

/// A URL that passed the checks. What can be known only by asking for the name's addresses is checked when it is
/// called.
#[derive(Clone, Eq, PartialEq)]
pub struct AllowedUrl(Url);

impl AllowedUrl {
    /// Checks a URL without asking the network.
    ///
    /// # Errors
    /// [`UrlRefused`] says why it may not be called.
    pub fn parse(text: &str, policy: UrlPolicy) -> Result<Self, UrlRefused> {
        if text.len() > URL_BYTES_MAX {
            return Err(UrlRefused::TooLong);
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(UrlRefused::Characters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlRefused::NotAUrl)?;
        check_scheme(scheme, policy)?;
        if text.contains('#') {
            return Err(UrlRefused::Fragment);
        }
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        if authority.contains('@') {
            return Err(UrlRefused::UserInfo);
        }
        // The parser would take `https:///x` for the host x.
        if authority.is_empty() || authority.starts_with(':') {
            return Err(UrlRefused::NoHost);
        }
        let url = Url::parse(text).map_err(|_| UrlRefused::NotAUrl)?;
        if url.as_str().len() > URL_BYTES_MAX {
            return Err(UrlRefused::TooLong);
        }
        let url = Self(url);
        url.check(policy)?;
        Ok(url)
    }

    /// Whether it may still be called under this policy, which may be another than the one it was parsed under.
    pub(super) fn check(&self, policy: UrlPolicy) -> Result<(), UrlRefused> {
        check_scheme(self.0.scheme(), policy)?;
        let kind = match self.literal() {
            Some(address) => AddressKind::of(address),
            None if is_localhost(self.host()) => AddressKind::Loopback,
            None => AddressKind::Global,
        };
        if policy.allows(kind) { Ok(()) } else { Err(UrlRefused::Address(kind)) }
    }

    /// The host as it is called: lower case, punycode, an address in its usual spelling, IPv6 in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port: what one connection serves.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    pub(super) fn into_url(self) -> Url {
        self.0
    }

    /// The address, where the host is one. The parser has made dotted decimals of every other spelling.
    fn literal(&self) -> Option<IpAddr> {
        let host = self.host();
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
    }
}

/// Paths and queries may hold keys: only the origin is shown.
impl fmt::Debug for AllowedUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "AllowedUrl({}/…)", self.origin())
    }
}

fn check_scheme(scheme: &str, policy: UrlPolicy) -> Result<(), UrlRefused> {
    let https = scheme.eq_ignore_ascii_case("https");
    let http = scheme.eq_ignore_ascii_case("http");
    match policy {
        UrlPolicy::PublicOnly if https => Ok(()),
        UrlPolicy::PrivateToo if https || http => Ok(()),
        UrlPolicy::PublicOnly | UrlPolicy::PrivateToo => Err(UrlRefused::Scheme),
    }
}

/// Names of this machine by RFC 6761, whatever a resolver says.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests;

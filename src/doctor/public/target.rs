//! The public URL, taken apart: what players and WeChat's lists make of it, before anything is sent.

use http::Uri;
use http::uri::Authority;

use crate::doctor::Finding;

/// Where a server is said to be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Target {
    /// Whether by https.
    pub(super) is_https: bool,
    /// The host, in small letters, an IPv6 address without brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
    /// Whether the port is another than that of the scheme.
    pub(super) has_own_port: bool,
    /// What stands before our paths, without a slash at its end; often empty.
    pub(super) prefix: String,
}

const NAME: &str = "url";

impl Target {
    /// Takes a URL apart; the findings are about the URL itself.
    pub(super) fn parse(url: &str) -> Result<(Self, Vec<Finding>), Finding> {
        if !url.is_ascii() {
            let advice = "write the host as xn--…: players on iOS fetch nothing from a URL that is not ASCII";
            return Err(Finding::fail(NAME, format!("{url} is not ASCII"), advice));
        }
        let wrong = |what: &str| {
            Finding::fail(NAME, format!("{url}: {what}"), "give the origin, such as https://bell.example.cn")
        };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| wrong(&error.to_string()))?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) | None => return Err(wrong("neither https nor http")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("no host"))?;
        if uri.query().is_some() || url.contains('#') {
            return Err(wrong("an origin has no query"));
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let host = authority.host().to_ascii_lowercase();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host).to_owned();
        let target = Self {
            is_https,
            host,
            port,
            has_own_port: port != if is_https { 443 } else { 80 },
            prefix: uri.path().trim_end_matches('/').to_owned(),
        };
        let findings = target.judge(authority);
        Ok((target, findings))
    }

    /// As in a Host header, and after the slashes of a URL.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.has_own_port { format!("{host}:{}", self.port) } else { host }
    }

    /// The origin that clips are absolute under.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.prefix)
    }

    fn judge(&self, authority: &Authority) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut fail = |found: &str, advice: &str| findings.push(Finding::fail(NAME, found, advice));
        if !self.is_https {
            fail("it is not https", "mini-programs speak https and wss alone: put TLS in front");
        }
        if authority.as_str().contains('@') {
            fail("it holds a user or a password", "take it out: it would stand in every audio URL");
        }
        if self.host.parse::<std::net::IpAddr>().is_ok() {
            fail("its host is an address", "WeChat's lists take names alone, with an ICP filing");
        } else if !self.host.contains('.') {
            fail("its host is no public name", "WeChat's lists take public names alone, with an ICP filing");
        }
        if findings.is_empty() {
            findings.push(Finding::ok(NAME, self.origin()));
        }
        if self.has_own_port {
            let advice = format!(
                "WeChat's lists take it if it is entered with the port for https ({}), and without for wss",
                self.origin()
            );
            findings
                .push(Finding::ok("url.port", format!("{}, not the usual one", self.port)).advised(advice));
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::Target;
    use crate::doctor::Level;

    #[test]
    fn an_origin_is_taken_apart() {
        for (url, host, port, prefix, origin) in [
            ("https://Bell.Example.cn", "bell.example.cn", 443, "", "https://bell.example.cn"),
            ("https://a.cn:443/", "a.cn", 443, "", "https://a.cn"),
            ("https://a.cn:8443/bell/", "a.cn", 8443, "/bell", "https://a.cn:8443/bell"),
            ("http://[::1]:8080", "::1", 8080, "", "http://[::1]:8080"),
        ] {
            let (target, _) = Target::parse(url).unwrap();
            assert_eq!((target.host.as_str(), target.port, target.prefix.as_str()), (host, port, prefix));
            assert_eq!(target.origin(), origin);
        }
    }

    #[test]
    fn what_a_phone_could_not_use_is_named() {
        for (url, level, word) in [
            ("https://bell.example.cn", Level::Ok, "bell.example.cn"),
            ("https://xn--fiqs8s.cn/x", Level::Ok, "xn--fiqs8s.cn/x"),
            ("http://bell.example.cn", Level::Fail, "not https"),
            ("https://u:p@bell.example.cn", Level::Fail, "password"),
            ("https://1.2.3.4", Level::Fail, "address"),
            ("https://[2001:db8::1]", Level::Fail, "address"),
            ("https://localhost", Level::Fail, "no public name"),
        ] {
            let (_, findings) = Target::parse(url).unwrap();
            assert!(findings[0].level == level && findings[0].found.contains(word), "{url}: {findings:?}");
            assert!(!findings.iter().any(|finding| finding.found.contains("u:p@")));
        }
        let (_, findings) = Target::parse("https://bell.example.cn:8443").unwrap();
        assert_eq!((findings.len(), findings[1].level), (2, Level::Ok));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for url in [
            "",
            "bell.example.cn",
            "ftp://a.cn",
            "https://",
            "https://店.cn",
            "https://a.cn/?x=1",
            "https://a.cn/#x",
            "wss://a.cn",
        ] {
            assert_eq!(Target::parse(url).unwrap_err().level, Level::Fail, "{url}");
        }
    }
}

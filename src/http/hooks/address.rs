//! What a hook is called from outside: the URL that a sender was given, which some of them sign.
//! A public URL is the truth; without one the request's own words count, and a proxy's where it is trusted.

use http::{HeaderMap, Uri};

use crate::http::listener::Connection;
use crate::http::{PublicUrl, only};

/// The URL that the sender of a request has called, without its query.
pub(super) fn called(
    public: &PublicUrl,
    connection: Option<&Connection>,
    headers: &HeaderMap,
    uri: &Uri,
) -> String {
    let base = match public.base() {
        Some(base) => base.to_owned(),
        None => origin(connection.is_some_and(Connection::is_proxied), headers),
    };
    base + uri.path()
}

/// The address of a hook to be entered at its sender: absolute where the public URL is known, else a path.
pub(super) fn of_hook(public: &PublicUrl, hook: &str) -> String {
    format!("{}/in/{hook}", public.base().unwrap_or_default())
}

/// Scheme and host of the server as the sender knows it.
fn origin(is_proxied: bool, headers: &HeaderMap) -> String {
    let of_proxy = |name: &str| only(headers, name).filter(|_| is_proxied);
    let https = of_proxy("x-forwarded-proto").is_some_and(|word| word.eq_ignore_ascii_case("https"));
    let host = of_proxy("x-forwarded-host").or_else(|| only(headers, "host")).unwrap_or_default();
    format!("{}://{host}", if https { "https" } else { "http" })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::origin;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines =
            lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        lines.collect()
    }

    #[test]
    fn only_a_trusted_proxy_says_what_the_sender_called() {
        let told = headers(&[
            ("host", "10.0.0.7:8080"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "hook.example.com"),
        ]);
        assert_eq!(origin(true, &told), "https://hook.example.com");
        assert_eq!(origin(false, &told), "http://10.0.0.7:8080");
    }

    #[test]
    fn what_a_proxy_does_not_say_is_the_requests_own() {
        assert_eq!(origin(true, &headers(&[("host", "hook.example.com")])), "http://hook.example.com");
        let https = headers(&[("host", "hook.example.com"), ("x-forwarded-proto", "HTTPS")]);
        assert_eq!(origin(true, &https), "https://hook.example.com");
    }
}

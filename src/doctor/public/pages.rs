//! What HTTP through the proxy must leave as it is: health, the time, a problem document, a body of the size we take,
//! the id of a request; and what becomes of somebody who forgets the s of https.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::nginx;
use super::site::Site;
use super::wire::{self, Answer, CONNECT_LIMIT};
use crate::clock::{EpochMs, machine_wall};
use crate::doctor::Finding;

/// Within it nobody notices; TTLs are seconds.
const SKEW_WARN_S: i64 = 5;
/// Signed requests are refused beyond this.
const SKEW_FAIL_S: i64 = 300;
/// Below `server.max_body_bytes` (64 KiB) and above what any event needs.
const LARGE: usize = 60_000;

/// Looks at them; the plain port only where the name leads to this server.
pub(super) async fn look(site: &Site, is_plain_asked: bool) -> Vec<Finding> {
    let get = site.request(Method::GET, "/healthz");
    let health = site.ask(get, Bytes::new());
    let event = |body: String| {
        let post = site.request(Method::POST, "/v1/events").header("content-type", "application/json");
        site.ask(post, body)
    };
    let small = event(r#"{"kind":"order.new","target":{"riders":["check"]}}"#.to_owned());
    let large = event(format!(r#"{{"ext":{{"padding":"{}"}}}}"#, "x".repeat(LARGE)));
    let (health, small, large) = tokio::join!(health, small, large);
    let mut findings = vec![judge_health(&health)];
    if let Ok(answer) = &health {
        findings.push(judge_date(answer.header("date"), machine_wall()));
    }
    findings.push(judge_problem("http.problem", &small));
    findings.push(judge_problem("http.body", &large));
    findings.push(judge_id(&small));
    if site.target.is_https && !site.target.has_own_port && is_plain_asked {
        let plain = plain(site).await;
        findings.push(judge_plain(plain.as_ref(), &site.target.host));
    }
    findings
}

/// The same host at the port of plain http; none if nobody is there.
async fn plain(site: &Site) -> Option<Answer> {
    let address = SocketAddr::new(site.address.ip(), 80);
    let stream = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await.ok()?.ok()?;
    let request = site.request(Method::GET, "/healthz").body(Bytes::new()).ok()?;
    wire::exchange(Box::new(stream), request).await.ok()
}

fn judge_health(answer: &Result<Answer, String>) -> Finding {
    let name = "http.health";
    match answer {
        Err(why) => Finding::fail(name, why, "see that the proxy hands on to server.listen"),
        Ok(answer) if answer.status == StatusCode::OK && &answer.body[..] == b"ok\n" => {
            Finding::ok(name, format!("200 after {} ms", answer.wait.as_millis()))
        }
        Ok(answer) => {
            let advice = match answer.status.as_u16() {
                301 | 302 | 307 | 308 => {
                    "give the URL that it leads to: sockets and players follow no redirects"
                }
                404 => "another site answers, or the path before ours is not taken away",
                502..=504 => "the proxy does not reach the server: see that it runs, and its address there",
                _ => "see what stands between: it is to hand everything on",
            };
            let found = format!(
                "/healthz answers {}, {} bytes of {}",
                answer.status,
                answer.body.len(),
                kind(answer)
            );
            Finding::fail(name, found, advice)
        }
    }
}

fn kind(answer: &Answer) -> &str {
    match answer.header("content-type") {
        "" => "no type",
        kind => kind,
    }
}

fn judge_date(date: &str, now: EpochMs) -> Finding {
    let name = "http.date";
    let Ok(at) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date) else {
        return Finding::ok(name, "no Date header, so the clocks cannot be compared");
    };
    let ahead_s = (at.as_millisecond() - now.0) / 1000;
    let found = format!("its clock is {ahead_s} s ahead of this one");
    let advice = "set both: expiry, tokens and signatures hang on the server's clock";
    match ahead_s.abs() {
        0..=SKEW_WARN_S => Finding::ok(name, "its clock and this one agree"),
        off if off <= SKEW_FAIL_S => Finding::warn(name, found, advice),
        _ => Finding::fail(name, found, advice),
    }
}

/// An event without a key: ours is the answer, or somebody else's.
fn judge_problem(name: &str, answer: &Result<Answer, String>) -> Finding {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            return Finding::fail(name, format!("an event without a key: {why}"), "see the proxy's log");
        }
    };
    let document: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let is_ours = answer.header("content-type").starts_with("application/problem+json")
        && document["status"] == answer.status.as_u16();
    if is_ours && answer.status == StatusCode::UNAUTHORIZED {
        return Finding::ok(name, "an event without a key is refused by the server itself");
    }
    let found = format!("an event without a key is answered {} with {}", answer.status, kind(answer));
    let advice = match answer.status {
        StatusCode::PAYLOAD_TOO_LARGE => nginx("client_max_body_size 1m; events may have 64 KiB"),
        _ if is_ours => "another answer than this program gives: see the server's version".to_owned(),
        _ => "the proxy answers in its own words: hand POST and JSON on, and leave error pages alone \
              (nginx: proxy_intercept_errors off)"
            .to_owned(),
    };
    Finding::fail(name, found, advice)
}

fn judge_id(answer: &Result<Answer, String>) -> Finding {
    let name = "http.request_id";
    match answer.as_ref().map_or("", |answer| answer.header("x-request-id")) {
        "" => Finding::warn(
            name,
            "no X-Request-Id comes through",
            format!(
                "hand it on, or nobody finds a request in the log: {}",
                nginx("no proxy_hide_header X-Request-Id")
            ),
        ),
        _ => Finding::ok(name, "X-Request-Id comes through"),
    }
}

fn judge_plain(answer: Option<&Answer>, host: &str) -> Finding {
    let name = "http.plain";
    let Some(answer) = answer else { return Finding::ok(name, "port 80 is closed") };
    let leads_to = answer.header("location");
    if answer.status.is_redirection() && leads_to.starts_with(&format!("https://{host}")) {
        return Finding::ok(name, format!("port 80 leads to https ({})", answer.status));
    }
    if answer.status.is_success() {
        let advice = "tokens may go in the clear: answer 301 to https, or close it";
        return Finding::warn(name, "port 80 serves without TLS", advice);
    }
    Finding::ok(name, format!("port 80 answers {}", answer.status))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, HeaderName, StatusCode};

    use super::{Answer, judge_date, judge_health, judge_id, judge_plain, judge_problem};
    use crate::clock::EpochMs;
    use crate::doctor::Level;

    fn answer(status: u16, headers: &[(&str, &str)], body: &'static str) -> Answer {
        let pair =
            |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.iter().map(pair).collect::<HeaderMap>(),
            body: Bytes::from_static(body.as_bytes()),
            wait: Duration::from_millis(5),
        }
    }

    #[test]
    fn only_our_own_health_is_health() {
        for (reply, word) in [
            (Ok(answer(200, &[], "ok\n")), None),
            (Ok(answer(200, &[("content-type", "text/html")], "<h1>Welcome")), Some("hand everything on")),
            (Ok(answer(301, &[], "")), Some("redirects")),
            (Ok(answer(404, &[], "")), Some("another site")),
            (Ok(answer(502, &[], "")), Some("does not reach")),
            (Err("broke".to_owned()), Some("server.listen")),
        ] {
            let finding = judge_health(&reply);
            assert_eq!(finding.level == Level::Ok, word.is_none(), "{finding:?}");
            assert!(finding.advice.unwrap_or_default().contains(word.unwrap_or_default()));
        }
    }

    #[test]
    fn clocks_are_compared() {
        let now = EpochMs::from_rfc3339("2026-03-01T04:30:05Z").unwrap();
        for (date, level) in [
            ("Sun, 01 Mar 2026 04:30:05 GMT", Level::Ok),
            ("Sun, 01 Mar 2026 04:30:00 GMT", Level::Ok),
            ("Sun, 01 Mar 2026 04:30:25 GMT", Level::Warn),
            ("Sun, 01 Mar 2026 04:20:05 GMT", Level::Fail),
            ("", Level::Ok),
        ] {
            assert_eq!(judge_date(date, now).level, level, "{date}");
        }
    }

    #[test]
    fn an_error_page_of_the_proxy_is_not_a_problem_document() {
        let ours = [("content-type", "application/problem+json")];
        let html = [("content-type", "text/html")];
        for (reply, level, word) in [
            (answer(401, &ours, r#"{"status":401}"#), Level::Ok, ""),
            (answer(401, &html, "<html>"), Level::Fail, "error pages"),
            (answer(413, &html, "<html>"), Level::Fail, "client_max_body_size"),
            (answer(503, &ours, r#"{"status":503}"#), Level::Fail, "version"),
            (answer(401, &ours, r#"{"status":400}"#), Level::Fail, "error pages"),
        ] {
            let finding = judge_problem("x", &Ok(reply));
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.advice.unwrap_or_default().contains(word));
        }
        assert_eq!(judge_id(&Ok(answer(401, &[("x-request-id", "req_1")], ""))).level, Level::Ok);
        assert_eq!(judge_id(&Ok(answer(401, &[], ""))).level, Level::Warn);
    }

    #[test]
    fn plain_http_is_to_lead_to_https_or_nowhere() {
        for (reply, level) in [
            (None, Level::Ok),
            (Some(answer(301, &[("location", "https://a.cn/healthz")], "")), Level::Ok),
            (Some(answer(200, &[], "ok\n")), Level::Warn),
            (Some(answer(404, &[], "")), Level::Ok),
        ] {
            assert_eq!(judge_plain(reply.as_ref(), "a.cn").level, level, "{reply:?}");
        }
    }
}

//! Clips as a phone's player fetches them: length, type, ranges and caching must come through the proxy untouched.
//! WeChat's player fails with 10003 or 10004 where they do not, and tells nobody why.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};

use super::site::Site;
use super::wire::Answer;
use crate::audio::Format;
use crate::config::Config;
use crate::doctor::Finding;
use crate::speech::Lang;
use crate::speech::canned::{canned_name, shipped_clips};

/// A clip that is asked for.
struct Asked {
    /// In the names of findings.
    name: &'static str,
    path: String,
    mime: &'static str,
}

/// What came of it, question by question.
struct Facts {
    head: Result<Answer, String>,
    whole: Result<Answer, String>,
    /// `bytes=0-1`, which iOS asks first.
    part: Result<Answer, String>,
    /// A range beyond its end.
    beyond: Result<Answer, String>,
    /// With a query, as clients make each src unique.
    unique: Result<Answer, String>,
}

/// A player that waits longer than this is silent meanwhile; in the background that may be its end.
const SLOW: Duration = Duration::from_secs(1);
/// Further than any clip is long.
const FAR: &str = "bytes=900000000-900000001";
const LENGTH: &str = "players need it (WeChat: error 10003); nginx: gzip off, no sub_filter, proxy_buffering on; \
                      no CDN that rewrites audio";
const RANGES: &str =
    "iOS asks for bytes=0-1 first and gives up: the proxy is to hand Range on and leave 206 alone";

/// Fetches one clip of each sort, all at once.
pub(super) async fn look(site: &Site, config: &Config) -> Vec<Finding> {
    let mut asked = vec![
        silence("audio.m4a", Format::M4a, "m4a"),
        silence("audio.mp3", Format::Mp3, "mp3"),
        silence("audio.wav", Format::Wav, "wav"),
    ];
    asked.extend(canned(config));
    let looking = asked.iter().map(async |asked| judge(asked, &fetch(site, &asked.path).await));
    futures_util::future::join_all(looking).await.into_iter().flatten().collect()
}

fn silence(name: &'static str, format: Format, extension: &str) -> Asked {
    Asked { name, path: format!("/audio/silence/2.{extension}"), mime: format.mime() }
}

/// The commonest sentence, under the name that this program and this configuration give it.
fn canned(config: &Config) -> Option<Asked> {
    let tail_ms = u32::try_from(config.speech.tail.as_millis()).ok()?;
    let clips = shipped_clips(tail_ms).ok()?;
    let path = clips.of(Lang::ZhCn.tag(), &canned_name("order.new"), 2).url_path();
    Some(Asked { name: CANNED, path, mime: Format::Mp3.mime() })
}

const CANNED: &str = "audio.canned";

async fn fetch(site: &Site, path: &str) -> Facts {
    let ask = |method: Method, path: String, range: Option<&str>| {
        // As a careless client says: what must not be compressed is not, whatever is offered.
        let request = site.request(method, &path).header("accept-encoding", "gzip, deflate, br");
        let request = range.into_iter().fold(request, |request, range| request.header("range", range));
        site.ask(request, Bytes::new())
    };
    let (head, whole, part, beyond, unique) = tokio::join!(
        ask(Method::HEAD, path.to_owned(), None),
        ask(Method::GET, path.to_owned(), None),
        ask(Method::GET, path.to_owned(), Some("bytes=0-1")),
        ask(Method::GET, path.to_owned(), Some(FAR)),
        ask(Method::GET, format!("{path}?k=1&p=check.2"), None),
    );
    Facts { head, whole, part, beyond, unique }
}

/// One line if all is well, else one for each fault.
fn judge(asked: &Asked, facts: &Facts) -> Vec<Finding> {
    let Asked { name, path, mime } = asked;
    let whole = match &facts.whole {
        Ok(whole) if whole.status == StatusCode::OK => whole,
        Ok(whole) if whole.status == StatusCode::NOT_FOUND && *name == CANNED => {
            let advice = "the server is of another version or has another speech.tail: give its --config";
            return vec![Finding::ok(*name, "not known there by the name it has here").advised(advice)];
        }
        Ok(whole) => {
            let found = format!("{path} answers {}", whole.status);
            return vec![Finding::fail(*name, found, "hand /audio/ on to the server as it is")];
        }
        Err(why) => {
            let advice = "hand /audio/ on to the server, with HTTP/1.1";
            return vec![Finding::fail(*name, format!("{path}: {why}"), advice)];
        }
    };
    let mut faults = Vec::new();
    let mut fault =
        |what: &str, finding: fn(String, String, &str) -> Finding, found: String, advice: &str| {
            faults.push(finding(format!("{name}.{what}"), found, advice));
        };
    let fail: fn(String, String, &str) -> Finding = |name, found, advice| Finding::fail(name, found, advice);
    let warn: fn(String, String, &str) -> Finding = |name, found, advice| Finding::warn(name, found, advice);
    if let Some(found) = length_fault(whole, &facts.head) {
        fault("length", fail, found, LENGTH);
    }
    let codings = ["transfer-encoding", "content-encoding"].map(|header| (header, whole.header(header)));
    let codings: Vec<String> = codings
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(header, value)| format!("{header}: {value}"))
        .collect();
    if !codings.is_empty() {
        fault("encoding", fail, codings.join(", "), LENGTH);
    }
    if whole.header("content-type") != *mime {
        let found = format!("Content-Type is {:?}, not {mime}", whole.header("content-type"));
        fault("type", fail, found, "players go by it: hand the server's on");
    }
    if let Some(found) = range_fault(whole, &facts.part) {
        fault("range", fail, found, RANGES);
    }
    if let Some(found) = beyond_fault(whole, &facts.beyond) {
        fault("beyond", warn, found, "a player that looks for the end may loop: hand Range on");
    }
    if !facts.unique.as_ref().is_ok_and(|unique| unique.body == whole.body) {
        let advice = "clients make each src unique by a query: nothing may refuse, sign or change it";
        fault("query", fail, "with a query it is another answer".to_owned(), advice);
    }
    let cache = whole.header("cache-control");
    if !cache.contains("immutable") || whole.header("etag").is_empty() {
        let found = format!("Cache-Control {cache:?}, ETag {:?}", whole.header("etag"));
        fault("cache", warn, found, "clips never change: hand both on, or phones fetch them again and again");
    }
    if whole.wait > SLOW {
        let found = format!("{} ms to the first byte", whole.wait.as_millis());
        fault("time", warn, found, "silence meanwhile: a nearer server, or a CDN that leaves headers alone");
    }
    if faults.is_empty() {
        let (bytes, wait) = (whole.body.len(), whole.wait.as_millis());
        let found = format!("{path}: {bytes} bytes, {mime}, whole and in parts, immutable, {wait} ms");
        return vec![Finding::ok(*name, found)];
    }
    faults
}

fn length_fault(whole: &Answer, head: &Result<Answer, String>) -> Option<String> {
    let sent = whole.body.len().to_string();
    let said = whole.header("content-length");
    if said.is_empty() {
        return Some(format!("no Content-Length on {sent} bytes"));
    }
    if said != sent {
        return Some(format!("Content-Length {said} on {sent} bytes"));
    }
    match head {
        Ok(head) if head.status == StatusCode::OK && head.header("content-length") == sent => None,
        Ok(head) => Some(format!(
            "HEAD answers {} with Content-Length {:?}, GET has {sent}",
            head.status,
            head.header("content-length")
        )),
        Err(why) => Some(format!("HEAD: {why}")),
    }
}

fn range_fault(whole: &Answer, part: &Result<Answer, String>) -> Option<String> {
    if whole.header("accept-ranges") != "bytes" {
        return Some("no Accept-Ranges: bytes".to_owned());
    }
    let part = match part {
        Ok(part) => part,
        Err(why) => return Some(format!("bytes=0-1: {why}")),
    };
    let expected = format!("bytes 0-1/{}", whole.body.len());
    let is_right = part.status == StatusCode::PARTIAL_CONTENT
        && part.header("content-range") == expected
        && part.header("content-length") == "2"
        && whole.body.get(..2) == Some(&part.body[..]);
    (!is_right).then(|| {
        let (range, bytes) = (part.header("content-range"), part.body.len());
        format!("bytes=0-1 is answered {}, Content-Range {range:?}, {bytes} bytes", part.status)
    })
}

fn beyond_fault(whole: &Answer, beyond: &Result<Answer, String>) -> Option<String> {
    // How long a clip is that came compressed is not known here.
    let is_compressed = !whole.header("content-encoding").is_empty();
    match beyond {
        Ok(beyond)
            if beyond.status == StatusCode::RANGE_NOT_SATISFIABLE
                && (is_compressed
                    || beyond.header("content-range") == format!("bytes */{}", whole.body.len())) =>
        {
            None
        }
        Ok(beyond) => Some(format!(
            "beyond its end it answers {}, Content-Range {:?}",
            beyond.status,
            beyond.header("content-range")
        )),
        Err(why) => Some(format!("beyond its end: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::StatusCode;
    use http::header::{HeaderName, HeaderValue};

    use super::{Answer, Asked, CANNED, Facts, judge};
    use crate::doctor::Level;

    fn answer(status: u16, body: &'static [u8], headers: &[(&'static str, &'static str)]) -> Answer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let (status, body) = (StatusCode::from_u16(status).unwrap(), Bytes::from_static(body));
        Answer { status, headers: headers.collect(), body, wait: Duration::from_millis(3) }
    }

    fn well() -> Facts {
        let headers = [
            ("content-length", "4"),
            ("content-type", "audio/mpeg"),
            ("accept-ranges", "bytes"),
            ("cache-control", "public, max-age=31536000, immutable"),
            ("etag", "\"x\""),
        ];
        Facts {
            head: Ok(answer(200, b"", &headers)),
            whole: Ok(answer(200, b"RIFF", &headers)),
            part: Ok(answer(206, b"RI", &[("content-length", "2"), ("content-range", "bytes 0-1/4")])),
            beyond: Ok(answer(416, b"{}", &[("content-range", "bytes */4")])),
            unique: Ok(answer(200, b"RIFF", &headers)),
        }
    }

    fn change(answer: &mut Result<Answer, String>, name: &'static str, value: &'static str) {
        let headers = &mut answer.as_mut().unwrap().headers;
        if value.is_empty() {
            headers.remove(name);
        } else {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }

    #[test]
    fn whatever_a_proxy_breaks_is_told_by_its_name_and_alone() {
        type Break = fn(&mut Facts);
        let cases: [(Break, &str, Level); 18] = [
            (|_| {}, "audio.mp3", Level::Ok),
            (|facts| change(&mut facts.whole, "content-length", ""), "audio.mp3.length", Level::Fail),
            (|facts| change(&mut facts.head, "content-length", "9"), "audio.mp3.length", Level::Fail),
            (|facts| change(&mut facts.whole, "content-length", "5"), "audio.mp3.length", Level::Fail),
            (|facts| facts.head = Err("broke".into()), "audio.mp3.length", Level::Fail),
            (
                |facts| change(&mut facts.whole, "transfer-encoding", "chunked"),
                "audio.mp3.encoding",
                Level::Fail,
            ),
            (|facts| change(&mut facts.whole, "content-encoding", "gzip"), "audio.mp3.encoding", Level::Fail),
            (|facts| change(&mut facts.whole, "content-type", "text/plain"), "audio.mp3.type", Level::Fail),
            (|facts| change(&mut facts.whole, "accept-ranges", ""), "audio.mp3.range", Level::Fail),
            (|facts| facts.part = facts.whole.clone(), "audio.mp3.range", Level::Fail),
            (|facts| change(&mut facts.part, "content-range", "bytes 0-1/9"), "audio.mp3.range", Level::Fail),
            (|facts| facts.beyond = facts.whole.clone(), "audio.mp3.beyond", Level::Warn),
            (|facts| facts.unique = Ok(answer(403, b"no", &[])), "audio.mp3.query", Level::Fail),
            (|facts| change(&mut facts.whole, "cache-control", "no-cache"), "audio.mp3.cache", Level::Warn),
            (|facts| change(&mut facts.whole, "etag", ""), "audio.mp3.cache", Level::Warn),
            (
                |facts| facts.whole.as_mut().unwrap().wait = Duration::from_secs(2),
                "audio.mp3.time",
                Level::Warn,
            ),
            (|facts| facts.whole = Ok(answer(404, b"", &[])), "audio.mp3", Level::Fail),
            (|facts| facts.whole = Err("broke".into()), "audio.mp3", Level::Fail),
        ];
        for (number, (break_it, name, level)) in cases.into_iter().enumerate() {
            let mut facts = well();
            break_it(&mut facts);
            let asked = Asked { name: "audio.mp3", path: "/audio/silence/2.mp3".into(), mime: "audio/mpeg" };
            let findings = judge(&asked, &facts);
            assert_eq!(findings.len(), 1, "{number}: {findings:?}");
            assert_eq!((findings[0].name.as_str(), findings[0].level), (name, level), "{number}");
            assert_eq!(findings[0].advice.is_some(), level != Level::Ok, "{number}");
        }
    }

    #[test]
    fn a_canned_clip_of_another_version_is_no_failure() {
        let asked = Asked { name: CANNED, path: "/audio/canned/x.mp3".into(), mime: "audio/mpeg" };
        let facts = Facts { whole: Ok(answer(404, b"", &[])), ..well() };
        assert_eq!(judge(&asked, &facts)[0].level, Level::Ok);
    }
}

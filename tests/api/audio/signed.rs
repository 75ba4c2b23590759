//! URLs of clips that end: what they look like, how long they hold, and what a URL that is not ours gets.

use orderbell::domain::EpochMs;
use serde_json::{Value, json};

use super::{fetch, spoken};
use crate::support::{RiderSocket, TestServer, slow_espeak};

const SIGNED: &str = "[audio]\nsigned_urls = true\n";
const HOUR_S: i64 = 3_600;
const TTL_S: i64 = 25 * HOUR_S;

/// Path, end and signature of a URL as it was handed out.
fn parts(url: &Value) -> (&str, i64, &str) {
    let url = url.as_str().unwrap();
    let (path, query) = url.split_once("?exp=").unwrap_or_else(|| panic!("not signed: {url}"));
    let (exp, sig) = query.split_once("&sig=").unwrap();
    (path, exp.parse().unwrap(), sig)
}

#[tokio::test]
async fn every_url_of_a_sentence_ends_and_no_other_does() {
    let folder = tempfile::TempDir::new().unwrap();
    let slow = slow_espeak(folder.path(), 1);
    let voice =
        format!("[speech]\nbudget = \"50ms\"\nengine_timeout = \"15s\"\nespeak = \"{}\"\n", slow.display());
    let server = TestServer::start_in(folder, &format!("{SIGNED}{voice}")).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    assert_eq!(
        rider.welcome["keepalive"]["clips"],
        json!(["/audio/silence/600.m4a", "/audio/silence/600.mp3"])
    );
    let id = server.alert_for("r1", "order.new").await;
    let first = rider.alert().await;
    let canned = first["audio"]["url"].as_str().unwrap();
    assert!(canned.starts_with("/audio/canned/") && !canned.contains('?'), "{canned}");

    let update = rider.op("update").await;
    let (now_s, url) = (server.now_ms() / 1000, &update["audio"]["url"]);
    let (_, exp, sig) = parts(url);
    assert!((now_s + TTL_S - 5..=now_s + TTL_S + HOUR_S).contains(&exp), "{exp} at {now_s}");
    assert_eq!((sig.len(), &update["audio"]["fallback_url"]), (22, &first["audio"]["fallback_url"]));
    assert!(!update["audio"]["fallback_url"].as_str().unwrap().contains('?'));

    server.alert_for("r1", "order.new").await;
    let again = rider.alert().await;
    let token = server.token("r1").await;
    let listed = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    let sentence = spoken(&server, again["text"].as_str().unwrap()).await;
    let timeline = server.alert(&id).await;
    for seen in [&again["audio"], &listed.json["data"]["alerts"][0]["audio"], &sentence, &timeline["audio"]] {
        let (path, end, _) = parts(&seen["url"]);
        // All are of one clock hour, unless the clock has struck meanwhile.
        assert!(end == exp || end == exp + HOUR_S, "{seen}");
        assert_eq!(fetch(&server, "GET", seen["url"].as_str().unwrap(), &[]).await.status, 200, "{path}");
    }
    for open in [canned, "/audio/silence/2.mp3", "/audio/silence/2.mp3?exp=1&sig=x"] {
        let reply = fetch(&server, "GET", open, &[]).await;
        assert_eq!(
            (reply.status, reply.header("cache-control")),
            (200, "public, max-age=31536000, immutable")
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_signed_clip_is_served_to_its_holder_until_its_end() {
    let server = TestServer::start(SIGNED).await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap();
    let (path, exp, sig) = parts(&clip["url"]);
    let left_s = exp - server.now_ms() / 1000;
    for (method, headers) in [
        ("GET", &[][..]),
        ("HEAD", &[]),
        ("GET", &[("range", "bytes=0-9")]),
        ("GET", &[("if-none-match", "*")]),
    ] {
        let reply = fetch(&server, method, url, headers).await;
        assert!(matches!(reply.status, 200 | 206 | 304), "{}", reply.status);
        let caching = reply.header("cache-control");
        let age: i64 = caching.strip_prefix("private, max-age=").unwrap().parse().unwrap();
        assert!((left_s - 20..=left_s).contains(&age), "{caching} with {left_s} left");
    }
    for unique in [format!("{url}&n=17"), format!("{path}?n=1&sig={sig}&exp={exp}&utm=%ff")] {
        assert_eq!(fetch(&server, "GET", &unique, &[]).await.status, 200, "{unique}");
    }
    // Two hours ago the longest life of a URL handed out then was over: the maker itself says so.
    let long_ago = EpochMs(server.now_ms() - (TTL_S + 2 * HOUR_S) * 1000);
    let old = server.state.sessions.urls.url(path, long_ago);
    fetch(&server, "GET", &old, &[]).await.assert_problem(403, "url_expired");
    let nearly = EpochMs(server.now_ms() - (TTL_S - 60) * 1000);
    let still = server.state.sessions.urls.url(path, nearly);
    assert_eq!(fetch(&server, "GET", &still, &[]).await.status, 200, "as long as it was promised");
    assert_eq!(server.metric("orderbell_audio_refused_total{why=\"expired\"}").await, 1);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_signed_tells_nothing_of_clips() {
    let server = TestServer::start(SIGNED).await;
    let (one, two) = (spoken(&server, "请注意安全").await, spoken(&server, "今日有雨").await);
    let (path, exp, sig) = parts(&one["url"]);
    let (other, other_exp, other_sig) = parts(&two["url"]);
    assert_eq!(exp, other_exp);
    let digits = path.rsplit('/').next().unwrap().len() - 4;
    let absent = format!("/audio/00/{}.mp3", "0".repeat(digits));
    let upper = sig.to_ascii_uppercase();
    let mut denials = Vec::new();
    for forged in [
        path.to_owned(),
        absent.clone(),
        format!("{path}?exp={exp}"),
        format!("{path}?sig={sig}"),
        format!("{path}?exp={}&sig={sig}", exp + 3_600),
        format!("{path}?exp={exp}&sig={upper}"),
        format!("{path}?exp={exp}&sig={other_sig}"),
        format!("{other}?exp={exp}&sig={sig}"),
        format!("{absent}?exp={exp}&sig={sig}"),
        format!("{}?exp={exp}&sig={sig}", path.replace(".mp3", ".wav")),
        format!("{path}?exp=1&sig={sig}"),
        format!("{path}?exp=18446744073709551616&sig={sig}"),
        format!("{path}?exp=-1&sig={sig}"),
        format!("{path}?exp={exp}&sig="),
        format!("{path}?exp={exp}&sig=%00"),
    ] {
        let mut reply = fetch(&server, "GET", &forged, &[]).await;
        reply.assert_problem(403, "bad_url_signature");
        reply.json["request_id"].take();
        denials.push(reply.json.to_string());
        let head = fetch(&server, "HEAD", &forged, &[("range", "bytes=0-1")]).await;
        assert_eq!(head.status, 403, "{forged}");
    }
    denials.dedup();
    assert_eq!(denials.len(), 1, "each denial reads like the others: {denials:?}");
    let now = EpochMs(server.now_ms());
    let unknown = server.state.sessions.urls.url(&absent, now);
    fetch(&server, "GET", &unknown, &[]).await.assert_problem(404, "not_found");
    server.stop().await;
}

#[tokio::test]
async fn another_servers_signature_is_none_and_the_same_servers_survives_a_restart() {
    let server = TestServer::start(SIGNED).await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap().to_owned();
    let stranger = TestServer::start(SIGNED).await;
    fetch(&stranger, "GET", &url, &[]).await.assert_problem(403, "bad_url_signature");
    stranger.stop().await;
    let server = TestServer::start_in(server.stop().await, SIGNED).await;
    assert_eq!(fetch(&server, "GET", &url, &[]).await.status, 200);
    // Turned off again: what was handed out before goes on.
    let server = TestServer::start_in(server.stop().await, "").await;
    let reply = fetch(&server, "GET", &url, &[]).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "public, max-age=31536000, immutable"));
    server.stop().await;
}

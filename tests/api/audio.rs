//! Clips as players fetch them, and as an independent decoder hears what was fetched.

mod budget;
mod egress;
mod formats;
mod hostile_text;
mod public_url;
mod signed;
mod sound;

use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Reply, TestServer, raw, reply};

/// Has a sentence spoken; what the server says of it.
async fn spoken(server: &TestServer, text: &str) -> Value {
    server.done("POST", "/v1/speech", json!({"text": text})).await
}

async fn fetch(server: &TestServer, method: &str, url: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = server.request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    reply(request).await
}

/// What every player needs to see.
#[track_caller]
fn assert_playable(headers: &HeaderMap, mime: &str, bytes: u64) {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    assert_eq!(header("content-type"), mime);
    assert_eq!(header("content-length"), bytes.to_string());
    assert_eq!(header("accept-ranges"), "bytes");
    assert_eq!(header("cache-control"), "public, max-age=31536000, immutable");
    assert!(header("etag").starts_with('"') && header("etag").ends_with('"'), "{}", header("etag"));
    assert!(!headers.contains_key("transfer-encoding") && !headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_clip_comes_whole_or_in_one_part() {
    let server = TestServer::start("").await;
    let clip = spoken(&server, "您有新的订单，请及时接单").await;
    let url = clip["url"].as_str().unwrap();
    let whole = fetch(&server, "GET", url, &[("accept-encoding", "gzip, br")]).await;
    let bytes = whole.bytes.clone();
    let len = bytes.len();
    assert_eq!((whole.status, clip["bytes"].as_u64()), (200, Some(len as u64)));
    assert_playable(&whole.headers, "audio/mpeg", len as u64);
    let head = fetch(&server, "HEAD", url, &[]).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
    assert_playable(&head.headers, "audio/mpeg", len as u64);

    let (last, beyond) = (len - 1, len + 5);
    for (range, from, to) in [
        ("bytes=0-1".to_owned(), 0, 2),
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=100-".to_owned(), 100, len),
        ("bytes=-7".to_owned(), len - 7, len),
        (format!("bytes={last}-{beyond}"), last, len),
        (format!("bytes=0-{beyond}"), 0, len),
        (format!("bytes=-{beyond}"), 0, len),
        ("bytes=-9223372036854775808".to_owned(), 0, len),
        ("bytes=0-18446744073709551616".to_owned(), 0, len),
    ] {
        let part = fetch(&server, "GET", url, &[("range", &range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(part.bytes, bytes[from..to], "{range}");
        assert_eq!(part.header("content-range"), format!("bytes {from}-{}/{len}", to - 1), "{range}");
        assert_playable(&part.headers, "audio/mpeg", (to - from) as u64);
    }
    for range in [
        format!("bytes={len}-"),
        format!("bytes={beyond}-{}", beyond + 9),
        "bytes=9223372036854775808-".to_owned(),
        "bytes=5-4".to_owned(),
        "bytes=-0".to_owned(),
    ] {
        let none = fetch(&server, "GET", url, &[("range", &range)]).await;
        assert_eq!(none.status, 416, "{range}");
        none.assert_problem(416, "bad_range");
        assert_eq!(none.header("content-range"), format!("bytes */{len}"), "{range}");
    }
    let many = format!("bytes={}", vec!["0-1"; 1000].join(","));
    for range in ["bytes=0-1,5-6", "bytes=0-,0-", &many, "items=0-1", "nonsense"] {
        let all = fetch(&server, "GET", url, &[("range", range)]).await;
        assert_eq!((all.status, all.bytes.len()), (200, len), "{}", &range[..range.len().min(20)]);
    }
    server.stop().await;
}

#[tokio::test]
async fn who_has_a_clip_need_not_fetch_it_again() {
    let server = TestServer::start("").await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap();
    let etag = fetch(&server, "HEAD", url, &[]).await.header("etag").to_owned();
    for known in [etag.clone(), format!("\"other\", {etag}"), "*".to_owned()] {
        let same = fetch(&server, "GET", url, &[("if-none-match", &known)]).await;
        assert_eq!((same.status, same.bytes.len(), same.header("etag")), (304, 0, etag.as_str()), "{known}");
    }
    let other = fetch(&server, "GET", url, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(other.status, 200);
    let unique = fetch(&server, "GET", &format!("{url}?n=17&x=%ff"), &[]).await;
    assert_eq!((unique.status, unique.bytes), (200, other.bytes), "a query changes nothing");
    server.stop().await;
}

#[tokio::test]
async fn a_part_is_of_the_file_that_if_range_names_and_head_has_no_parts() {
    let server = TestServer::start("").await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap();
    let len = clip["bytes"].as_u64().unwrap();
    let etag = fetch(&server, "HEAD", url, &[]).await.header("etag").to_owned();
    let right = fetch(&server, "GET", url, &[("range", "bytes=0-9"), ("if-range", &etag)]).await;
    assert_eq!((right.status, right.bytes.len()), (206, 10));
    let weak = format!("W/{etag}");
    for wrong in ["\"other\"", &weak, "Sat, 01 Jan 2028 00:00:00 GMT", "nonsense"] {
        let whole = fetch(&server, "GET", url, &[("range", "bytes=0-9"), ("if-range", wrong)]).await;
        assert_eq!((whole.status, whole.bytes.len() as u64), (200, len), "{wrong}");
        assert_playable(&whole.headers, "audio/mpeg", len);
    }
    for range in ["bytes=0-9", "bytes=999999999-"] {
        let head = fetch(&server, "HEAD", url, &[("range", range)]).await;
        assert_eq!((head.status, head.header("content-range")), (200, ""), "{range}");
        assert_playable(&head.headers, "audio/mpeg", len);
    }
    let known = fetch(&server, "GET", url, &[("if-none-match", &weak), ("range", "bytes=0-9")]).await;
    assert_eq!((known.status, known.bytes.len()), (304, 0), "a cache may have made the tag weak");
    server.stop().await;
}

#[tokio::test]
async fn names_that_are_no_clips_are_not_found() {
    let server = TestServer::start("").await;
    let clip = spoken(&server, "请注意安全").await;
    let url = clip["url"].as_str().unwrap();
    let (shard, file) = url.strip_prefix("/audio/").unwrap().split_once('/').unwrap();
    let upper = format!("/audio/{}/{}", shard.to_uppercase(), file.to_uppercase());
    let others = format!("/audio/{shard}/{}.mp3", "0".repeat(file.len() - 4));
    for path in [
        &others,
        &upper,
        &format!("/audio/{shard}/{file}%00"),
        &format!("/audio/{shard}/../{shard}/{file}"),
        &format!("/audio/{shard}/{}", file.replace(".mp3", ".wav")),
        &format!("/audio/{shard}/{}", file.replace(".mp3", "")),
        "/audio/../node.key",
        "/audio/%2e%2e/node.key",
        "/audio/..%2f..%2fnode.key",
        "/audio/..%5cnode.key/x.mp3",
        "/audio/ab/..%2f..%2f..%2fnode.key",
        "/audio//etc/passwd",
        "/audio/canned/../../node.key",
        "/audio/canned/nothing.mp3",
        "/audio/canned/..%2fnode.key",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = raw(server.address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn silence_has_the_length_its_name_says() {
    let server = TestServer::start("").await;
    for (extension, mime) in [("mp3", "audio/mpeg"), ("m4a", "audio/mp4"), ("wav", "audio/wav")] {
        for seconds in [1, 600, 3600] {
            let url = format!("/audio/silence/{seconds}.{extension}");
            let head = fetch(&server, "HEAD", &url, &[]).await;
            let len: u64 = head.header("content-length").parse().unwrap();
            assert_eq!(head.status, 200, "{url}");
            assert_playable(&head.headers, mime, len);
            let tail = fetch(&server, "GET", &url, &[("range", "bytes=-5")]).await;
            assert_eq!((tail.status, tail.bytes.len()), (206, 5), "{url}");
            if seconds < 3600 {
                let whole = fetch(&server, "GET", &url, &[]).await;
                assert_playable(&whole.headers, mime, len);
                assert_eq!(
                    (whole.bytes.len() as u64, &whole.bytes[whole.bytes.len() - 5..]),
                    (len, &tail.bytes[..])
                );
            }
        }
    }
    for kind in ["zero", "noise", "tone"] {
        assert_eq!(
            fetch(&server, "HEAD", &format!("/audio/silence/2.wav?kind={kind}"), &[]).await.status,
            200
        );
    }
    for wrong in
        ["0.mp3", "3601.mp3", "01.mp3", "x.mp3", "-1.mp3", "1.5.mp3", "1.ogg", "1", "99999999999.wav"]
    {
        let status = fetch(&server, "GET", &format!("/audio/silence/{wrong}"), &[]).await.status;
        assert!(matches!(status, 400 | 404), "{wrong}: {status}");
    }
    for wrong in ["1.mp3?kind=loud", "1.m4a?kind=noise"] {
        let refused = fetch(&server, "GET", &format!("/audio/silence/{wrong}"), &[]).await;
        refused.assert_problem(400, "bad_kind");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_sentence_can_be_heard_before_it_is_needed() {
    let server = TestServer::start("").await;
    let first = spoken(&server, "订单尾号8607，请在12:30前送达").await;
    assert_eq!((&first["cached"], &first["mime"]), (&json!(false), &json!("audio/mpeg")));
    let said = first["said"].as_str().unwrap();
    assert!(!said.chars().any(|c| c.is_ascii_digit()), "numbers are words: {said}");
    assert_eq!(first["characters"], said.chars().count());
    assert_eq!(first["engine"], "espeak-ng");
    let mut again = spoken(&server, "订单尾号8607，请在12:30前送达").await;
    assert_eq!(again["cached"], true);
    again["cached"] = json!(false);
    assert_eq!(again, first);

    let vars = json!({"merchant": "张三面馆", "platform": "meituan"});
    let body = json!({"kind": "order.new", "vars": vars});
    let phrase = server.done("POST", "/v1/speech", body).await;
    assert!(phrase["text"].as_str().unwrap().contains("张三面馆"), "{phrase}");
    let event = json!({"kind": "order.new", "target": {"riders": ["r1"]}, "alert": {"vars": vars}});
    let alert = server.post_event(event).await["alert_id"].as_str().unwrap().to_owned();
    let alert = server.rendered(&alert).await;
    assert_eq!(alert["audio"]["path"], phrase["url"], "the alert finds it made");

    for (body, error) in [
        (json!({}), "missing_member"),
        (json!({"text": ""}), "missing_member"),
        (json!({"text": "x".repeat(121)}), "too_long"),
        (json!({"text": "。"}), "bad_text"),
        (json!({"kind": "order.sung"}), "unknown_kind"),
        (json!({"text": "x", "lang": "fr"}), "unknown_value"),
        (json!({"text": "x", "format": "ogg"}), "unknown_value"),
        (json!({"text": "x", "voice": "bass"}), "unknown_voice"),
        (json!({"text": "x", "speed_percent": 49}), "out_of_range"),
        (json!({"text": "x", "profile": "loud"}), "unknown_value"),
        (json!({"text": "x", "merchant": " "}), "bad_value"),
        (json!({"text": "x", "colour": "blue"}), "unknown_member"),
    ] {
        let refused = server.call("POST", "/v1/speech", body.clone()).await;
        assert_eq!(refused.json["error"], error, "{body}");
        refused.assert_problem(400, error);
    }
    server.stop().await;
}

//! A sentence as WAV, for programs that decode nothing: the same words and headers, without the silent tail.

use serde_json::json;

use super::{assert_playable, fetch, spoken};
use crate::support::{Ear, TestServer, raw, run};

#[tokio::test]
async fn a_sentence_comes_as_wav_too() {
    let server = TestServer::start("").await;
    let text = "订单尾号8607，请在12:30前送达";
    let mp3 = spoken(&server, text).await;
    let body = json!({"text": text, "format": "wav"});
    let wav = server.done("POST", "/v1/speech", body.clone()).await;
    assert_eq!(
        (&wav["mime"], &wav["tail_ms"], &wav["cached"]),
        (&json!("audio/wav"), &json!(0), &json!(false))
    );
    assert_eq!((&wav["said"], &wav["text"]), (&mp3["said"], &mp3["text"]));
    assert_eq!(server.done("POST", "/v1/speech", body).await["cached"], true);
    let explicit = server.done("POST", "/v1/speech", json!({"text": text, "format": "mp3"})).await;
    assert_eq!((&explicit["url"], &explicit["cached"]), (&mp3["url"], &json!(true)), "mp3 is the default");

    let url = wav["url"].as_str().unwrap();
    assert!(url.split_once('.').is_some_and(|(_, extension)| extension == "wav"), "{url}");
    let len = wav["bytes"].as_u64().unwrap();
    let whole = fetch(&server, "GET", url, &[]).await;
    assert_playable(&whole.headers, "audio/wav", len);
    assert_eq!((whole.status, whole.bytes.len() as u64, &whole.bytes[..4]), (200, len, &b"RIFF"[..]));
    let head = fetch(&server, "HEAD", url, &[("range", "bytes=0-1")]).await;
    assert_eq!(head.status, 200);
    assert_playable(&head.headers, "audio/wav", len);
    let part = fetch(&server, "GET", url, &[("range", "bytes=44-99")]).await;
    assert_eq!((part.status, &part.bytes[..]), (206, &whole.bytes[44..100]));
    for other in ["mp3", "m4a"] {
        let same_name = url.replace(".wav", &format!(".{other}"));
        assert_eq!(fetch(&server, "GET", &same_name, &[]).await.status, 404, "a name is of one format");
    }
    // After a restart it is found on the disk again.
    let server = TestServer::start_in(server.stop().await, "").await;
    let again = fetch(&server, "GET", url, &[]).await;
    assert_eq!((again.status, again.bytes), (200, whole.bytes));
    server.stop().await;
}

#[tokio::test]
async fn a_wav_sounds_like_its_mp3() {
    let server = TestServer::start("").await;
    let text = "您有新的美团订单，张三面馆，距您一点二公里，请及时接单";
    let mp3 = spoken(&server, text).await;
    let wav = server.done("POST", "/v1/speech", json!({"text": text, "format": "wav"})).await;
    let spoken_ms = |audio: &serde_json::Value| {
        audio["duration_ms"].as_f64().unwrap() - audio["tail_ms"].as_f64().unwrap()
    };
    // The codec's own delays are of one side only.
    assert!((spoken_ms(&mp3) - spoken_ms(&wav)).abs() < 150.0, "{} {}", spoken_ms(&mp3), spoken_ms(&wav));
    let (mp3, heard) = (Ear::of(&server, &mp3).await, Ear::of(&server, &wav).await);
    let path = heard.path();
    let entries = ["-v", "error", "-show_entries", "stream=codec_name,sample_rate,channels:format=duration"];
    let probed = run("ffprobe", &[&entries[..], &["-of", "csv=p=0", &path]].concat());
    let probed: Vec<&str> = probed.split([',', '\n']).filter(|part| !part.is_empty()).collect();
    assert_eq!(probed[..3], ["pcm_s16le", "24000", "1"]);
    let told_ms = wav["duration_ms"].as_f64().unwrap();
    assert!((probed[3].parse::<f64>().unwrap() * 1000.0 - told_ms).abs() <= 1.0, "{probed:?} for {told_ms}");
    assert!((heard.loudness() - mp3.loudness()).abs() < 1.0, "{} {}", heard.loudness(), mp3.loudness());
    assert!(heard.volume(told_ms - 95.0, told_ms, "max_volume:") < -80.0, "nothing is cut off at its end");
    server.stop().await;
}

#[tokio::test]
async fn formats_that_speech_does_not_come_in_are_refused_by_name() {
    let server = TestServer::start("").await;
    for (body, error) in [
        (json!({"text": "你好", "format": "m4a"}), "not_supported"),
        (json!({"text": "你好", "format": "ogg"}), "unknown_value"),
        (json!({"text": "你好", "format": "WAV"}), "unknown_value"),
        (json!({"text": "你好", "format": 3}), "wrong_type"),
    ] {
        let refused = server.call("POST", "/v1/speech", body.clone()).await;
        assert_eq!(
            (refused.json["error"].as_str(), &refused.json["pointer"]),
            (Some(error), &json!("/format"))
        );
        refused.assert_problem(400, error);
    }
    server.stop().await;
}

#[tokio::test]
async fn every_spelling_of_a_way_out_of_the_folder_is_no_clip() {
    let plain = TestServer::start("").await;
    let signed = TestServer::start("[audio]\nsigned_urls = true\n").await;
    let name = "0".repeat(38);
    for path in [
        "/audio/../node.key".to_owned(),
        "/audio/%2e%2e/node.key".to_owned(),
        "/audio/%2E%2E%2Fnode.key".to_owned(),
        "/audio/..%2f..%2fnode.key".to_owned(),
        "/audio/%252e%252e%252fnode.key".to_owned(),
        "/audio/..%5c..%5cnode.key".to_owned(),
        "/audio/..\\node.key".to_owned(),
        "/audio/%c0%ae%c0%ae/node.key".to_owned(),
        "/audio/%c0%ae%c0%ae%c0%afnode.key/x.mp3".to_owned(),
        "/audio/%e0%80%ae%e0%80%ae/node.mp3".to_owned(),
        "/audio/..;/node.key".to_owned(),
        "/audio/ab/../../../../etc/passwd".to_owned(),
        "/audio/ab/%2fetc%2fpasswd".to_owned(),
        "/audio/ab//etc/passwd".to_owned(),
        "/audio/%00/x.mp3".to_owned(),
        format!("/audio/00/{name}.mp3%00"),
        format!("/audio/00/{name}%00.mp3"),
        format!("/audio/00/{name}.mp3/"),
        format!("/audio/00/{name}.mp3%20"),
        format!("/audio/00/{name}.MP3"),
        format!("/audio/00/{name}.mp3.json"),
        format!("/audio/00/{name}.json"),
        format!("/audio/00/{}.mp3", "A".repeat(38)),
        format!("/audio/0/0{name}.mp3"),
        format!("/audio/00/{}.mp3", "0".repeat(5_000)),
        "/audio/canned/..%2f..%2fnode.key".to_owned(),
        "/audio/canned/%2fetc%2fpasswd".to_owned(),
        "/audio/silence/..%2f1.mp3".to_owned(),
        "/audio/silence/1.mp3%00".to_owned(),
        "/audio/silence/%31%2e%6d%70%34".to_owned(),
        "/audio/tmp/x.mp3".to_owned(),
    ] {
        for server in [&plain, &signed] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            let answer = raw(server.address, request.as_bytes()).await;
            let status = answer.split(' ').nth(1).unwrap_or_default();
            // Some spellings are refused before anybody looks what they name.
            assert!(matches!(status, "400" | "403" | "404" | "414"), "{path}: {answer}");
            assert!(!answer.contains("root:"), "{path}");
        }
    }
    plain.stop().await;
    signed.stop().await;
}

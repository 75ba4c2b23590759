//! A clip that is gone is made again of what the store remembers, whoever asks, and however many at one moment.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer, data_of, reply};

async fn fetch(server: &TestServer, url: &str) -> (u16, bytes::Bytes, String) {
    let clip = reply(server.request("GET", url)).await;
    let etag = clip.header("etag").to_owned();
    (clip.status, clip.bytes, etag)
}

/// Stops the server and takes away every clip and part it has kept.
async fn lose_everything(server: TestServer) -> tempfile::TempDir {
    let folder = server.stop().await;
    std::fs::remove_dir_all(data_of(folder.path()).join("clips")).unwrap();
    folder
}

#[tokio::test]
async fn a_clip_comes_back_after_its_folder_was_emptied() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let mut urls = Vec::new();
    for text in ["今日有雨，注意安全", "取餐码8607"] {
        let target = json!({"riders": ["r1"]});
        server.post_event(json!({"kind": "announcement", "target": target, "alert": {"text": text}})).await;
        urls.push(rider.alert().await["audio"]["url"].as_str().unwrap().to_owned());
    }
    for format in ["mp3", "wav"] {
        let asked = json!({"text": "听得到吗", "format": format});
        let spoken = server.done("POST", "/v1/speech", asked).await;
        urls.push(spoken["url"].as_str().unwrap().to_owned());
    }
    let street: Vec<String> =
        urls.iter().map(|url| url.replace(".mp3", "-street.mp3").replace(".wav", "-street.wav")).collect();
    urls.extend(street);
    let mut before = Vec::new();
    for url in &urls {
        before.push(fetch(&server, url).await);
    }
    assert!(before.iter().all(|(status, ..)| *status == 200), "{urls:?}");
    drop(rider);
    let folder = lose_everything(server).await;

    let server = TestServer::start_in(folder, "").await;
    for (url, (status, bytes, _)) in urls.iter().zip(&before) {
        let (again, remade, _) = fetch(&server, url).await;
        assert_eq!((again, remade.len()), (*status, bytes.len()), "{url}");
    }
    server.stop().await;
}

#[tokio::test]
async fn hundreds_who_ask_at_one_moment_have_it_made_once() {
    let server = TestServer::start("").await;
    let spoken = server.done("POST", "/v1/speech", json!({"text": "今日有雨，注意安全"})).await;
    let url = spoken["url"].as_str().unwrap().to_owned();
    let folder = lose_everything(server).await;
    let server = TestServer::start_in(folder, "").await;
    let fetched = join_all((0..200).map(|_| fetch(&server, &url))).await;
    let (_, first, _) = &fetched[0];
    assert!(fetched.iter().all(|(status, bytes, _)| *status == 200 && bytes == first));
    let asked = server.metric("orderbell_speech_parts_total{engine=\"espeak-ng\",result=\"made\"}").await;
    assert_eq!(asked, 1, "{}", server.metrics().await);
    server.stop().await;
}

#[tokio::test]
async fn a_name_that_nobody_was_told_is_not_found() {
    let server = TestServer::start("").await;
    let name = "0".repeat(38);
    for path in [
        format!("/audio/00/{name}.mp3"),
        format!("/audio/00/{name}-street.mp3"),
        format!("/audio/00/{name}-street-street.mp3"),
        format!("/audio/00/{name}-loud.mp3"),
        format!("/audio/00/{name}-street.m4a"),
        "/audio/canned/zh-CN-order_new-street.mp3".to_owned(),
    ] {
        reply(server.request("GET", &path)).await.assert_problem(404, "not_found");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_clip_of_another_voice_than_there_is_now_is_not_found() {
    let server = TestServer::start("").await;
    let spoken = server.done("POST", "/v1/speech", json!({"text": "今日有雨，注意安全"})).await;
    let folder = lose_everything(server).await;
    let server = TestServer::start_in(folder, "[speech]\nespeak = \"/nonexistent/espeak-ng\"\n").await;
    let (status, ..) = fetch(&server, spoken["url"].as_str().unwrap()).await;
    assert_eq!(status, 404);
    let refused = server.call("POST", "/v1/speech", json!({"text": "今日有雨，注意安全"})).await;
    assert_eq!((refused.status, &refused.json["data"]), (503, &Value::Null));
    server.stop().await;
}

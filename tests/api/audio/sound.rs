//! ffmpeg listens to what was fetched over HTTP: its length, its loudness, its silence.

use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{RiderSocket, TestServer, reply};

/// Runs a tool that must succeed; what it wrote to both of its outputs.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().expect("install ffmpeg to run these tests");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{program}: {text}");
    text
}

/// The number behind a label in ffmpeg's last report.
fn number(report: &str, label: &str) -> f64 {
    let rest = report.rsplit_once(label).unwrap_or_else(|| panic!("no {label} in {report}")).1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

/// That a clip sounds as the server says it does.
async fn assert_heard(server: &TestServer, audio: &Value) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("clip.mp3");
    let clip = reply(server.request("GET", audio["url"].as_str().unwrap())).await;
    assert_eq!(clip.status, 200);
    std::fs::write(&file, &clip.bytes).unwrap();
    let path = file.to_str().unwrap();

    let entries = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path];
    let probed_ms = run("ffprobe", &entries).trim().parse::<f64>().unwrap() * 1000.0;
    let told_ms = audio["duration_ms"].as_f64().unwrap();
    assert!((probed_ms - told_ms).abs() <= 30.0, "{probed_ms} for {told_ms}");
    let decoded = run("ffmpeg", &["-v", "error", "-xerror", "-i", path, "-f", "null", "-"]);
    assert_eq!(decoded, "", "decoded without a complaint");

    let ends_ms = told_ms - audio["tail_ms"].as_f64().unwrap();
    let filter = |part: &str| run("ffmpeg", &["-nostats", "-i", path, "-af", part, "-f", "null", "-"]);
    let sentence = filter(&format!("atrim=end={ends_ms}ms,volumedetect"));
    assert!(number(&sentence, "mean_volume:") > -35.0, "{sentence}");
    let tail = filter(&format!("atrim=start={}ms,volumedetect", ends_ms + 50.0));
    assert!(number(&tail, "max_volume:") < -80.0, "{tail}");
    let loudness = filter(&format!("atrim=end={ends_ms}ms,ebur128"));
    let lufs = number(&loudness, "I:");
    assert!((lufs + 16.0).abs() <= 2.5, "{lufs} LUFS");
}

#[tokio::test]
async fn a_sentence_is_as_long_and_as_loud_as_it_should_be() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for text in ["您有新的美团订单，张三面馆，距您一点二公里，请及时接单", "订单尾号8607已取消，请不要取餐"]
    {
        let target = json!({"riders": ["r1"]});
        server.post_event(json!({"kind": "order.new", "target": target, "alert": {"text": text}})).await;
        assert_heard(&server, &rider.alert().await["audio"]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_canned_clip_is_too() {
    let server = TestServer::start("[speech]\nespeak = \"/nonexistent/espeak-ng\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for (kind, lang) in [("order.new", "zh-CN"), ("order.cancelled", "yue"), ("order.assigned", "en")] {
        let target = json!({"riders": ["r1"]});
        server.post_event(json!({"kind": kind, "target": target, "alert": {"lang": lang}})).await;
        assert_heard(&server, &rider.alert().await["audio"]).await;
    }
    server.stop().await;
}

//! ffmpeg listens to what was fetched over HTTP: its length, its loudness, its silence.

use serde_json::{Value, json};

use crate::support::{Ear, RiderSocket, TestServer, run};

/// That a clip sounds as the server says it does.
async fn assert_heard(server: &TestServer, audio: &Value) {
    let ear = Ear::of(server, audio).await;
    let path = &ear.path();

    let entries = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path];
    let probed_ms = run("ffprobe", &entries).trim().parse::<f64>().unwrap() * 1000.0;
    let told_ms = audio["duration_ms"].as_f64().unwrap();
    assert!((probed_ms - told_ms).abs() <= 30.0, "{probed_ms} for {told_ms}");
    let decoded = run("ffmpeg", &["-v", "error", "-xerror", "-i", path, "-f", "null", "-"]);
    assert_eq!(decoded, "", "decoded without a complaint");

    assert!(ear.volume(0.0, ear.ends_ms, "mean_volume:") > -35.0);
    assert!(ear.volume(ear.ends_ms + 50.0, told_ms, "max_volume:") < -80.0, "the tail is silent");
    let lufs = ear.loudness();
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

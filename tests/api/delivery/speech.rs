//! Every alert makes a sound: the sentence in time, else the canned clip now and the sentence as soon as it is there.

use serde_json::{Value, json};

use crate::support::{RiderSocket, TestServer, reply, slow_espeak};

/// That this clip can be fetched and is as long as it says.
async fn assert_sounds(server: &TestServer, audio: &Value) {
    let clip = reply(server.request("GET", audio["url"].as_str().unwrap())).await;
    assert_eq!((clip.status, clip.header("content-type")), (200, "audio/mpeg"), "{audio}");
    assert_eq!(audio["bytes"], clip.bytes.len());
}

#[tokio::test]
async fn a_late_sentence_follows_the_canned_clip() {
    let folder = tempfile::TempDir::new().unwrap();
    let espeak = slow_espeak(folder.path(), 2);
    let changes = format!(
        "[speech]\nbudget = \"100ms\"\nengine_timeout = \"15s\"\nespeak = \"{}\"\n",
        espeak.display()
    );
    let server = TestServer::start_in(folder, &changes).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let id = server.alert_for("r1", "order.new").await;
    let alert = rider.alert().await;
    let canned = &alert["audio"];
    assert!(canned["url"].as_str().unwrap().starts_with("/audio/canned/"), "{canned}");
    assert!(server.now_ms() - alert["created_at"].as_i64().unwrap() < 2_000, "it did not wait for the voice");
    assert_sounds(&server, canned).await;
    assert_eq!(server.alert(&id).await["audio"]["canned"], true);

    let update = rider.op("update").await;
    assert_eq!(update["id"], id);
    assert!(!update["audio"]["url"].as_str().unwrap().starts_with("/audio/canned/"), "{update}");
    assert_sounds(&server, &update["audio"]).await;
    assert_eq!(server.alert(&id).await["audio"]["canned"], false);
    assert_eq!(server.metric("orderbell_speech_fallbacks_total{cause=\"late\"}").await, 1);

    server.alert_for("r1", "order.new").await;
    assert_eq!(rider.alert().await["audio"]["url"], update["audio"]["url"], "the second time it is there");
    server.stop().await;
}

#[tokio::test]
async fn without_any_engine_every_kind_has_its_canned_clip() {
    let server = TestServer::start("[speech]\nespeak = \"/nonexistent/espeak-ng\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let kinds =
        ["order.new", "order.assigned", "order.cancelled", "order.paid", "announcement", "device.test"];
    for kind in kinds {
        let id = server.alert_for("r1", kind).await;
        let alert = rider.alert().await;
        assert_eq!(alert["id"], id);
        let audio = &alert["audio"];
        assert!(audio["url"].as_str().unwrap().starts_with("/audio/canned/"), "{kind}: {audio}");
        assert_sounds(&server, audio).await;
    }
    let refused = server.call("POST", "/v1/speech", json!({"text": "你好"})).await;
    refused.assert_problem(503, "unavailable");
    server.stop().await;
}

#[tokio::test]
async fn a_text_nobody_can_say_still_rings() {
    let server = TestServer::start("").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for text in [
        "<speak>您有<audio src=\"/etc/passwd\"/>新订单</speak>",
        "-f/etc/passwd --compile=x",
        "[[h@]] $(id) `id` ;rm",
        "🛵🛵 送餐 \u{202e}ltr\u{202c}",
        &"9".repeat(120),
    ] {
        let target = json!({"riders": ["r1"]});
        server.post_event(json!({"kind": "announcement", "target": target, "alert": {"text": text}})).await;
        let alert = rider.alert().await;
        // Marks that would turn the rider's screen around are left out.
        assert_eq!(alert["text"], text.replace(['\u{202e}', '\u{202c}'], ""));
        assert_sounds(&server, &alert["audio"]).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_sentence_that_is_made_already_waits_for_no_sweep() {
    let server = TestServer::start("[dispatch]\nsweep = \"300s\"").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    for _ in 0..5 {
        let id = server.alert_for("r1", "device.test").await;
        assert_eq!(rider.alert().await["id"], id);
    }
    server.stop().await;
}

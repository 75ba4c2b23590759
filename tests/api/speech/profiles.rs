//! Profiles: a rider on the street is sent to clips of their own, which begin with a lead-in and are louder.

use serde_json::{Value, json};

use crate::support::{Ear, RiderSocket, TestServer, reply};

/// What a street clip is longer by, in milliseconds: the lead-in that wakes a helmet.
const LEAD_IN_MS: i64 = 408;

fn number(audio: &Value, member: &str) -> i64 {
    audio[member].as_i64().unwrap()
}

/// That both of its clips can be fetched, the one as long as it says.
async fn assert_fetched(server: &TestServer, audio: &Value) {
    let clip = reply(server.request("GET", audio["url"].as_str().unwrap())).await;
    assert_eq!((clip.status, json!(clip.bytes.len())), (200, audio["bytes"].clone()), "{audio}");
    let fallback = reply(server.request("GET", audio["fallback_url"].as_str().unwrap())).await;
    assert_eq!((fallback.status, fallback.header("content-type")), (200, "audio/mpeg"), "{audio}");
}

#[tokio::test]
async fn a_rider_on_the_street_hears_a_clip_of_their_own() {
    let server = TestServer::start("").await;
    let described = server.done("PUT", "/v1/riders/r2", json!({"sound_profile": "street"})).await;
    assert_eq!(described["sound_profile"], "street");
    let mut plain = RiderSocket::connect(&server, "r1").await;
    let mut street = RiderSocket::connect(&server, "r2").await;
    let target = json!({"riders": ["r1", "r2"]});
    server
        .post_event(
            json!({"kind": "announcement", "target": target, "alert": {"text": "今日有雨，注意安全"}}),
        )
        .await;
    let (plain, street) = (plain.alert().await["audio"].clone(), street.alert().await["audio"].clone());
    let stem = plain["url"].as_str().unwrap().strip_suffix(".mp3").unwrap();
    assert_eq!(street["url"].as_str().unwrap(), format!("{stem}-street.mp3"));
    assert!(street["fallback_url"].as_str().unwrap().ends_with("-street.mp3"));
    assert_eq!(number(&street, "duration_ms"), number(&plain, "duration_ms") + LEAD_IN_MS);
    assert_eq!(number(&street, "tail_ms"), number(&plain, "tail_ms"));
    for audio in [&plain, &street] {
        assert_fetched(&server, audio).await;
    }
    let (near, far) = (Ear::of(&server, &plain).await, Ear::of(&server, &street).await);
    assert!(far.volume(0.0, 390.0, "max_volume:") < -80.0, "the lead-in is silent");
    assert!(far.loudness() > near.loudness() + 2.5, "{} and {}", far.loudness(), near.loudness());
    let ranged =
        reply(server.request("GET", street["url"].as_str().unwrap()).header("range", "bytes=0-99")).await;
    assert_eq!((ranged.status, ranged.bytes.len()), (206, 100));
    let near = reply(server.request("HEAD", plain["url"].as_str().unwrap())).await;
    let far = reply(server.request("HEAD", street["url"].as_str().unwrap())).await;
    assert_ne!(near.header("etag"), far.header("etag"));
    server.stop().await;
}

#[tokio::test]
async fn the_rider_goes_before_the_app_and_the_app_before_the_server() {
    let server = TestServer::start("[speech]\nprofile = \"street\"\n").await;
    let heard = async |rider: &str| {
        let mut socket = RiderSocket::connect(&server, rider).await;
        server.alert_for(rider, "device.test").await;
        socket.alert().await["audio"]["url"].as_str().unwrap().contains("-street")
    };
    assert!(heard("r1").await, "the server's");
    server.done("PUT", "/v1/settings", json!({"speech": {"profile": "plain"}})).await;
    assert!(!heard("r2").await, "the app's");
    server.done("PUT", "/v1/riders/r3", json!({"sound_profile": "street"})).await;
    assert!(heard("r3").await, "the rider's");
    let kept = server.done("PUT", "/v1/riders/r3", json!({"on_duty": true})).await;
    assert_eq!(kept["sound_profile"], "street", "what is not named stays");
    let cleared = server.done("PUT", "/v1/riders/r3", json!({"sound_profile": null})).await;
    assert_eq!(cleared["sound_profile"], Value::Null);
    assert!(!heard("r3").await, "the app's again, with the next session");
    server
        .call("PUT", "/v1/riders/r3", json!({"sound_profile": "loud"}))
        .await
        .assert_problem(400, "unknown_value");

    let wish = |profile: &str| json!({"text": "今日有雨", "profile": profile});
    let plain = server.done("POST", "/v1/speech", wish("plain")).await;
    let street = server.done("POST", "/v1/speech", wish("street")).await;
    assert_eq!(number(&street, "duration_ms"), number(&plain, "duration_ms") + LEAD_IN_MS);
    assert_eq!(server.done("POST", "/v1/speech", json!({"text": "今日有雨"})).await["url"], plain["url"]);
    for profile in ["plain", "street"] {
        let wish = json!({"text": "今日有雨", "profile": profile, "format": "wav"});
        let spoken = server.done("POST", "/v1/speech", wish).await;
        let clip = reply(server.request("GET", spoken["url"].as_str().unwrap())).await;
        assert_eq!((clip.status, json!(clip.bytes.len())), (200, spoken["bytes"].clone()), "{profile}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_socket_a_rider_is_told_the_same() {
    let server = TestServer::start("").await;
    server.done("PUT", "/v1/riders/r1", json!({"sound_profile": "street"})).await;
    let id = server.alert_for("r1", "order.new").await;
    server.rendered(&id).await;
    let token = server.token("r1").await;
    let open = server.call_as(&token, "GET", "/v1/rider/alerts", Value::Null).await;
    let audio = &open.json["data"]["alerts"][0]["audio"];
    assert!(audio["url"].as_str().unwrap().ends_with("-street.mp3"), "{audio}");
    assert_fetched(&server, audio).await;
    server.stop().await;
}

#[tokio::test]
async fn a_canned_clip_is_there_for_the_street_as_well() {
    let server =
        TestServer::start("[speech]\nespeak = \"/nonexistent/espeak-ng\"\nprofile = \"street\"\n").await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    server.alert_for("r1", "order.new").await;
    let audio = rider.alert().await["audio"].clone();
    assert!(audio["url"].as_str().unwrap().starts_with("/audio/canned/"), "{audio}");
    assert_fetched(&server, &audio).await;
    server.stop().await;
}

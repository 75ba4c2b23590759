//! The command line as operators and scripts use it: what it prints, how it ends, and that it holds at once.

mod backup;
mod engines;
mod migrate;
mod speech;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Minter, Process, Reply, cli, client, data_of, eventually, reply};

/// Runs a command that must succeed; the lines it printed.
async fn told(folder: &TempDir, arguments: &[&str]) -> String {
    let output = cli(folder.path(), arguments).await;
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Runs a command that must fail; its exit code and its complaint.
async fn refused(folder: &TempDir, arguments: &[&str]) -> (i32, String) {
    let output = cli(folder.path(), arguments).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && !complaint.is_empty(), "{arguments:?}");
    assert!(!complaint.contains("panicked"), "{complaint}");
    (output.status.code().unwrap(), complaint)
}

async fn post(process: &Process, key: &str, id: &str) -> Reply {
    let event = json!({"id": id, "kind": "order.new", "target": {"riders": ["r1"]}});
    let request = client().post(format!("{}/v1/events", process.url)).bearer_auth(key);
    reply(request.json(&event)).await
}

#[tokio::test]
async fn one_folder_has_one_server_and_says_so() {
    let folder = TempDir::new().unwrap();
    let status = cli(folder.path(), &["status"]).await;
    assert_eq!(status.status.code(), Some(1));
    assert_eq!(String::from_utf8(status.stdout).unwrap().trim(), r#"{"running":false}"#);
    assert!(!data_of(folder.path()).exists(), "asking makes nothing");
    let (_, complaint) = refused(&folder, &["stop"]).await;
    assert!(complaint.contains("no server"), "{complaint}");

    let process = Process::serve(folder.path(), "").await;
    let healthy = reply(client().get(format!("{}/healthz", process.url))).await;
    assert_eq!(healthy.status, 200);
    let status: Value = serde_json::from_str(&told(&folder, &["status"]).await).unwrap();
    assert_eq!((&status["running"], &status["pid"]), (&json!(true), &json!(process.id())));
    assert_eq!(status["listen"], process.address().to_string());
    let (_, complaint) = refused(&folder, &["serve", "--listen", "127.0.0.1:0"]).await;
    assert!(complaint.contains("another server uses the data folder"), "{complaint}");

    let stopped: Value = serde_json::from_str(&told(&folder, &["stop"]).await).unwrap();
    assert_eq!(stopped["stopped"], process.id());
    assert_eq!(process.ended().await, 0);
    assert_eq!(cli(folder.path(), &["status"]).await.status.code(), Some(1));
}

#[tokio::test]
async fn a_server_that_died_leaves_a_folder_that_can_be_used() {
    let folder = TempDir::new().unwrap();
    Process::serve(folder.path(), "").await.kill().await;
    assert_eq!(cli(folder.path(), &["status"]).await.status.code(), Some(1));
    let process = Process::serve(folder.path(), "").await;
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn a_key_works_at_once_and_a_revoked_one_soon_no_more() {
    let folder = TempDir::new().unwrap();
    let before = told(&folder, &["keys", "create", "--name", "before", "--scopes", "ingest"]).await;
    let process = Process::serve(folder.path(), "").await;
    let key = told(&folder, &["keys", "create", "--name", "shop", "--scopes", "ingest,read"]).await;
    assert!(key.starts_with("obk_") && !key.contains(char::is_whitespace), "only the key: {key}");
    for (id, key) in [("e-1", &before), ("e-2", &key)] {
        assert_eq!(post(&process, key, id).await.status, 200, "{id}");
    }
    let list = told(&folder, &["keys", "list"]).await;
    assert!(list.contains("\"shop\"") && !list.contains(&key), "{list}");
    let (_, complaint) = refused(&folder, &["keys", "create", "--name", "shop", "--scopes", "read"]).await;
    assert!(complaint.contains("key"), "{complaint}");
    refused(&folder, &["keys", "create", "--name", "x", "--scopes", "everything"]).await;
    refused(&folder, &["keys", "revoke", "--name", "nobody"]).await;

    told(&folder, &["keys", "revoke", "--name", "shop"]).await;
    let revoked = std::time::Instant::now();
    eventually("the key is refused", async || {
        (post(&process, &key, "e-2").await.status == 401).then_some(())
    })
    .await;
    assert!(revoked.elapsed().as_secs() < 5, "{:?}", revoked.elapsed());
    assert_eq!(post(&process, &before, "e-1").await.status, 200, "the other one lives");
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn a_rotated_key_works_at_once_and_the_old_secret_soon_no_more() {
    let folder = TempDir::new().unwrap();
    let old = told(&folder, &["keys", "create", "--name", "shop", "--scopes", "ingest"]).await;
    let process = Process::serve(folder.path(), "").await;
    assert_eq!(post(&process, &old, "e-1").await.status, 200);
    let new = told(&folder, &["keys", "rotate", "--name", "shop"]).await;
    assert!(new.starts_with("obk_") && new != old && !new.contains(char::is_whitespace), "{new}");
    assert_eq!(
        [post(&process, &old, "e-1").await.status, post(&process, &new, "e-1").await.status],
        [200, 200]
    );
    let newest = told(&folder, &["keys", "rotate", "--name", "shop", "--grace-s", "0"]).await;
    let rotated = std::time::Instant::now();
    assert_eq!(post(&process, &newest, "e-1").await.status, 200, "at once");
    for ended in [&old, &new] {
        eventually("the old secret is refused", async || {
            (post(&process, ended, "e-1").await.status == 401).then_some(())
        })
        .await;
    }
    assert!(rotated.elapsed().as_secs() < 5, "{:?}", rotated.elapsed());
    let signing = told(&folder, &["keys", "rotate", "--name", "shop", "--signing"]).await;
    assert!(signing.starts_with("whsec_"), "{signing}");
    let list = told(&folder, &["keys", "list"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["secrets"].as_array().unwrap().len(), 2, "{list}");
    assert!(list["last_used_at"].is_string() && !list.to_string().contains(&signing[6..]), "{list}");
    refused(&folder, &["keys", "rotate", "--name", "nobody"]).await;
    refused(&folder, &["keys", "rotate", "--name", "shop", "--grace-s", "604801"]).await;
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn an_app_has_limits_and_secrets_of_its_own() {
    let folder = TempDir::new().unwrap();
    let id = told(&folder, &["apps", "create", "--name", "hk", "--lang", "yue"]).await;
    let limits = async |arguments: &[&str]| -> Value {
        let all = [&["apps", "limits", "--app", "hk"], arguments].concat();
        serde_json::from_str::<Value>(&told(&folder, &all).await).unwrap()["limits"].clone()
    };
    assert_eq!(
        limits(&["--events-per-s", "5", "--sessions", "0"]).await,
        json!({"events_per_s": 5, "sessions": 0})
    );
    assert_eq!(limits(&["--burst", "9"]).await, json!({"events_per_s": 5, "burst": 9, "sessions": 0}));
    assert_eq!(limits(&["--sessions", "default", "--events-per-s", "default"]).await, json!({"burst": 9}));
    let speech = limits(&["--speech-characters-per-day", "1000"]).await;
    assert_eq!(speech, json!({"burst": 9, "speech_characters_per_day": 1000}));
    let list = told(&folder, &["apps", "list"]).await;
    let listed: Value = serde_json::from_str(list.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&listed["id"], &listed["lang"], &listed["limits"]), (&json!(id), &json!("yue"), &speech));
    for wrong in [
        &["apps", "limits", "--app", "hk", "--burst", "many"][..],
        &["apps", "limits", "--app", "nobody"],
        &["apps", "create", "--name", "app_1"],
        &["apps", "create", "--name", "x", "--lang", "fr"],
        &["apps", "rotate-secret", "--kind", "bearer"],
    ] {
        refused(&folder, wrong).await;
    }
    let before = told(&folder, &["apps", "rider-secret", "--app", "hk"]).await;
    let rider = told(&folder, &["apps", "rotate-secret", "--kind", "rider", "--app", "hk"]).await;
    assert_ne!(before, rider);
    assert_eq!(told(&folder, &["apps", "rider-secret", "--app", "hk"]).await, rider);
    let callback = told(&folder, &["apps", "rotate-secret", "--kind", "callback", "--app", "hk"]).await;
    assert!(callback.starts_with("whsec_"), "{callback}");
}

#[tokio::test]
async fn an_app_has_its_own_keys_tokens_and_rider_secret() {
    let folder = TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "").await;
    let app = told(&folder, &["apps", "create", "--name", "other"]).await;
    assert!(app.starts_with("app_"), "{app}");
    refused(&folder, &["apps", "create", "--name", "other"]).await;
    refused(&folder, &["apps", "create", "--name", "  "]).await;
    let apps = told(&folder, &["apps", "list"]).await;
    assert!(apps.contains("\"default\"") && apps.contains("\"other\""), "{apps}");
    let key = told(&folder, &["keys", "create", "--name", "k", "--scopes", "admin", "--app", "other"]).await;
    let posted = post(&process, &key, "e-1").await;
    let alert = &posted.json["data"]["alert_id"];

    let token = told(&folder, &["token", "--rider", "r1", "--app", "other", "--ttl-s", "60"]).await;
    let secret = told(&folder, &["apps", "rider-secret", "--app", "other"]).await;
    let now = jiff_now_s();
    let minted = Minter::with(&secret, &app, now).token("r1", &json!({}));
    let by_name = Minter::with(&secret, "other", now).token("r1", &json!({}));
    for token in [&token, &minted, &by_name] {
        let waiting = eventually("the alert waits for the rider", async || {
            let url = format!("{}/v1/rider/alerts", process.url);
            let waiting = reply(client().get(url).bearer_auth(token)).await;
            assert_eq!(waiting.status, 200, "{}", waiting.json);
            waiting.json["data"]["alerts"].get(0).cloned()
        });
        assert_eq!(&waiting.await["id"], alert);
    }
    let foreign = told(&folder, &["token", "--rider", "r1"]).await;
    let url = format!("{}/v1/rider/alerts", process.url);
    let nothing = reply(client().get(url).bearer_auth(foreign)).await;
    assert_eq!(nothing.json["data"]["alerts"], json!([]), "a rider of the same name in the default app");
    refused(&folder, &["token", "--rider", "r1", "--app", "nobody"]).await;
    refused(&folder, &["token", "--rider", "a b"]).await;
    assert_eq!(process.terminate().await, 0);
}

#[expect(clippy::disallowed_methods, reason = "a backend that mints tokens reads its own clock")]
fn jiff_now_s() -> i64 {
    jiff::Timestamp::now().as_second()
}

#[tokio::test]
async fn a_second_start_keeps_keys_tokens_and_data() {
    let folder = TempDir::new().unwrap();
    let key = told(&folder, &["keys", "create", "--name", "k", "--scopes", "admin"]).await;
    let process = Process::serve(folder.path(), "").await;
    let first = post(&process, &key, "e-1").await.json["data"].clone();
    let token = told(&folder, &["token", "--rider", "r1"]).await;
    assert_eq!(process.terminate().await, 0);
    let process = Process::serve(folder.path(), "").await;
    let again = post(&process, &key, "e-1").await.json["data"].clone();
    assert_eq!((&again["alert_id"], &again["duplicate"]), (&first["alert_id"], &json!(true)));
    let url = format!("{}/v1/rider/alerts", process.url);
    assert_eq!(reply(client().get(url).bearer_auth(token)).await.status, 200);
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn a_configuration_is_checked_before_anything_else() {
    let folder = TempDir::new().unwrap();
    let defaults = told(&folder, &["config", "defaults"]).await;
    let file = folder.path().join("orderbell.toml");
    let path = file.to_str().unwrap();
    std::fs::write(&file, &defaults).unwrap();
    assert_eq!(
        told(&folder, &["config", "check", "--config", path]).await,
        r#"{"chain":["espeak-ng"],"engines":[],"ok":true,"remarks":[],"secrets_set":[]}"#
    );
    for wrong in ["[server]\ncolour = 1", "[rider]\nheartbeat = \"soon\"", "[rider", "[rider]\nwindow = 0"] {
        std::fs::write(&file, wrong).unwrap();
        for command in [&["config", "check"][..], &["serve"], &["status"], &["token", "--rider", "r1"]] {
            let (code, complaint) = refused(&folder, &[command, &["--config", path]].concat()).await;
            assert_eq!(code, 78, "{wrong}: {complaint}");
        }
    }
    assert_eq!(refused(&folder, &["serve", "--config", "/nonexistent.toml"]).await.0, 78);
    assert!(!data_of(folder.path()).exists());
}

#[tokio::test]
async fn a_wrong_command_is_explained() {
    let folder = TempDir::new().unwrap();
    for wrong in [&["sing"][..], &[], &["keys", "create"], &["serve", "--listen", "everywhere"]] {
        assert_eq!(refused(&folder, wrong).await.0, 2, "{wrong:?}");
    }
}

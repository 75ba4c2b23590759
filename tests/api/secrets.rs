//! The secrets of an app: what signs rider tokens goes on through its grace, and no secret is ever shown twice.

use orderbell::domain::app::{KeyMode, Scope};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Minter, Process, TestServer, cli, client, data_of, eventually, log_of, reply};

#[tokio::test]
async fn a_token_signed_with_the_old_secret_is_good_through_its_grace() {
    let server = TestServer::start("").await;
    let app = server.app("default").await.app.id.to_string();
    let old = Minter::of(&server, "default").await;
    let listed = async || server.done("GET", "/v1/secrets", Value::Null).await["secrets"].clone();
    let kinds = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&listed().await), ["rider", "callback"]);
    let rotate = async |grace_s: i64| {
        server.done("POST", "/v1/secrets/rider/rotate", json!({"grace_s": grace_s})).await["secret"].clone()
    };
    let status = async |minter: &Minter| {
        let token = minter.token("r1", &json!({}));
        reply(server.request("GET", "/v1/rider/alerts").bearer_auth(token)).await.status
    };
    let shown = rotate(1).await;
    let new = Minter::with(shown.as_str().unwrap(), &app, server.now_ms() / 1000);
    assert_eq!((status(&old).await, status(&new).await), (200, 200));
    let list = listed().await;
    assert_eq!(kinds(&list), ["rider", "rider", "callback"]);
    assert_eq!((&list[0]["until"], list[1]["until"].is_string()), (&Value::Null, true));
    assert!(!list.to_string().contains(shown.as_str().unwrap()));
    eventually("the grace ends", async || (status(&old).await == 401).then_some(())).await;
    assert_eq!(status(&new).await, 200);
    let newest = Minter::with(rotate(0).await.as_str().unwrap(), &app, server.now_ms() / 1000);
    assert_eq!((status(&new).await, status(&newest).await), (401, 200), "at once");
    assert_eq!(kinds(&listed().await), ["rider", "callback"]);
    server.stop().await;
}

#[tokio::test]
async fn who_may_have_a_new_secret() {
    let server = TestServer::start("").await;
    let callbacks = server.key_with(&[Scope::Callbacks]).await;
    let rotate = async |key: &str, kind: &str, body: Value| {
        server.call_as(key, "POST", &format!("/v1/secrets/{kind}/rotate"), body).await
    };
    let made = rotate(&callbacks, "callback", json!({})).await;
    assert_eq!(made.status, 200, "{}", made.json);
    assert!(made.json["data"]["secret"].as_str().unwrap().starts_with("whsec_"));
    let refused = rotate(&callbacks, "rider", json!({})).await;
    refused.assert_problem(403, "missing_scope");
    assert!(refused.json["detail"].as_str().unwrap().contains("admin"));
    rotate(&server.key, "bearer", json!({})).await.assert_problem(404, "not_found");
    for (body, error) in [
        (json!({"grace_s": -1}), "out_of_range"),
        (json!({"grace_s": 604_801}), "out_of_range"),
        (json!({"grace_s": "1"}), "wrong_type"),
        (json!({"grace": 1}), "unknown_member"),
    ] {
        rotate(&server.key, "rider", body).await.assert_problem(400, error);
    }
    let app = server.app("default").await.app.id;
    let test = server.accounts().create_key(app, "test", vec![Scope::Admin], KeyMode::Test).await.unwrap();
    rotate(&test.secret, "rider", json!({})).await.assert_problem(403, "test_key");
    server.stop().await;
}

/// Everything in the folder of a test but the tools' own configuration, as bytes.
fn kept_in(folder: &TempDir) -> Vec<u8> {
    let data = data_of(folder.path());
    let files = std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[tokio::test]
async fn no_secret_is_kept_logged_or_shown_again() {
    let folder = TempDir::new().unwrap();
    let operator = "0p3rat0r-canary-0p3rat0r";
    let config = format!("[log]\nfilter = \"trace\"\n[secrets]\noperator_key = \"{operator}\"\n");
    let process = Process::serve(folder.path(), &config).await;
    let call = async |method: &str, path: &str, key: &str, body: Value| {
        let request =
            client().request(method.parse().unwrap(), format!("{}{path}", process.url)).bearer_auth(key);
        let done = reply(if body.is_null() { request } else { request.json(&body) }).await;
        assert_eq!(done.status, 200, "{method} {path}: {}", done.json);
        done.json["data"].clone()
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let app = call("POST", "/v1/apps", operator, json!({"name": "canary"})).await;
    let admin = text(&app["secret"]);
    let made = json!({"name": "hook", "scopes": ["ingest"], "signing": true});
    let made = call("POST", "/v1/keys", &admin, made).await;
    let id = text(&made["key_id"]);
    let rotated = call("POST", &format!("/v1/keys/{id}/rotate"), &admin, json!({})).await;
    let signing = call("POST", &format!("/v1/keys/{id}/signing/rotate"), &admin, json!({})).await;
    let rider = call("POST", "/v1/secrets/rider/rotate", &admin, json!({})).await;
    let callback = call("POST", "/v1/secrets/callback/rotate", &admin, json!({})).await;
    let by_hand =
        cli(folder.path(), &["keys", "rotate", "--name", "hook", "--app", "canary", "--signing"]).await;
    let secrets = [
        operator.to_owned(),
        admin.clone(),
        text(&made["secret"]),
        text(&made["signing_secret"]),
        text(&rotated["secret"]),
        text(&signing["signing_secret"]),
        text(&rider["secret"]),
        text(&callback["secret"]),
        String::from_utf8(by_hand.stdout).unwrap().trim().to_owned(),
    ];
    let mut shown = String::new();
    for path in ["/v1/keys", "/v1/secrets", "/v1/app", "/v1/settings"] {
        shown += &call("GET", path, &admin, Value::Null).await.to_string();
    }
    for path in ["/v1/apps".to_owned(), format!("/v1/apps/{}", text(&app["id"]))] {
        shown += &call("GET", &path, operator, Value::Null).await.to_string();
    }
    assert_eq!(process.terminate().await, 0);
    let (kept, log) = (kept_in(&folder), log_of(folder.path()));
    assert!(kept.len() > 10_000 && log.len() > 1_000);
    for secret in &secrets {
        assert!(secret.len() >= 24, "{secret}");
        let bare = secret.trim_start_matches("whsec_").trim_start_matches("obk_");
        assert!(!shown.contains(bare) && !log.contains(bare), "shown or logged");
        assert!(!holds(&kept, bare), "in the data folder");
    }
    // Nor as the bytes they stand for.
    for secret in [&secrets[3], &secrets[5], &secrets[7]] {
        let bytes = crate::support::bytes_of(secret);
        assert!(!kept.windows(bytes.len()).any(|window| window == bytes));
    }
}

//! What a URL of a backend holds stays between it and us: no path and no query of it is logged, however it fails.

use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Backend, Process, QUICK, cli, client, eventually, log_of, reply};

#[tokio::test]
async fn no_path_and_no_query_of_a_target_is_logged() {
    let folder = TempDir::new().unwrap();
    let backend = Backend::start(500, &Value::Null, Duration::ZERO).await;
    let config =
        format!("{QUICK}retries = [\"10ms\"]\nurgent_retries = [\"10ms\"]\n[log]\nfilter = \"debug\"\n");
    let process = Process::serve(folder.path(), &config).await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "callbacks"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let http = client();
    let call = async |method: &str, path: &str, body: Value| {
        let url = format!("{}{path}", process.url);
        let request = http.request(method.parse().unwrap(), url).bearer_auth(&key);
        let request = if body.is_null() { request } else { request.json(&body) };
        reply(request).await.json["data"].take()
    };
    let refused = json!({"url": "https://169.254.169.254/canary-path?key=canary-query"});
    assert_eq!(call("POST", "/v1/callbacks/targets", refused).await, Value::Null);
    for url in [
        backend.url("/canary-path?key=canary-query"),
        "http://127.0.0.1:1/canary-path?key=canary-query".to_owned(),
    ] {
        let target = call("POST", "/v1/callbacks/targets", json!({"url": url})).await;
        let target = target["target_id"].as_str().unwrap();
        let tested = call("POST", &format!("/v1/callbacks/targets/{target}/test"), Value::Null).await;
        let path = format!("/v1/callbacks/{}", tested["callback_id"].as_str().unwrap());
        eventually("it is given up", async || {
            (call("GET", &path, Value::Null).await["state"] == "dead").then_some(())
        })
        .await;
    }
    assert_eq!(process.terminate().await, 0);
    let log = log_of(folder.path());
    assert!(log.contains("callback.id"), "what was given up is told by its id: {log}");
    assert!(!log.contains("canary"), "{log}");
}

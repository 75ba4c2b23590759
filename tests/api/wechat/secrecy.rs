//! No line of the log and no answer has a secret, a code, a token or a person's id, however it goes.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{APPID, OPENID, SECRET, TEMPLATE, config, wechat};
use crate::support::{Process, cli, client, eventually, log_of, reply};
use crate::wechat_double::{LOGIN, SEND, SESSION_KEY};

const UNIONID: &str = "uNionId-canary-000000000001";

#[tokio::test]
async fn nothing_of_a_sign_in_or_a_message_is_logged() {
    let (wechat, folder) = (wechat().await, TempDir::new().unwrap());
    let config = format!("{}[log]\nfilter = \"trace\"\n", config(&wechat));
    let process = Process::serve(folder.path(), &config).await;
    let made = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "admin"]).await;
    let key = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    let http = client();
    let call = async |credential: &str, method: &str, path: &str, body: Value| {
        let request = http.request(method.parse().unwrap(), format!("{}{path}", process.url));
        let request = if credential.is_empty() { request } else { request.bearer_auth(credential) };
        reply(request.json(&body)).await.json["data"].take()
    };
    let sign_in = async |code: &str| call("", "POST", "/v1/wechat/login", json!({"code": code})).await;
    for code in ["code-canary-1", "code-canary-2"] {
        wechat.add_code(code, APPID, OPENID, Some(UNIONID));
    }
    let link = sign_in("code-canary-1").await["link"].as_str().unwrap().to_owned();
    sign_in("code-canary-1").await;
    sign_in("code-canary-3").await;
    for code in [40226, 45011, 40125, -1] {
        wechat.refuse(LOGIN, code);
        sign_in("code-canary-4").await;
    }
    call(&key, "PUT", "/v1/riders/r1/wechat", json!({"link": link})).await;
    call(&key, "PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    call(&key, "PUT", "/v1/riders/r1/wechat", json!({"unionid": UNIONID})).await;
    let bound = sign_in("code-canary-2").await;
    let token = bound["token"].as_str().unwrap();
    wechat.consent(OPENID, TEMPLATE, 2);
    for _ in 0..2 {
        call(token, "POST", "/v1/rider/subscriptions", json!({"results": {TEMPLATE: "accept"}})).await;
    }
    wechat.refuse(SEND, 40001);
    let event = json!({"kind": "order.assigned", "target": {"riders": ["r1"]}});
    call(&key, "POST", "/v1/events", event.clone()).await;
    eventually("the message is out", async || (wechat.messages().len() == 1).then_some(())).await;
    wechat.refuse(SEND, 47003);
    call(&key, "POST", "/v1/events", event).await;
    eventually("the other is refused", async || (wechat.asked(SEND) == 3).then_some(())).await;
    assert_eq!(process.terminate().await, 0);
    let log = log_of(folder.path());
    assert!(log.contains("WeChat refuses a call."), "{log}");
    let letters = link.replace('-', "");
    for secret in
        [SECRET, OPENID, UNIONID, SESSION_KEY, "code-canary", "access-token_", token, &link, &letters]
    {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret} is in the log: {lines:?}");
    }
}

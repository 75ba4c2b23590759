//! Riders in WeChat, beside a WeChat that answers as its documentation says: signing in, being linked, and the messages that
//! reach whom nothing else reaches.

mod failures;
mod linking;
mod messages;
mod secrecy;
mod signing_in;
mod subscriptions;

use serde_json::{Value, json};

use crate::support::{QUICK, Reply, TestServer, reply};
use crate::wechat_double::Wechat;

pub(crate) const APPID: &str = "wx0123456789abcdef";
const OTHER_APPID: &str = "wxfedcba9876543210";
pub(crate) const SECRET: &str = "5ecre75ecre75ecre75ecre75ecre7aa";
const TEMPLATE: &str = "tmpl-0rder-Unheard_1";
const OPENID: &str = "oAbCdEfGhIjKlMnOpQrStUvWxYz1";

/// A program that sends messages, with these members besides.
fn program(name: &str, appid: &str, more: &str) -> String {
    format!(
        "[wechat.programs.{name}]\nappid = '{appid}'\nsecret = '{SECRET}'\nsubscribe = true\n\
        template = '{TEMPLATE}'\npage = 'pages/duty/duty'\nlang = 'zh_CN'\nstate = 'trial'\n\
        fields = {{ thing1 = '{{title}}', character_string2 = '{{short_no}}', time3 = '{{time}}', thing4 = '{{merchant}}的单', \
        phrase5 = '请接单' }}\n{more}\n"
    )
}

/// A quick server with one program, which sends messages at once.
fn config(wechat: &Wechat) -> String {
    config_with(wechat, "", &program("riders", APPID, ""))
}

fn config_with(wechat: &Wechat, section: &str, programs: &str) -> String {
    format!("{QUICK}[wechat]\napi_url = '{}'\nmessage_wait = '0s'\n{section}\n{programs}", wechat.url())
}

/// A WeChat that knows the program, its template and a person.
async fn wechat() -> Wechat {
    let wechat = Wechat::with(APPID, SECRET).await;
    wechat.add_template(TEMPLATE, &["thing1", "character_string2", "time3", "thing4", "phrase5"]);
    wechat
}

async fn both() -> (Wechat, TestServer) {
    let wechat = wechat().await;
    let server = TestServer::start(&config(&wechat)).await;
    (wechat, server)
}

/// Signs in with this body, without any credential.
async fn sign_in(server: &TestServer, body: &Value) -> Reply {
    reply(server.request("POST", "/v1/wechat/login").json(body)).await
}

/// Signs somebody in who must be let in; its `data`.
async fn signed_in(server: &TestServer, code: &str) -> Value {
    let mut told = sign_in(server, &json!({"code": code})).await;
    assert_eq!(told.status, 200, "{}", told.text());
    told.json["data"].take()
}

/// A rider who is the person with [`OPENID`], has signed in and agreed to so many messages; their token.
async fn agreed(wechat: &Wechat, server: &TestServer, rider: &str, times: u32) -> String {
    wechat.add_code("code-of-agreed", APPID, OPENID, None);
    server.done("PUT", &format!("/v1/riders/{rider}/wechat"), json!({"openid": OPENID})).await;
    let token = signed_in(server, "code-of-agreed").await["token"].as_str().unwrap().to_owned();
    wechat.consent(OPENID, TEMPLATE, times);
    for _ in 0..times {
        let body = json!({"results": {TEMPLATE: "accept"}});
        let told = server.call_as(&token, "POST", "/v1/rider/subscriptions", body).await;
        assert_eq!(told.status, 200, "{}", told.text());
    }
    token
}

/// How many messages a rider has left.
async fn banked(server: &TestServer, token: &str) -> u64 {
    let told = server.call_as(token, "GET", "/v1/rider/subscriptions", Value::Null).await;
    told.json["data"]["templates"][0]["banked"].as_u64().unwrap()
}

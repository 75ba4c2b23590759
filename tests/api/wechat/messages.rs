//! One consent becomes one message when nobody can hear an alert, and comes back where it was not needed.

use serde_json::{Value, json};

use super::{APPID, OPENID, SECRET, TEMPLATE, agreed, banked, both, config, config_with, program, wechat};
use crate::fake::Answer;
use crate::support::{RiderSocket, TestServer, eventually};
use crate::wechat_double::{SEND, TOKEN, Wechat};

fn order(rider: &str) -> Value {
    json!({"kind": "order.assigned", "target": {"riders": [rider]}, "occurred_at": "2026-03-01T04:55:00Z",
        "order": {"id": "MT-2026-17", "short_no": "17", "merchant": {"name": "一家名字特别特别长的四川正宗麻辣烫面馆"},
            "dropoff": {"area": "测试小区", "name": "王小明", "phone": "13800138000", "address": "3号楼2单元"},
            "note": "门铃坏了"}})
}

/// Waits for that many messages.
async fn messages(wechat: &Wechat, count: usize) -> Vec<Value> {
    eventually("WeChat has the messages", async || {
        let messages = wechat.messages();
        (messages.len() >= count).then_some(messages)
    })
    .await
}

/// Waits until that many tries had this result.
async fn result(server: &TestServer, word: &str, count: u64) {
    let line = format!("orderbell_wechat_messages_total{{result=\"{word}\"}}");
    eventually(&format!("{count} messages {word}"), async || {
        (server.metric(&line).await >= count).then_some(())
    })
    .await;
}

/// Waits until a rider has that many consents left.
async fn left(server: &TestServer, token: &str, count: u64) {
    eventually(&format!("{count} consents are left"), async || {
        (banked(server, token).await == count).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_consent_is_spent_on_the_message_that_wechat_takes() {
    let (wechat, server) = both().await;
    let token = agreed(&wechat, &server, "r1", 2).await;
    let posted = server.call("POST", "/v1/events", order("r1")).await;
    assert_eq!(posted.status, 200, "{}", posted.text());
    let alert = posted.json["data"]["alert_id"].as_str().unwrap();
    let sent = messages(&wechat, 1).await.remove(0);
    let title = server.alert(alert).await["title"].as_str().unwrap().to_owned();
    let at = sent["data"]["time3"]["value"].as_str().unwrap();
    assert!(at.contains('年') && at.contains(':'), "{at}");
    assert_eq!(
        sent,
        json!({
            "touser": OPENID, "template_id": TEMPLATE, "page": "pages/duty/duty",
            "miniprogram_state": "trial", "lang": "zh_CN",
            "data": {
                "thing1": {"value": title},
                "character_string2": {"value": "17"},
                "time3": {"value": at},
                "thing4": {"value": "一家名字特别特别长的四川正宗麻辣烫面馆…"},
                "phrase5": {"value": "请接单"},
            },
        })
    );
    for private in ["1380", "8000", "王小明", "测试小区", "3号楼", "门铃"] {
        assert!(!sent.to_string().contains(private), "{sent}");
    }
    result(&server, "sent", 1).await;
    assert_eq!(banked(&server, &token).await, 1);
    assert_eq!((wechat.asked(TOKEN), wechat.asked(SEND)), (1, 1));
    let asked = wechat.requests(TOKEN).remove(0);
    let body =
        json!({"grant_type": "client_credential", "appid": APPID, "secret": SECRET, "force_refresh": false});
    assert_eq!((asked.target.as_str(), asked.json()), (TOKEN, body));
    assert!(wechat.requests(SEND)[0].target.ends_with("?access_token=64_access-token_1"));
    // The second alert has the second consent, the third none.
    server.alert_for("r1", "order.urged").await;
    messages(&wechat, 2).await;
    server.alert_for("r1", "order.new").await;
    result(&server, "sent", 2).await;
    assert_eq!((banked(&server, &token).await, wechat.asked(TOKEN)), (0, 1));
    server.stop().await;
}

#[tokio::test]
async fn whoever_hears_it_gets_no_message() {
    let (wechat, server) = both().await;
    let token = agreed(&wechat, &server, "r1", 1).await;
    let mut socket = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    socket.send(json!({"op": "state", "audio": "playing"})).await;
    server.alert_for("r1", "order.assigned").await;
    socket.alert().await;
    assert_eq!((banked(&server, &token).await, wechat.asked(SEND)), (1, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_is_not_needed_any_more_gives_its_consent_back() {
    let wechat = wechat().await;
    let programs = program("riders", APPID, "");
    let config = config_with(&wechat, "", &programs).replace("message_wait = '0s'", "message_wait = '2s'");
    let server = TestServer::start(&config).await;
    let token = agreed(&wechat, &server, "r1", 1).await;
    let alert = server.alert_for("r1", "order.assigned").await;
    assert_eq!(banked(&server, &token).await, 0, "it is spent with the event");
    server.done("POST", &format!("/v1/alerts/{alert}/cancel"), Value::Null).await;
    result(&server, "not_needed", 1).await;
    left(&server, &token, 1).await;
    assert_eq!(wechat.asked(SEND), 0);
    server.stop().await;
}

#[tokio::test]
async fn whoever_never_agreed_is_believed() {
    for code in [43101, 40003] {
        let (wechat, server) = both().await;
        let token = agreed(&wechat, &server, "r1", 3).await;
        wechat.refuse(SEND, code);
        server.alert_for("r1", "order.assigned").await;
        result(&server, "no_consent", 1).await;
        left(&server, &token, 0).await;
        assert_eq!(wechat.asked(SEND), 1, "{code}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_token_that_has_ended_is_renewed_and_the_message_goes_out() {
    let (wechat, server) = both().await;
    agreed(&wechat, &server, "r1", 3).await;
    server.alert_for("r1", "order.assigned").await;
    messages(&wechat, 1).await;
    wechat.expire_tokens();
    server.alert_for("r1", "order.urged").await;
    messages(&wechat, 2).await;
    assert_eq!((wechat.asked(TOKEN), wechat.asked(SEND)), (2, 3));
    wechat.refuse(SEND, 40001);
    server.alert_for("r1", "order.new").await;
    messages(&wechat, 3).await;
    assert_eq!((wechat.asked(TOKEN), wechat.asked(SEND)), (3, 5));
    server.stop().await;
}

#[tokio::test]
async fn many_messages_ask_for_one_token() {
    let (wechat, server) = both().await;
    let riders: Vec<String> = (0..12).map(|n| format!("r{n}")).collect();
    for rider in &riders {
        let openid = format!("oPerson-{rider}");
        server.done("PUT", &format!("/v1/riders/{rider}/wechat"), json!({"openid": openid})).await;
        wechat.add_code(&format!("code-{rider}"), APPID, &openid, None);
        let token =
            super::signed_in(&server, &format!("code-{rider}")).await["token"].as_str().unwrap().to_owned();
        wechat.consent(&openid, TEMPLATE, 1);
        let body = json!({"results": {TEMPLATE: "accept"}});
        server.call_as(&token, "POST", "/v1/rider/subscriptions", body).await;
    }
    server.post_event(json!({"kind": "order.assigned", "target": {"riders": riders}})).await;
    messages(&wechat, 12).await;
    assert_eq!(wechat.asked(TOKEN), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_template_that_is_wrong_rests_and_nobody_pays_for_it() {
    for (path, code) in [(SEND, 47003), (SEND, 40037), (SEND, 41030), (TOKEN, 40125), (TOKEN, 40164)] {
        let (wechat, server) = both().await;
        let token = agreed(&wechat, &server, "r1", 3).await;
        wechat.refuse(path, code);
        server.alert_for("r1", "order.assigned").await;
        result(&server, "misconfigured", 1).await;
        let asked = wechat.asked(path);
        let before = banked(&server, &token).await;
        // While it rests nothing is spent and nothing is asked.
        server.alert_for("r1", "order.urged").await;
        assert_eq!((wechat.asked(path), banked(&server, &token).await), (asked, before), "{code}");
        assert!(wechat.messages().is_empty());
        server.stop().await;
    }
}

#[tokio::test]
async fn a_wechat_that_is_down_is_asked_again() {
    let (wechat, server) = both().await;
    let token = agreed(&wechat, &server, "r1", 1).await;
    for answer in [
        Answer::with(502, "text/html", "<html></html>"),
        Answer::Bytes(Vec::new()),
        Answer::json(200, &json!({"errcode": -1, "errmsg": "system error"})),
    ] {
        wechat.instead(SEND, answer);
    }
    server.alert_for("r1", "order.assigned").await;
    messages(&wechat, 1).await;
    assert_eq!((wechat.asked(SEND), banked(&server, &token).await), (4, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_restart_between_the_consent_and_the_message_loses_neither() {
    let wechat = wechat().await;
    let later = config(&wechat).replace("message_wait = '0s'", "message_wait = '3s'");
    let server = TestServer::start(&later).await;
    let token = agreed(&wechat, &server, "r1", 1).await;
    server.alert_for("r1", "order.assigned").await;
    assert_eq!((banked(&server, &token).await, wechat.asked(SEND)), (0, 0));
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, &config(&wechat)).await;
    messages(&wechat, 1).await;
    result(&server, "sent", 1).await;
    assert_eq!((wechat.asked(SEND), banked(&server, &token).await), (1, 0));
    server.stop().await;
}

#[tokio::test]
async fn a_switch_that_is_off_sends_nothing() {
    let wechat = wechat().await;
    let programs = program("riders", APPID, "").replace("subscribe = true", "subscribe = false");
    let server = TestServer::start(&config_with(&wechat, "", &programs)).await;
    wechat.add_code("c1", APPID, OPENID, None);
    server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    let rider = super::signed_in(&server, "c1").await;
    assert_eq!((&rider["status"], &rider["subscribe"]), (&json!("bound"), &Value::Null));
    server.alert_for("r1", "order.assigned").await;
    server.stop().await;
    assert_eq!((wechat.asked(TOKEN), wechat.asked(SEND)), (0, 0));
}

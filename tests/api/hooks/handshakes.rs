//! Senders that want something first: a token before they push, an echo before they trust the address, an answer in XML.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use super::fixture::{Fixture, hex};
use super::hook::TestHook;
use crate::support::{NO_CAP, RiderSocket, TestServer, reply};

#[tokio::test]
async fn crmeb_gets_a_token_and_pushes_with_it() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let wish = json!({"name": "crmeb", "preset": "crmeb", "params": {"account": "shop"},
        "secrets": {"secret": ["crmeb-demo-token"], "password": ["geheim"]},
        "profile": {"target": {"riders": ["r1"]}}});
    let hook = TestHook::make(&server, wish).await;
    let ask = async |account: &str, password: &str| {
        let body = json!({"push_account": account, "push_password": password});
        reply(server.request("POST", &format!("{}/token", hook.path())).json(&body)).await
    };
    let told = ask("shop", "geheim").await;
    assert_eq!((told.status, &told.json["code"]), (200, &json!(0)), "{}", told.text());
    let token = told.json["token"].as_str().unwrap().to_owned();
    assert!(told.json["time"].as_u64().is_some_and(|ttl| ttl >= 600), "{}", told.json);
    for (account, password) in [("shop", "falsch"), ("other", "geheim"), ("", "")] {
        let refused = ask(account, password).await;
        assert!(refused.json["code"] != 0 && refused.json.get("token").is_none(), "{}", refused.text());
    }

    let mut fixture = Fixture::load("28");
    fixture.query = format!("pushToken={token}");
    let told = hook.send_fixture(&fixture).await;
    assert_eq!((told.status, told.text()), (200, "{\"code\":0}".to_owned()));
    assert_eq!(rider.alert().await["kind"], "order.paid");
    fixture.query = format!("pushToken={token}x");
    assert!([401, 403].contains(&hook.send_fixture(&fixture).await.status));

    // A token of one hook opens no other.
    let wish = json!({"name": "crmeb2", "preset": "crmeb", "params": {"account": "shop"},
        "secrets": {"secret": ["crmeb-demo-token"], "password": ["geheim"]},
        "profile": {"target": {"riders": ["r1"]}}});
    let other = TestHook::make(&server, wish).await;
    fixture.query = format!("pushToken={token}");
    assert!([401, 403].contains(&other.send_fixture(&fixture).await.status));
    server.stop().await;
}

/// The query with which WeChat signs.
fn wechat_query(token: &str, more: &str) -> String {
    let mut parts = [token, "1772339420", "n0nce"];
    parts.sort_unstable();
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, parts.concat().as_bytes());
    let signature = hex(sha1.as_ref());
    format!("signature={signature}&timestamp=1772339420&nonce=n0nce{more}")
}

#[tokio::test]
async fn wechat_is_echoed_before_it_trusts_the_address() {
    let server = TestServer::start("").await;
    let hook = TestHook::of_preset(&server, "wechat", "wx-demo-token", "r1").await;
    let ask = async |query: String| reply(server.request("GET", &format!("{}?{query}", hook.path()))).await;
    let told = ask(wechat_query("wx-demo-token", "&echostr=5678901234")).await;
    assert_eq!((told.status, told.text()), (200, "5678901234".to_owned()));
    let forged = ask(wechat_query("another-token", "&echostr=5678901234")).await;
    assert!([401, 403].contains(&forged.status), "{}", forged.status);
    assert!(!forged.text().contains("5678901234"));
    assert!(hook.kept().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn wechat_may_speak_xml() {
    let server = TestServer::start(NO_CAP).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let hook = TestHook::of_preset(&server, "wechat", "wx-demo-token", "r1").await;
    let body = "<xml><ToUserName><![CDATA[gh_demo0000001]]></ToUserName>\
        <FromUserName><![CDATA[oDemoOpenid000001]]></FromUserName><CreateTime>1772339420</CreateTime>\
        <MsgType><![CDATA[event]]></MsgType><Event><![CDATA[update_waybill_status]]></Event>\
        <shopid><![CDATA[demo-shop]]></shopid><shop_order_id><![CDATA[M20260301000017]]></shop_order_id>\
        <waybill_id><![CDATA[WB00000017]]></waybill_id><action_time>1772339419</action_time>\
        <order_status>204</order_status><action_msg><![CDATA[骑手车辆故障]]></action_msg>\
        <shop_no><![CDATA[S001]]></shop_no></xml>";
    let path = format!("{}?{}", hook.path(), wechat_query("wx-demo-token", ""));
    let send = async || {
        let request = server.request("POST", &path).header("content-type", "text/xml; charset=utf-8");
        reply(request.body(body)).await
    };
    let told = send().await;
    assert_eq!(told.status, 200, "{}", told.text());
    for part in ["oDemoOpenid000001", "gh_demo0000001", "update_waybill_status"] {
        assert!(told.text().contains(part), "{}", told.text());
    }
    let alert = rider.alert().await;
    assert_eq!(
        (&alert["kind"], &alert["order_id"]),
        (&json!("delivery.exception"), &json!("M20260301000017"))
    );
    assert_eq!(send().await.bytes, told.bytes);
    rider.assert_no_alert().await;

    // The same with an entity of its own is refused whole.
    let bomb = "<!DOCTYPE xml [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><xml><Event>&b;</Event></xml>";
    let request = server.request("POST", &path).header("content-type", "text/xml");
    let refused = reply(request.body(bomb)).await;
    assert!((400..500).contains(&refused.status), "{}", refused.status);
    assert_eq!(hook.look().await["refusals"][0]["verdict"], "unreadable");
    server.stop().await;
}

#[tokio::test]
async fn who_only_looks_is_told_that_we_are_here() {
    let server = TestServer::start("").await;
    let hook =
        TestHook::plain(&server, "looked-at", json!({"ack": {"body": "ok", "content_type": "text/plain"}}))
            .await;
    for method in ["GET", "HEAD", "POST"] {
        let told = reply(server.request(method, &hook.path())).await;
        assert_eq!(told.status, 200, "{method}");
        assert_eq!(told.header("content-length"), "2", "{method}");
    }
    assert_eq!(hook.count("probe").await, 3);
    for method in ["PUT", "DELETE", "PATCH"] {
        let refused = reply(server.request(method, &hook.path())).await;
        refused.assert_problem(405, "method_not_allowed");
        assert!(refused.header("allow").contains("POST"), "{}", refused.header("allow"));
    }
    for path in ["/in/nothing", "/in/dada-aaaaaaaaaaaaaaaaaaaa", "/in/dada-aaaaaaaaaaaaaaaaaaaa/token"] {
        reply(server.request("POST", path).json(&Value::Null)).await.assert_problem(404, "not_found");
    }
    server.stop().await;
}

//! From a code of `wx.login` to a rider's token, or to a code to show.

use serde_json::{Value, json};

use super::{
    APPID, OPENID, OTHER_APPID, SECRET, TEMPLATE, both, config, config_with, program, sign_in, signed_in,
    wechat,
};
use crate::support::{RiderSocket, TestServer};
use crate::wechat_double::LOGIN;

#[tokio::test]
async fn whoever_is_nobody_shows_a_code_and_is_a_rider_when_it_is_linked() {
    let (wechat, server) = both().await;
    wechat.add_code("c1", APPID, OPENID, None);
    wechat.add_code("c2", APPID, OPENID, None);
    wechat.add_code("c3", APPID, OPENID, None);
    let nobody = signed_in(&server, "c1").await;
    assert_eq!(nobody["status"], "unbound");
    let old = nobody["link"].as_str().unwrap();
    assert_eq!((old.len(), &old[4..5]), (9, "-"), "{old}");
    assert!(nobody["token"].is_null());

    // A new sign-in gives a new code, and the old one is good no more.
    let again = signed_in(&server, "c2").await;
    let link = again["link"].as_str().unwrap();
    assert_ne!(link, old);
    let put = async |body: Value| server.call("PUT", "/v1/riders/r1/wechat", body).await;
    put(json!({"link": old})).await.assert_problem(404, "unknown_link");
    let typed = link.to_lowercase().replace('-', " ");
    let linked = put(json!({"link": typed})).await;
    assert_eq!(linked.status, 200, "{}", linked.text());
    put(json!({"link": link})).await.assert_problem(404, "unknown_link");

    let rider = signed_in(&server, "c3").await;
    assert_eq!((&rider["status"], &rider["rider"]), (&json!("bound"), &json!("r1")));
    assert_eq!(rider["subscribe"], json!({"template": TEMPLATE, "banked": 0}));
    // The token opens the socket.
    let token = rider["token"].as_str().unwrap();
    let mut socket = RiderSocket::hello(&server, json!({"token": token, "device": "phone"})).await;
    server.alert_for("r1", "order.new").await;
    socket.alert().await;
    server.stop().await;
}

#[tokio::test]
async fn wechat_is_asked_as_its_documentation_says() {
    let (wechat, server) = both().await;
    wechat.add_code("c-1_2", APPID, OPENID, None);
    signed_in(&server, "c-1_2").await;
    let asked = wechat.requests(LOGIN);
    assert_eq!(
        asked[0].target,
        format!(
            "/sns/jscode2session?appid={APPID}&secret={SECRET}&js_code=c-1_2&grant_type=authorization_code"
        )
    );
    assert!(asked[0].body.is_empty());
    assert_eq!(server.metric("orderbell_wechat_calls_total{call=\"login\",result=\"ok\"}").await, 1);
    server.stop().await;
}

#[tokio::test]
async fn a_code_is_used_once_and_must_be_good() {
    let (wechat, server) = both().await;
    wechat.add_code("c1", APPID, OPENID, None);
    signed_in(&server, "c1").await;
    for code in ["c1", "never-given"] {
        let told = sign_in(&server, &json!({"code": code})).await;
        told.assert_problem(400, "wechat_code");
        assert_eq!(told.json["pointer"], "/code");
        assert!(told.json["detail"].as_str().unwrap().contains("wx.login"));
    }
    let before = wechat.asked(LOGIN);
    // What can be no code costs no call.
    for code in ["a b", "a&secret=x", "你好", "a\u{2028}"] {
        sign_in(&server, &json!({"code": code})).await.assert_problem(400, "wechat_code");
    }
    for (body, error) in [
        (json!({}), "missing_member"),
        (json!({"code": ""}), "missing_member"),
        (json!({"code": 7}), "wrong_type"),
        (json!({"code": "x".repeat(129)}), "too_long"),
        (json!({"code": "x", "openid": OPENID}), "unknown_member"),
        (json!({"code": "x", "appid": "wx/../"}), "bad_value"),
        (json!([]), "wrong_type"),
    ] {
        sign_in(&server, &body).await.assert_problem(400, error);
    }
    sign_in(&server, &json!({"code": "x", "appid": OTHER_APPID})).await.assert_problem(404, "not_configured");
    assert_eq!(wechat.asked(LOGIN), before);
    server.stop().await;
}

#[tokio::test]
async fn without_a_program_there_is_nothing_to_sign_in_to() {
    let server = TestServer::start("").await;
    sign_in(&server, &json!({"code": "c"})).await.assert_problem(404, "not_configured");
    let put = server.call("PUT", "/v1/riders/r1/wechat", json!({"link": "ABCD-EFGH"})).await;
    put.assert_problem(404, "not_configured");
    let put = server.call("PUT", "/v1/riders/r1/wechat", json!({"openid": "o1"})).await;
    put.assert_problem(404, "not_configured");
    // What is kept from before can be seen, and goes.
    assert_eq!(server.done("GET", "/v1/riders/r1/wechat", Value::Null).await, json!({"identities": []}));
    assert_eq!(server.done("DELETE", "/v1/riders/r1/wechat", Value::Null).await, json!({"unlinked": 0}));
    let token = server.token("r1").await;
    let told = server.call_as(&token, "GET", "/v1/rider/subscriptions", Value::Null).await;
    assert_eq!(told.json["data"], json!({"templates": []}));
    server.stop().await;
}

#[tokio::test]
async fn an_app_that_is_not_made_yet_has_no_riders() {
    let wechat = wechat().await;
    let server =
        TestServer::start(&config_with(&wechat, "", &program("riders", APPID, "app = 'later'"))).await;
    wechat.add_code("c1", APPID, OPENID, None);
    sign_in(&server, &json!({"code": "c1"})).await.assert_problem(404, "not_configured");
    assert_eq!(wechat.asked(LOGIN), 0);
    server.accounts().create_app("later").await.unwrap();
    assert_eq!(signed_in(&server, "c1").await["status"], "unbound");
    server.stop().await;
}

#[tokio::test]
async fn an_address_signs_in_so_often_a_minute() {
    let wechat = wechat().await;
    let programs = program("riders", APPID, "");
    let server = TestServer::start(&config_with(&wechat, "logins_per_minute = 2", &programs)).await;
    for _ in 0..2 {
        sign_in(&server, &json!({"code": "bad"})).await.assert_problem(400, "wechat_code");
    }
    // What asks nobody counts for nothing.
    sign_in(&server, &json!({"code": "a b"})).await.assert_problem(400, "wechat_code");
    let told = sign_in(&server, &json!({"code": "bad"})).await;
    told.assert_problem(429, "too_many_requests");
    assert!((1..=31).contains(&told.header("retry-after").parse::<u32>().unwrap()));
    assert_eq!(wechat.asked(LOGIN), 2);
    server.stop().await;
}

#[tokio::test]
async fn several_programs_and_apps_are_told_apart() {
    let wechat = wechat().await;
    wechat.add_program(OTHER_APPID, SECRET);
    let third = "wx1111111111111111";
    wechat.add_program(third, SECRET);
    let programs = program("one", APPID, "")
        + &program("two", OTHER_APPID, "")
        + &program("three", third, "app = 'other'");
    let server = TestServer::start(&config_with(&wechat, "", &programs)).await;
    server.accounts().create_app("other").await.unwrap();
    let ambiguous = sign_in(&server, &json!({"code": "c"})).await;
    ambiguous.assert_problem(400, "missing_member");
    assert_eq!(ambiguous.json["pointer"], "/appid");
    let ambiguous = server.call("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    ambiguous.assert_problem(400, "missing_member");

    // The same union id is the same person in the programs of an app, and somebody else in another app's.
    let enter = async |code: &str, appid: &str, openid: &str| {
        wechat.add_code(code, appid, openid, Some("uNionId0000000000000000000001"));
        sign_in(&server, &json!({"code": code, "appid": appid})).await.json["data"].take()
    };
    let nobody = enter("c1", APPID, "o-in-one").await;
    server.done("PUT", "/v1/riders/r1/wechat", json!({"link": nobody["link"]})).await;
    let there = enter("c2", OTHER_APPID, "o-in-two").await;
    assert_eq!((&there["status"], &there["rider"]), (&json!("bound"), &json!("r1")));
    assert_eq!(enter("c3", third, "o-in-three").await["status"], "unbound");
    let known = server.done("GET", "/v1/riders/r1/wechat", Value::Null).await;
    let appids: Vec<&Value> =
        known["identities"].as_array().unwrap().iter().map(|one| &one["appid"]).collect();
    assert_eq!(appids, [APPID, OTHER_APPID]);
    // A program of another app is none to link in.
    let theirs = json!({"openid": OPENID, "appid": third});
    server.call("PUT", "/v1/riders/r1/wechat", theirs).await.assert_problem(404, "not_configured");
    server.stop().await;
}

#[tokio::test]
async fn a_restart_forgets_nobody() {
    let wechat = wechat().await;
    let server = TestServer::start(&config(&wechat)).await;
    wechat.add_code("c1", APPID, OPENID, None);
    wechat.add_code("c2", APPID, OPENID, None);
    let link = signed_in(&server, "c1").await["link"].clone();
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, &config(&wechat)).await;
    server.done("PUT", "/v1/riders/r1/wechat", json!({"link": link})).await;
    assert_eq!(signed_in(&server, "c2").await["rider"], "r1");
    server.stop().await;
}

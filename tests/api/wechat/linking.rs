//! The backend says who somebody in WeChat is: by code, openid or union id.

use serde_json::{Value, json};

use super::{APPID, OPENID, both, signed_in};

const UNIONID: &str = "uNionId0000000000000000000001";

#[tokio::test]
async fn an_openid_or_a_union_id_may_be_linked_before_anybody_signs_in() {
    let (wechat, server) = both().await;
    server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID, "appid": APPID})).await;
    server.done("PUT", "/v1/riders/r2/wechat", json!({"unionid": UNIONID})).await;
    let waiting = server.done("GET", "/v1/riders/r2/wechat", Value::Null).await;
    let waiting = &waiting["identities"][0];
    assert_eq!(
        (&waiting["appid"], &waiting["openid_tail"], &waiting["unionid"]),
        (&Value::Null, &Value::Null, &json!(true))
    );
    wechat.add_code("c1", APPID, OPENID, None);
    wechat.add_code("c2", APPID, "oSomebodyElse00000000000001", Some(UNIONID));
    assert_eq!(signed_in(&server, "c1").await["rider"], "r1");
    assert_eq!(signed_in(&server, "c2").await["rider"], "r2");
    server.stop().await;
}

#[tokio::test]
async fn a_rider_may_be_several_people_and_each_of_them_is_one_rider() {
    let (wechat, server) = both().await;
    server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    let two = server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": "oSecondPhone"})).await;
    assert_eq!(two["identities"].as_array().unwrap().len(), 2);
    // The same again changes nothing.
    let same = server.done("PUT", "/v1/riders/r1/wechat", json!({"openid": OPENID})).await;
    assert_eq!(same["identities"], two["identities"]);
    let taken = server.call("PUT", "/v1/riders/r2/wechat", json!({"openid": OPENID})).await;
    taken.assert_problem(409, "wechat_taken");

    wechat.add_code("c1", APPID, OPENID, None);
    wechat.add_code("c2", APPID, OPENID, None);
    signed_in(&server, "c1").await;
    let known = server.done("GET", "/v1/riders/r1/wechat", Value::Null).await;
    let first = &known["identities"][0];
    assert_eq!(
        (&first["appid"], &first["openid_tail"], &first["unionid"], &first["banked"]),
        (&json!(APPID), &json!("xYz1"), &json!(false), &json!(0))
    );
    assert!(first["linked_at"].is_string() && first["last_login_at"].is_string());
    assert!(!known.to_string().contains(OPENID));

    assert_eq!(server.done("DELETE", "/v1/riders/r1/wechat", Value::Null).await, json!({"unlinked": 2}));
    assert_eq!(server.done("DELETE", "/v1/riders/r1/wechat", Value::Null).await, json!({"unlinked": 0}));
    assert_eq!(signed_in(&server, "c2").await["status"], "unbound");
    server.done("PUT", "/v1/riders/r2/wechat", json!({"openid": OPENID})).await;
    server.stop().await;
}

#[tokio::test]
async fn one_of_three_names_says_who() {
    let (_wechat, server) = both().await;
    for (body, status, error) in [
        (json!({}), 400, "missing_member"),
        (json!({"appid": APPID}), 400, "not_together"),
        (json!({"link": "ABCD-EFGH", "appid": APPID}), 400, "not_together"),
        (json!({"link": "ABCD-EFGH", "openid": OPENID}), 400, "not_together"),
        (json!({"openid": OPENID, "unionid": UNIONID}), 400, "not_together"),
        (json!({"openid": "a b"}), 400, "bad_value"),
        (json!({"unionid": "a/b"}), 400, "bad_value"),
        (json!({"openid": OPENID, "appid": "a b"}), 400, "bad_value"),
        (json!({"link": "x".repeat(33)}), 400, "too_long"),
        (json!({"link": 12_345_678}), 400, "wrong_type"),
        (json!({"code": "ABCD-EFGH"}), 400, "unknown_member"),
        (json!({"link": "ABCD-EFGH"}), 404, "unknown_link"),
        (json!({"link": "0OIL-0OIL"}), 404, "unknown_link"),
        (json!({"link": "ABC"}), 404, "unknown_link"),
        (json!({"openid": OPENID, "appid": "wx9999999999999999"}), 404, "not_configured"),
    ] {
        let told = server.call("PUT", "/v1/riders/r1/wechat", body.clone()).await;
        told.assert_problem(status, error);
    }
    assert_eq!(server.done("GET", "/v1/riders/r1/wechat", Value::Null).await, json!({"identities": []}));
    server.stop().await;
}

#[tokio::test]
async fn a_test_key_links_test_riders_only() {
    let (wechat, server) = both().await;
    let key = server.test_key().await;
    server.done("PUT", "/v1/riders/real/wechat", json!({"openid": "oReal"})).await;
    server.done("PUT", "/v1/riders/real", json!({"on_duty": true})).await;
    let put = async |rider: &str, openid: &str| {
        server.call_as(&key, "PUT", &format!("/v1/riders/{rider}/wechat"), json!({"openid": openid})).await
    };
    put("real", OPENID).await.assert_problem(409, "not_a_test_rider");
    let gone = server.call_as(&key, "DELETE", "/v1/riders/real/wechat", Value::Null).await;
    gone.assert_problem(409, "not_a_test_rider");
    assert_eq!(put("tester", OPENID).await.status, 200);
    wechat.add_code("c1", APPID, OPENID, None);
    assert_eq!(signed_in(&server, "c1").await["rider"], "tester");
    server.stop().await;
}

//! 微信: two formats, two sorts of events, and the question whether the address is ours.

use serde_json::{Value, json};

use crate::stage::{Told, Try, sha1};

const TOKEN: &str = "wx-demo-token";

/// A message with a query that is signed, of which the body is no part.
fn pushed(body: &str) -> Try {
    let mut parts = [TOKEN, "1772339420", "n0nce"];
    parts.sort_unstable();
    let query = format!("signature={}&timestamp=1772339420&nonce=n0nce", sha1(parts.concat()));
    Try::of("wechat", body).with("secret", TOKEN).with("query", &query)
}

fn status(order_status: i64) -> Told {
    let body = json!({"ToUserName": "gh_demo", "FromUserName": "oDemo", "CreateTime": 1_772_339_420, "MsgType": "event",
        "Event": "update_waybill_status", "shop_order_id": "M17", "waybill_id": "WB17", "action_time": 1_772_339_419,
        "order_status": order_status, "action_msg": ""});
    pushed(&body.to_string()).run()
}

#[test]
fn every_status_has_its_kind() {
    let kinds = [
        (101, "order.available"),
        (102, "order.assigned"),
        (103, "order.cancelled"),
        (201, "rider.arrived_store"),
        (202, "order.picked_up"),
        (203, "order.cancelled"),
        (204, "delivery.exception"),
        (205, "delivery.exception"),
        (301, "order.picked_up"),
        (302, "order.delivered"),
        (303, "delivery.exception"),
        (304, "delivery.exception"),
        (305, "delivery.exception"),
        (401, "order.returned"),
        (501, "order.cancelled"),
        (502, "order.cancelled"),
    ];
    for (number, kind) in kinds {
        assert_eq!(status(number).event()["kind"], kind, "{number}");
    }
    let unknown = status(777);
    assert_eq!((unknown.code, &unknown.json["ignored"]), (1, &json!(1)));
    assert_eq!(unknown.json["ack"]["status"], 200);
}

#[test]
fn xml_is_read_and_answered_as_xml_with_to_and_from_swapped() {
    let body = "<xml><ToUserName><![CDATA[gh_demo]]></ToUserName><FromUserName><![CDATA[o<&>Demo]]></FromUserName>\
        <CreateTime>1772339420</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[update_waybill_status]]></Event>\
        <shopid><![CDATA[demo]]></shopid><shop_order_id><![CDATA[M17]]></shop_order_id><waybill_id><![CDATA[WB17]]></waybill_id>\
        <action_time>1772339419</action_time><order_status>102</order_status><action_msg><![CDATA[]]></action_msg>\
        <shop_no><![CDATA[S001]]></shop_no><agent><name><![CDATA[骑手]]></name><phone><![CDATA[13000000007]]></phone></agent></xml>";
    let told = pushed(body).with("header", "Content-Type: text/xml").run();
    assert!(told.is_good(), "{told:#?}");
    let event = told.event();
    assert_eq!((&event["id"], &event["kind"]), (&json!("wx:WB17:102:1772339419"), &json!("order.assigned")));
    assert_eq!((&event["order"]["id"], &event["order"]["merchant"]["id"]), (&json!("M17"), &json!("S001")));
    let ack = told.ack();
    assert!(told.json["ack"]["content_type"].as_str().unwrap().contains("xml"), "{told:#?}");
    assert!(ack.starts_with("<xml>") && ack.ends_with("</xml>"), "{ack}");
    assert!(
        ack.contains("<ToUserName>o&lt;&amp;&gt;Demo</ToUserName><FromUserName>gh_demo</FromUserName>"),
        "{ack}"
    );
    assert!(ack.contains("<Event>update_waybill_status</Event><resultcode>0</resultcode>"), "{ack}");
}

fn path(actions: &Value) -> Told {
    let body = json!({"ToUserName": "gh_demo", "FromUserName": "oDemo", "CreateTime": 1_546_924_844, "MsgType": "event",
        "Event": "add_express_path", "DeliveryID": "SF", "WayBillId": "W9", "OrderId": "O9", "Version": 3, "Count": 1,
        "Actions": actions});
    pushed(&body.to_string()).run()
}

fn action(at: i64, action_type: i64) -> Value {
    json!({"ActionTime": at, "ActionType": action_type, "ActionMsg": "滞留"})
}

#[test]
fn of_a_path_the_latest_action_counts_and_success_is_the_answer() {
    for trouble in [400_001, 400_002, 499_999] {
        let told = path(&json!([action(1, 100_001), action(2, trouble)]));
        assert!(told.is_good(), "{told:#?}");
        let event = told.event();
        assert_eq!((&event["kind"], &event["order"]["id"]), (&json!("delivery.exception"), &json!("O9")));
        assert_eq!(event["id"], format!("wx:W9:{trouble}:2"));
        assert_eq!((told.ack(), &told.json["ack"]["status"]), ("success", &json!(200)));
    }
    assert_eq!(
        path(&json!([action(2, 100_003), action(1, 400_001)])).kinds(),
        ["order.assigned"],
        "the latest"
    );
    assert_eq!(path(&json!([action(1, 300_003)])).kinds(), ["order.delivered"]);
    let moving = path(&json!([action(1, 200_001)]));
    assert_eq!((moving.code, moving.ack(), &moving.json["ignored"]), (1, "success", &json!(1)));
}

#[test]
fn a_path_comes_as_xml_too_with_one_action_or_several() {
    let head = "<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><CreateTime>1546924844</CreateTime>\
        <MsgType>event</MsgType><Event>add_express_path</Event><WayBillId>W9</WayBillId><OrderId>O9</OrderId>";
    let one = "<Actions><ActionTime>1546924840</ActionTime><ActionType>400001</ActionType><ActionMsg>取消</ActionMsg></Actions>";
    let before = "<Actions><ActionTime>1546924839</ActionTime><ActionType>100001</ActionType><ActionMsg>揽件</ActionMsg></Actions>";
    for actions in [one.to_owned(), format!("{before}{one}")] {
        let told = pushed(&format!("{head}{actions}</xml>")).run();
        assert_eq!((told.kinds(), told.ack()), (vec!["delivery.exception"], "success"), "{told:#?}");
        assert_eq!(told.event()["id"], "wx:W9:400001:1546924840");
    }
}

#[test]
fn other_events_are_acknowledged() {
    let body = json!({"ToUserName": "gh", "FromUserName": "o", "CreateTime": 1, "MsgType": "event", "Event": "wxa_media_check"});
    let told = pushed(&body.to_string()).run();
    assert_eq!(
        (told.code, told.ack(), &told.json["verdict"]),
        (1, "success", &json!("ignored")),
        "{told:#?}"
    );
}

#[test]
fn echostr_comes_back_once_the_signature_holds() {
    let mut parts = [TOKEN, "1772339420", "n0nce"];
    parts.sort_unstable();
    let query =
        |signature: &str| format!("signature={signature}&timestamp=1772339420&nonce=n0nce&echostr=8212%2Bx");
    let asked = |query: &str| {
        Try::of("wechat", "").with("secret", TOKEN).with("method", "GET").with("query", query).run()
    };
    let told = asked(&query(&sha1(parts.concat())));
    assert_eq!((told.ack(), &told.json["ack"]["status"]), ("8212+x", &json!(200)), "{told:#?}");
    assert_eq!((&told.json["verified"], &told.json["verdict"]), (&json!(true), &json!("probe")));
    let told = asked(&query("462ee328fd0b876a9e121ed26dc7907eaf374eab"));
    assert!(told.is_refused() && !told.ack().contains("8212"), "{told:#?}");
}

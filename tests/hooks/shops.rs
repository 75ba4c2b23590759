//! What the presets make of shops and of backends of one's own: probes, handshakes, forms of one message, batches.

use serde_json::{Value, json};

use crate::presets::base64;
use crate::stage::{Told, Try, hmac_sha256, md5};

#[test]
fn woocommerce_pings_when_a_webhook_is_saved() {
    let ping = Try::of("woocommerce", "webhook_id=11")
        .with("secret", "s")
        .with("header", "Content-Type: application/x-www-form-urlencoded")
        .run();
    assert_eq!(
        (&ping.json["verdict"], &ping.json["ack"]["status"]),
        (&json!("probe"), &json!(200)),
        "{ping:#?}"
    );
    assert!(ping.events().is_empty());
    let woo = |topic: &str, status: &str| {
        let body = json!({"id": 7, "number": "7", "status": status, "webhook_id": 11}).to_string();
        let sign = base64(&hmac_sha256("s", &body));
        let tried = Try::of("woocommerce", body)
            .with("secret", "s")
            .with("header", &format!("X-WC-Webhook-Signature: {sign}"));
        tried
            .with("header", &format!("X-WC-Webhook-Topic: {topic}"))
            .with("header", "X-WC-Webhook-Delivery-ID: d")
            .run()
    };
    let cases = [
        ("order.created", "processing", "order.paid"),
        ("order.created", "pending", "order.created"),
        ("order.updated", "processing", "order.updated"),
        ("order.updated", "cancelled", "order.cancelled"),
        ("order.updated", "completed", "order.delivered"),
        ("order.deleted", "", "order.cancelled"),
    ];
    for (topic, status, kind) in cases {
        assert_eq!(woo(topic, status).kinds(), [kind], "{topic} {status}");
    }
    assert_eq!(woo("product.updated", "").json["ignored"], 1);
}

fn youzan(body: &Value) -> Told {
    let body = body.to_string();
    let sign = md5(format!("demo_client{body}s"));
    Try::of("youzan", body)
        .with("secret", "s")
        .with("param", "client_id=demo_client")
        .with("header", &format!("Event-Sign: {sign}"))
        .run()
}

#[test]
fn youzan_asks_after_our_health_and_has_two_forms_of_messages() {
    let health = youzan(&json!({"test": true, "type": "trade_TradePaid", "msg": "", "msg_id": "h1"}));
    assert_eq!(
        (&health.json["verdict"], health.ack()),
        (&json!("probe"), r#"{"code":0,"msg":"success"}"#),
        "{health:#?}"
    );
    assert_eq!((health.code, &health.json["verified"]), (1, &json!(true)));
    let close = youzan(
        &json!({"test": false, "type": "trade_TradeClose", "msg_id": "c1", "id": "E17", "kdt_id": 1, "version": 5,
        "msg": "%7B%22tid%22%3A%22E17%22%2C%22close_reason%22%3A%22%E4%B8%8D%E8%A6%81%E4%BA%86%22%2C%22update_time%22%3A%222026-03-01%2012%3A28%3A05%22%7D"}),
    );
    let event = close.event();
    assert_eq!(
        (&event["kind"], &event["order"]["id"], &event["order"]["reason"]),
        (&json!("order.cancelled"), &json!("E17"), &json!("不要了"))
    );
    let refund = youzan(
        &json!({"test": false, "type": "youzan_trade_RefundCreated", "msg_id": "c2", "id": "E17", "msg": {"tid": "E17"}}),
    );
    assert_eq!(refund.kinds(), ["order.cancel_requested"]);
}

#[test]
fn crmeb_has_its_event_in_the_path_and_refunds_of_an_order() {
    let crmeb = |event: &str, body: &Value| {
        Try::of("crmeb", body.to_string())
            .with("secret", "t")
            .with("query", "pushToken=t")
            .with("event", event)
            .run()
    };
    let refund = json!({"id": 3, "store_order_id": 17, "order_id": "tk17", "refund_reason": "不想要了", "refund_num": 1, "add_time": 1_772_339_285,
        "order": {"id": 17, "order_id": "wx17"}, "items": []});
    for (event, kind) in
        [("refund_create", "order.cancel_requested"), ("refund_cancel", "order.cancel_withdrawn")]
    {
        let told = crmeb(event, &refund);
        let made = told.event();
        assert_eq!(
            (&made["kind"], &made["order"]["id"], &made["id"]),
            (&json!(kind), &json!("wx17"), &json!(format!("crmeb:tk17:{event}")))
        );
        assert_eq!(told.ack(), r#"{"code":0}"#);
    }
    let created = crmeb(
        "order_create",
        &json!({"order_id": "wx17", "add_time": "2026-03-01 12:27:40", "pay_time": 0, "items": []}),
    );
    assert_eq!(
        (created.kinds(), &created.event()["occurred_at"]),
        (vec!["order.created"], &json!("2026-03-01T12:27:40+08:00"))
    );
    assert_eq!(crmeb("user_update", &json!({"uid": 1})).json["ignored"], 1);
    let wrong = Try::of("crmeb", refund.to_string())
        .with("secret", "t")
        .with("query", "pushToken=u")
        .with("event", "order_pay")
        .run();
    assert!(wrong.is_refused(), "{wrong:#?}");
}

/// CRMEB logs in first: what it is given there works as its token.
#[test]
fn crmeb_fetches_a_token_and_sends_it() {
    let asked = |password: &str| {
        let body = json!({"push_account": "shop", "push_password": password});
        let tried = Try::of("crmeb", body.to_string())
            .with("secret", "s")
            .with("password", "pw")
            .with("param", "account=shop");
        tried.with("event", "token").run()
    };
    let granted = asked("pw");
    assert_eq!((granted.code, &granted.json["ack"]["status"]), (0, &json!(200)), "{granted:#?}");
    let ack: Value = serde_json::from_str(granted.ack()).unwrap();
    assert_eq!((&ack["code"], &ack["time"]), (&json!(0), &json!(7200)), "{ack}");
    let push = |token: &str| {
        let body = json!({"order_id": "wx17", "pay_time": 1_772_339_285, "items": []});
        let tried = Try::of("crmeb", body.to_string()).with("secret", "s").with("event", "order_pay");
        tried.with("query", &format!("pushToken={token}")).run()
    };
    let token = ack["token"].as_str().unwrap();
    assert_eq!(push(token).kinds(), ["order.paid"]);
    assert!(push(&token.replace('.', "0.")).is_refused());
    let wrong = asked("pv");
    let ack: Value = serde_json::from_str(wrong.ack()).unwrap();
    assert!(wrong.code == 1 && ack["code"] != 0 && ack.get("token").is_none(), "{wrong:#?}");
}

#[test]
fn cloudevents_come_structured_binary_and_in_batches() {
    let binary = Try::of("cloudevents", r#"{"rider_id":"r_1","id":"of the data","type":"x"}"#)
        .with("header", "Content-Type: application/json")
        .with("header", "ce-specversion: 1.0")
        .with("header", "ce-id: A1")
        .with("header", "ce-source: /shops/42")
        .with("header", "ce-type: com.example.order.urged")
        .with("header", "ce-subject: M17")
        .with("header", "ce-time: 2026-03-01T04:55:00Z")
        .run();
    let event = binary.event();
    assert_eq!(
        (&event["id"], &event["kind"], &event["order"]["id"]),
        (&json!("/shops/42#A1"), &json!("order.urged"), &json!("M17")),
        "{binary:#?}"
    );
    assert_eq!(
        (&event["target"]["riders"], &event["occurred_at"]),
        (&json!(["r_1"]), &json!("2026-03-01T04:55:00Z"))
    );
    let one = |id: &str, kind: &str| {
        json!({"specversion": "1.0", "id": id, "source": "/s", "type": kind, "data": {"rider_id": "r_1",
        "order": {"id": "M18", "merchant": {"name": "测试面馆"}}}})
    };
    let batch = json!([one("1", "order.assigned"), one("2", "shop/safety"), one("3", "com.example.invoice")]);
    let told = Try::of("cloudevents", batch.to_string())
        .with("header", "Content-Type: application/cloudevents-batch+json")
        .run();
    assert_eq!(
        (told.kinds(), &told.json["ignored"], told.code),
        (vec!["order.assigned", "safety"], &json!(1), 0),
        "{told:#?}"
    );
    assert_eq!(told.events()[0]["order"]["merchant"]["name"], "测试面馆");
    assert_eq!(told.json["ack"]["status"], 202);
}

#[test]
fn our_own_event_goes_straight_through() {
    let event = json!({"id": "e1", "kind": "order.assigned", "occurred_at": "2026-03-01T12:30:05+08:00", "previous_rider_id": null,
        "order": {"id": "M17", "version": 3, "short_no": "17", "merchant": {"id": "m", "name": "测试面馆"}, "fee_cents": 580, "note": null},
        "target": {"riders": ["r_1"], "near": null}, "offer": {"mode": "ack"}, "alert": {"vars": {"n": 1}, "template": null}, "ext": {"a": [1]}});
    let open = Try::of("plain", event.to_string()).run();
    let made = open.event();
    for pointer in [
        "/id",
        "/kind",
        "/occurred_at",
        "/order/id",
        "/order/version",
        "/order/merchant/name",
        "/order/fee_cents",
        "/target/riders",
        "/offer/mode",
        "/alert/vars",
        "/ext",
    ] {
        assert_eq!(made.pointer(pointer), event.pointer(pointer), "{pointer}: {made}");
    }
    let keyed =
        |header: &str| Try::of("plain", event.to_string()).with("secret", "s3").with("header", header).run();
    assert!(keyed("Authorization: Bearer s3").is_good());
    assert!(keyed("Authorization: Bearer s4").is_refused());
    assert!(keyed("X-Nothing: 1").is_refused(), "where there is a secret it must be brought");
}

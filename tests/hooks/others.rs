//! Senders that have no preset, by configuration alone (`profiles/`): bare words as answers, retry counters, probes, lists,
//! XML, other charsets, times without a zone.

use serde_json::{Value, json};

use crate::stage::{Told, Try, hex, hmac_sha256, md5};

/// 送件侠: a form, MD5 of sorted pairs with the key behind; `success` is success, and JSON a failure.
#[test]
fn a_bare_word_is_the_answer_and_json_is_a_failure() {
    let pairs = "order_no=SJ17&rider_tel=13000000002&status=3&update_time=2026-03-01 12:28:05";
    let sign = md5(format!("{pairs}&key=sjx")).to_uppercase();
    let body = format!(
        "status=3&order_no=SJ17&rider_tel=13000000002&update_time=2026-03-01+12%3A28%3A05&remark=&sign={sign}"
    );
    let told = Try::file("songjianxia", body.clone()).with("secret", "sjx").run();
    assert!(told.is_good(), "{told:#?}");
    let event = told.event();
    assert_eq!((&event["kind"], &event["order"]["id"]), (&json!("order.assigned"), &json!("SJ17")));
    assert_eq!(event["occurred_at"], "2026-03-01T12:28:05+08:00");
    assert_eq!((told.ack(), &told.json["ack"]["content_type"]), ("success", &json!("text/plain")));
    let wrong = Try::file("songjianxia", body.replace("SJ17", "SJ18")).with("secret", "sjx").run();
    assert!(wrong.is_refused(), "{wrong:#?}");
    assert!(serde_json::from_str::<Value>(wrong.ack()).is_ok_and(|ack| ack["code"] == 401), "{wrong:#?}");
}

/// 猎豹: JSON with a counter of tries; `SUCCESS`; no id. A retry is the same event.
#[test]
fn a_retry_counter_is_no_part_of_the_event() {
    let push = |retry_times: i64, called: i64, status: &str| {
        let sign = md5(format!("app7{called}lb"));
        let body = json!({"appId": "app7", "timestamp": called, "sign": sign, "retry_times": retry_times,
            "data": {"orderId": 900_719_925_474_099_312_i64, "state": status, "riderId": 42}});
        Try::file("liebao", body.to_string()).with("secret", "lb").run()
    };
    let (first, again, next) =
        (push(0, 1_772_339_400, "PICKED"), push(3, 1_772_339_460, "PICKED"), push(0, 1_772_339_500, "DONE"));
    assert_eq!(
        (first.ack(), first.kinds(), next.kinds()),
        ("SUCCESS", vec!["order.picked_up"], vec!["order.delivered"])
    );
    assert_eq!(first.event()["id"], again.event()["id"]);
    assert_ne!(first.event()["id"], next.event()["id"]);
    assert_eq!(first.event()["order"]["id"], "900719925474099312");
    assert_eq!(first.event()["target"]["riders"], json!(["42"]));
}

/// 易联云 printer: asks by GET whether we are there, and wants the same answer.
#[test]
fn a_get_is_a_probe_with_the_same_answer() {
    let probe = Try::file("yilianyun", "")
        .with("secret", "yl")
        .with("param", "client_id=c1")
        .with("method", "GET")
        .run();
    assert_eq!(
        (probe.ack(), &probe.json["ack"]["status"], &probe.json["verdict"]),
        (r#"{"data":"OK"}"#, &json!(200), &json!("probe")),
        "{probe:#?}"
    );
    let printed = |state: &str| {
        let sign = md5("c11772339400yl");
        let body = format!(
            "machine_code=4004&order_id=88&origin_id=M17&state={state}&print_time=1772339399&push_time=1772339400&sign={sign}"
        );
        Try::file("yilianyun", body).with("secret", "yl").with("param", "client_id=c1").run()
    };
    let told = printed("1");
    assert_eq!((told.kinds(), told.ack()), (vec!["order.confirmed"], r#"{"data":"OK"}"#), "{told:#?}");
    assert_eq!(printed("9").json["ignored"], 1);
}

/// 米合: a list as body, a number and Chinese in the answer, capital hex.
#[test]
fn a_list_is_several_events() {
    let body = json!([{"no": "A1", "type": "new", "rider": "r_1"}, {"no": "A2", "type": "urge", "rider": "r_2"}, {"no": "A3", "type": "x"}]).to_string();
    let sign = md5(format!("mh{body}mh")).to_uppercase();
    let told = |sign: &str| {
        Try::file("mihe", body.clone()).with("secret", "mh").with("header", &format!("X-Sign: {sign}")).run()
    };
    let good = told(&sign);
    assert_eq!(
        (good.kinds(), &good.json["ignored"], good.code),
        (vec!["order.assigned", "order.urged"], &json!(1), 0),
        "{good:#?}"
    );
    assert_eq!(good.ack(), r#"{"code":0,"message":"成功"}"#);
    assert!(told(&sign.to_lowercase()).is_refused(), "this sender's hex is in capitals");
}

/// 阿里云 receipts: a list without any signature, and a code that must be a number.
#[test]
fn receipts_without_a_signature_rely_on_the_path() {
    let body = json!([{"biz_id": "b1", "out_id": "M17", "success": false, "err_msg": "关机", "report_time": "2026-03-01 12:28:05"},
        {"biz_id": "b2", "out_id": "M18", "success": true, "report_time": "2026-03-01 12:28:06"}]);
    let told = Try::file("aliyun_receipts", body.to_string()).run();
    assert_eq!((told.kinds(), &told.json["ignored"]), (vec!["delivery.exception"], &json!(1)), "{told:#?}");
    assert_eq!((&told.event()["id"], &told.event()["order"]["reason"]), (&json!("ali:b1"), &json!("关机")));
    let ack: Value = serde_json::from_str(told.ack()).unwrap();
    assert!(ack["code"].is_i64(), "{ack}");
}

/// A till that speaks XML, with attributes, a namespace and several items.
#[test]
fn xml_with_attributes_is_read() {
    let body = r#"<?xml version="1.0" encoding="UTF-8"?><orders shop="s9"><order no="X1" state="READY"><name>面馆 &amp; 茶</name><at>2026/03/01 12:28</at></order><order no="X2" state="VOID"><name>面馆</name><at>2026/03/01 12:29</at></order></orders>"#;
    let sign = hex(&hmac_sha256("till", body));
    let till = |body: &str| {
        let tried = Try::file("xml_till", body)
            .with("secret", "till")
            .with("header", &format!("X-Signature: sha256={sign}"));
        tried.with("header", "Content-Type: application/xml").run()
    };
    let told = till(body);
    assert_eq!(told.kinds(), ["order.ready", "order.cancelled"], "{told:#?}");
    let first = &told.events()[0];
    assert_eq!(
        (&first["order"]["merchant"]["name"], &first["order"]["merchant"]["id"]),
        (&json!("面馆 & 茶"), &json!("s9"))
    );
    assert_eq!(
        (&first["occurred_at"], &first["target"]["groups"]),
        (&json!("2026-03-01T12:28:00+08:00"), &json!(["s9"]))
    );
    assert_eq!((told.ack(), &told.json["ack"]["content_type"]), ("<ok/>", &json!("application/xml")));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><orders/>";
    let sign = hex(&hmac_sha256("till", bomb));
    let refused = Try::file("xml_till", bomb)
        .with("secret", "till")
        .with("header", &format!("X-Signature: sha256={sign}"))
        .run();
    assert_eq!(
        (&refused.json["verdict"], &refused.json["ack"]["status"]),
        (&json!("unreadable"), &json!(400)),
        "{refused:#?}"
    );
}

/// Times without a zone, of a place that is not ours, in a batch.
#[test]
fn times_without_a_zone_are_of_the_hooks_zone() {
    let body = json!({"token": "tk", "list": [{"id": 1, "s": 1, "t": "2026-07-01 12:00:00"}, {"id": 2, "s": 2, "t": "2026-01-01T12:00:00"},
        {"id": 3, "s": 3, "t": "20260101120000"}, {"id": 4, "s": 4}]});
    let told = Try::file("zoneless_batch", body.to_string()).with("secret", "tk").run();
    let times: Vec<&str> = told.events().iter().map(|event| event["occurred_at"].as_str().unwrap()).collect();
    assert_eq!(
        times,
        ["2026-07-01T12:00:00+02:00", "2026-01-01T12:00:00+01:00", "2026-01-01T12:00:00+01:00"],
        "{told:#?}"
    );
    assert_eq!(
        (told.kinds(), &told.json["ignored"]),
        (vec!["order.offered", "order.taken", "order.grabbed"], &json!(1))
    );
    assert_eq!(told.ack(), r#"{"ret":0,"count":4}"#);
}

/// A form in GBK, percent-encoded and signed as it came.
#[test]
fn a_form_in_gbk_is_read_as_declared() {
    let told = |shop: &str, sign: &str| -> Told {
        let body = format!("dd=G17&dian={shop}&zt=%D2%D1%C5%C9%B5%A5&sign={sign}");
        let tried = Try::file("gbk_form", body).with("secret", "gbk");
        tried.with("header", "Content-Type: application/x-www-form-urlencoded; charset=GBK").run()
    };
    let text = [
        &b"dd=G17&dian="[..],
        b"\xb2\xe2\xca\xd4\xc3\xe6\xb9\xdd",
        b"&zt=",
        b"\xd2\xd1\xc5\xc9\xb5\xa5",
        b"gbk",
    ]
    .concat();
    let good = told("%B2%E2%CA%D4%C3%E6%B9%DD", &md5(text));
    assert_eq!(
        (good.kinds(), &good.event()["order"]["merchant"]["name"]),
        (vec!["order.assigned"], &json!("测试面馆")),
        "{good:#?}"
    );
    assert_eq!(good.ack(), "0");
    let broken = [&b"dd=G17&dian="[..], b"\xb2\xff", b"&zt=", b"\xd2\xd1\xc5\xc9\xb5\xa5", b"gbk"].concat();
    let broken = told("%B2%FF", &md5(broken));
    assert_eq!(broken.json["verdict"], "unreadable", "{broken:#?}");
}

/// A sender that can do no more than basic authentication, its event in the query, and numbers for everything.
#[test]
fn a_preset_may_be_changed_in_part() {
    let body = json!({"client_id": "28", "order_id": "M17", "order_status": 2, "dm_id": 666_001, "update_time": 1_772_339_407});
    let told = |header: &str| {
        Try::file("dada_behind_a_proxy", body.to_string()).with("secret", "u:p").with("header", header).run()
    };
    let good = told("Authorization: Basic dTpw");
    assert_eq!(good.event()["target"], json!({"riders": ["r_17"]}), "{good:#?}");
    assert_eq!((good.kinds(), good.ack()), (vec!["order.offered"], "ok"));
    assert!(told("Authorization: Basic dTpx").is_refused());
}

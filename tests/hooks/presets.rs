//! What the presets of couriers make of requests beside the fixtures: other statuses, noise, reassignments.

use serde_json::{Value, json};

use crate::stage::{Told, Try, hex, hmac_sha256, md5, sha1};

/// A form of 美团配送, signed.
fn peisong(fields: &[(&str, &str)]) -> Told {
    let mut sorted: Vec<_> = fields.iter().filter(|(_, value)| !value.is_empty()).collect();
    sorted.sort_unstable();
    let pairs: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}{value}")).collect();
    let sign = sha1(format!("mt-demo-secret{}", pairs.concat()));
    let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let body = format!("{}&sign={sign}", body.join("&"));
    Try::of("meituan_peisong", body).with("secret", "mt-demo-secret").run()
}

fn courier(phone: &str, status: &str, timestamp: &str) -> Told {
    peisong(&[
        ("delivery_id", "17"),
        ("mt_peisong_id", "1501"),
        ("order_id", "M17"),
        ("status", status),
        ("courier_phone", phone),
        ("cancel_reason", ""),
        ("timestamp", timestamp),
    ])
}

#[test]
fn the_same_status_with_another_courier_is_another_event() {
    let first = courier("13000000002", "20", "1772339407");
    let again = courier("13000000002", "20", "1772339999");
    let other = courier("13000000003", "20", "1772339407");
    let id = |told: &Told| told.event()["id"].clone();
    assert_eq!(id(&first), "mtps:1501:20:0002");
    assert_eq!(id(&first), id(&again), "a retry says another time of call");
    assert_ne!(id(&first), id(&other), "a reassignment");
    assert_eq!(other.kinds(), ["order.assigned"]);
    for (status, kind) in [
        ("0", "order.available"),
        ("30", "order.picked_up"),
        ("50", "order.delivered"),
        ("99", "order.cancelled"),
    ] {
        assert_eq!(courier("", status, "1").kinds(), [kind]);
    }
    assert_eq!(courier("", "77", "1").json["ignored"], 1);
    let exception = peisong(&[
        ("mt_peisong_id", "1501"),
        ("order_id", "M17"),
        ("exception_id", "9"),
        ("exception_code", "10001"),
        ("exception_descr", "late"),
        ("exception_time", "1772339500"),
        ("courier_phone", "13000000002"),
        ("timestamp", "1772339501"),
    ]);
    assert_eq!(
        (exception.kinds(), &exception.event()["order"]["reason"]),
        (vec!["delivery.exception"], &json!("late"))
    );
}

/// A rider's phone may be looked up in a table that the hook's owner writes.
#[test]
fn a_table_tells_who_a_phone_is() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("mine.toml");
    let own = "preset = \"shansong\"\ntables.riders = { \"13000000004\" = \"r_4\" }\ntarget.groups = [\"station-1\"]\n";
    std::fs::write(&file, own).unwrap();
    let shansong = |status: i64, phone: &str| {
        let body =
            json!({"issOrderNo": "T1", "orderNo": "M17", "status": status, "courier": {"mobile": phone}});
        Try::of(file.to_str().unwrap(), body.to_string()).run()
    };
    let known = shansong(30, "13000000004");
    assert_eq!(known.event()["target"]["riders"], json!(["r_4"]), "{known:#?}");
    let unknown = shansong(30, "13000000005");
    assert_eq!(unknown.event()["target"], json!({"groups": ["station-1"]}), "{unknown:#?}");
    assert_ne!(known.event()["id"], unknown.event()["id"], "30, back to 20, and 30 with another courier");
    for (status, kind) in [(20, "order.available"), (40, "order.picked_up"), (50, "order.delivered")] {
        assert_eq!(shansong(status, "").kinds(), [kind]);
    }
}

#[test]
fn dada_has_a_kind_for_every_status() {
    let statuses = [
        (1, "order.available"),
        (2, "order.assigned"),
        (3, "order.picked_up"),
        (4, "order.delivered"),
        (5, "order.cancelled"),
        (7, "order.expired"),
        (8, "order.assigned"),
        (9, "delivery.exception"),
        (10, "order.returned"),
        (100, "rider.arrived_store"),
        (1000, "delivery.exception"),
    ];
    let dada = |status: &Value| {
        let mut parts = ["28", "M17", "1772339407"];
        parts.sort_unstable();
        let body = json!({"client_id": "28", "order_id": "M17", "order_status": status, "update_time": 1_772_339_407,
            "signature": md5(parts.concat())});
        Try::of("dada", body.to_string()).run()
    };
    for (status, kind) in statuses {
        assert_eq!(dada(&json!(status)).kinds(), [kind], "{status}");
        assert_eq!(dada(&json!(status.to_string())).kinds(), [kind], "{status} as text");
    }
    let unknown = dada(&json!(55));
    assert_eq!((unknown.code, unknown.ack(), &unknown.json["ignored"]), (1, r#"{"status":"ok"}"#, &json!(1)));
}

#[test]
fn sf_has_one_url_for_many_shapes() {
    let sf = |body: &Value| {
        let body = body.to_string();
        let sign = base64(md5(format!("{body}&15&key")).as_bytes());
        let query = format!("sign={}", sign.replace('=', "%3D").replace('+', "%2B"));
        Try::of("sf", body).with("secret", "key").with("param", "dev_id=15").with("query", &query).run()
    };
    for (status, kind) in [
        (10, "order.assigned"),
        (15, "order.picked_up"),
        (17, "order.delivered"),
        (2, "order.cancelled"),
        (22, "order.unassigned"),
    ] {
        let told = sf(
            &json!({"sf_order_id": "3", "shop_order_id": "M17", "order_status": status, "push_time": 1_772_339_608}),
        );
        assert_eq!(told.kinds(), [kind], "{status}");
    }
    let trouble = sf(
        &json!({"sf_order_id": "3", "shop_order_id": "M17", "url_index": "rider_exception", "ex_content": "车坏了", "push_time": 1_772_339_608}),
    );
    assert_eq!(
        (trouble.kinds(), &trouble.event()["order"]["reason"]),
        (vec!["delivery.exception"], &json!("车坏了"))
    );
}

/// A push of 饿了么, signed.
fn eleme(push_type: i64, message: &Value) -> Told {
    let mut push = json!({"appId": 6, "requestId": "r1", "type": push_type, "message": message.to_string(), "shopId": 968,
        "timestamp": 1_772_339_412_053_i64, "userId": 100_452_735_447_201_579_i64});
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut pairs: Vec<String> =
        push.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
    pairs.sort_unstable();
    push["signature"] = md5(format!("{}s", pairs.concat())).to_uppercase().into();
    Try::of("eleme", push.to_string()).with("secret", "s").run()
}

#[test]
fn eleme_tells_of_orders_reminders_and_waybills() {
    let new = eleme(
        10,
        &json!({"id": "8012", "orderId": "8012", "shopName": "测试面馆", "daySn": 6, "activeAt": "2026-03-01T12:28:05",
        "description": "少放辣", "totalPrice": 17.0, "consignee": "某某(先生)", "phoneList": ["13000000011"], "address": "某处 9 号"}),
    );
    let event = new.event();
    assert_eq!(
        (&event["kind"], &event["order"]["short_no"], &event["order"]["merchant"]["name"]),
        (&json!("order.paid"), &json!("6"), &json!("测试面馆"))
    );
    let at: jiff::Timestamp = event["occurred_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(at.as_second(), 1_772_339_285, "a time without a zone is +08:00");
    assert!(!event.to_string().contains("某"), "{event}");
    assert_eq!(
        eleme(45, &json!({"orderId": "8012", "remindId": 1, "updateTime": 1_772_339_412})).kinds(),
        ["order.urged"]
    );
    assert_eq!(
        eleme(20, &json!({"orderId": "8012", "refundStatus": "applied"})).kinds(),
        ["order.cancel_requested"]
    );
    for (state, kind) in
        [("valid", "order.confirmed"), ("invalid", "order.cancelled"), ("settled", "order.delivered")]
    {
        assert_eq!(eleme(12, &json!({"orderId": "8012", "state": state, "updateTime": 1})).kinds(), [kind]);
    }
    let waybills = [
        ("tobeAssignedCourier", "order.available"),
        ("tobeFetched", "order.assigned"),
        ("arrived", "rider.arrived_store"),
        ("delivering", "order.picked_up"),
        ("completed", "order.delivered"),
        ("cancelled", "order.unassigned"),
        ("reject", "delivery.exception"),
    ];
    for (state, kind) in waybills {
        assert_eq!(
            eleme(53, &json!({"orderId": "8012", "state": state, "updateAt": 1_772_339_512_000_i64})).kinds(),
            [kind],
            "{state}"
        );
    }
    let open = eleme(91, &json!({"shopId": 968}));
    assert_eq!((open.code, open.ack(), &open.json["ignored"]), (1, r#"{"message":"ok"}"#, &json!(1)));
}

#[test]
fn meituan_waimai_names_its_events_in_the_path() {
    let url = "https://hook.example.com/in/meituan";
    let waimai = |event: &str, fields: &[(&str, &str)]| {
        let mut sorted = fields.to_vec();
        sorted.sort_unstable();
        let pairs: Vec<String> = sorted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = if event.is_empty() { url.to_owned() } else { format!("{url}/{event}") };
        let sig = md5(format!("{url}?{}s", pairs.join("&")));
        let tried = Try::of("meituan_waimai", format!("{}&sig={sig}", pairs.join("&")))
            .with("secret", "s")
            .with("url", &url);
        if event.is_empty() { tried.run() } else { tried.with("event", event).run() }
    };
    let order = ("order_id", "27012345678901234");
    for (event, kind) in [
        ("cancel", "order.cancelled"),
        ("urge", "order.urged"),
        ("confirm", "order.confirmed"),
        ("finish", "order.delivered"),
    ] {
        let told = waimai(event, &[order, ("timestamp", "1")]);
        assert_eq!((told.kinds(), &told.event()["order"]["id"]), (vec![kind], &json!(order.1)), "{event}");
    }
    for (status, kind) in [
        ("10", "order.assigned"),
        ("15", "rider.arrived_store"),
        ("20", "order.picked_up"),
        ("40", "order.delivered"),
        ("100", "order.unassigned"),
    ] {
        let told = waimai(
            "",
            &[
                order,
                ("logistics_status", status),
                ("time", "1772339400"),
                ("dispatcher_mobile", "13000000006"),
            ],
        );
        assert_eq!(told.kinds(), [kind], "{status}");
        assert!(
            !told.event()["id"].as_str().unwrap().starts_with("mtwm:"),
            "a delivery status has an id of its own"
        );
    }
    assert_eq!(waimai("", &[order, ("notify_type", "apply")]).kinds(), ["order.cancel_requested"]);
    assert_eq!(waimai("", &[order, ("notify_type", "agree")]).kinds(), ["order.cancelled"]);
    assert_eq!(
        waimai("", &[order, ("notify_type", "agree"), ("money", "3")]).json["ignored"],
        1,
        "a part of it"
    );
    let probe = Try::of("meituan_waimai", "").with("secret", "s").run();
    assert_eq!((&probe.json["verdict"], probe.ack()), (&json!("probe"), r#"{"data":"ok"}"#));
}

fn uber(body: &Value) -> Told {
    let body = body.to_string();
    let sign = hex(&hmac_sha256("k", &body));
    Try::of("uber_direct", body)
        .with("secret", "k")
        .with("header", &format!("X-Uber-Signature: {sign}"))
        .run()
}

#[test]
fn uber_positions_are_noise_and_two_fields_make_the_kind() {
    let noise = uber(
        &json!({"kind": "event.courier_update", "id": "e1", "delivery_id": "d1", "data": {}, "location": {"lat": 1.0}}),
    );
    assert_eq!(
        (noise.code, &noise.json["verified"], &noise.json["verdict"]),
        (1, &json!(true), &json!("filtered")),
        "{noise:#?}"
    );
    assert_eq!((&noise.json["ignored"], &noise.json["ack"]["status"]), (&json!(1), &json!(200)));
    let told = |status: &str, imminent: bool| {
        uber(
            &json!({"kind": "event.delivery_status", "id": "e2", "delivery_id": "d1", "status": status, "created": "2026-03-01T04:30:09.173Z",
            "data": {"courier_imminent": imminent}}),
        )
    };
    assert_eq!(told("pickup", false).kinds(), ["order.assigned"]);
    assert_eq!(told("pickup", true).kinds(), ["rider.arriving_store"]);
    assert_eq!(told("dropoff", false).kinds(), ["order.picked_up"]);
    assert_eq!(told("delivered", true).kinds(), ["order.delivered"]);
    assert_eq!(told("canceled", false).kinds(), ["order.cancelled"]);
    assert_eq!(told("returned", false).kinds(), ["order.returned"]);
    assert_eq!(uber(&json!({"kind": "event.refund_request", "id": "e3"})).json["ignored"], 1);
}

#[test]
fn onfleet_checks_an_address_and_tells_duty() {
    let check =
        Try::of("onfleet", "").with("secret", "6f").with("method", "GET").with("query", "check=x%20y").run();
    assert_eq!(
        (check.ack(), &check.json["ack"]["status"], &check.json["verdict"]),
        ("x y", &json!(200), &json!("probe")),
        "{check:#?}"
    );
    let onfleet = |body: &Value| {
        let body = body.to_string();
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA512, b"o");
        let sign = hex(aws_lc_rs::hmac::sign(&key, body.as_bytes()).as_ref());
        Try::of("onfleet", body)
            .with("secret", "6f")
            .with("header", &format!("X-Onfleet-Signature: {sign}"))
            .run()
    };
    for (status, on) in [(0, false), (1, true)] {
        let duty = onfleet(
            &json!({"workerId": "w1", "status": status, "triggerId": 5, "time": 1_772_339_405_000_i64, "data": {"worker": {"id": "w1"}}}),
        );
        let event = duty.event();
        assert_eq!(
            (&event["kind"], &event["ext"]["on_duty"], &event["target"]["riders"]),
            (&json!("rider.duty"), &json!(on), &json!(["w1"])),
            "{duty:#?}"
        );
    }
    let task = |trigger: i64, pickup: bool| {
        onfleet(
            &json!({"taskId": "t1", "workerId": "w1", "triggerId": trigger, "time": 1, "data": {"task": {"pickupTask": pickup, "metadata": []}}}),
        )
    };
    assert_eq!(task(3, false).kinds(), ["order.delivered"]);
    assert_eq!(task(3, true).kinds(), ["order.picked_up"]);
    assert_eq!(task(10, false).kinds(), ["order.unassigned"]);
    assert_eq!(task(4, false).kinds(), ["delivery.exception"]);
    assert_eq!(task(9, false).event()["order"]["id"], "t1", "without a number of the order's own");
    assert_eq!(task(14, false).json["ignored"], 1);
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

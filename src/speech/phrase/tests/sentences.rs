//! The sentences of the canonical order: kind, what the card shows, what is said.
//! Whoever changes a phrase reads the new sentence here as riders will hear it.

use std::fmt::Write as _;

use super::*;

const MANDARIN: [(&str, &str, &str); 24] = [
    (
        "order.new",
        "您有新的美团订单，测试面馆，1.2公里，请及时接单",
        "您有新的美团订单，测试面馆，一点二公里，请及时接单",
    ),
    (
        "order.paid",
        "您有新的美团订单，测试面馆，1.2公里，请及时接单",
        "您有新的美团订单，测试面馆，一点二公里，请及时接单",
    ),
    (
        "order.offered",
        "您有新的美团派单，测试面馆，1.2公里，5.8元，请确认",
        "您有新的美团派单，测试面馆，一点二公里，五元八角，请确认",
    ),
    (
        "order.available",
        "附近有新订单，测试面馆到测试小区，5.8元，快去抢单",
        "附近有新订单，测试面馆到测试小区，五元八角，快去抢单",
    ),
    (
        "order.assigned",
        "新订单已派给您，美团17号，测试面馆，请尽快取餐",
        "新订单已派给您，美团十七号，测试面馆，请尽快取餐",
    ),
    (
        "order.cancelled",
        "订单取消，美团17号，测试面馆，请不要取餐",
        "订单取消，美团十七号，测试面馆，请不要取餐",
    ),
    (
        "order.reassigned_away",
        "美团17号单已改派给其他骑手，无需配送",
        "美团十七号单已改派给其他骑手，无需配送",
    ),
    ("order.changed", "美团17号单信息已修改，请查看", "美团十七号单信息已修改，请查看"),
    (
        "order.urged",
        "美团17号单，尾号0006的顾客催单，请尽快送达",
        "美团十七号单，尾号零零零六的顾客催单，请尽快送达",
    ),
    (
        "order.timeout_soon",
        "美团17号单即将超时，请在13:05前送达",
        "美团十七号单即将超时，请在十三点零五分前送达",
    ),
    ("order.overdue", "美团17号单已超时，请立即送达", "美团十七号单已超时，请立即送达"),
    ("order.ready", "测试面馆，美团17号单已出餐，请取餐", "测试面馆，美团十七号单已出餐，请取餐"),
    (
        "order.delayed_by_store",
        "测试面馆，17号单出餐较慢，请合理安排路线",
        "测试面馆，十七号单出餐较慢，请合理安排路线",
    ),
    ("order.taken", "测试面馆的订单已被抢走", "测试面馆的订单已被抢走"),
    ("order.grabbed", "抢单成功，美团17号，请前往测试面馆取餐", "抢单成功，美团十七号，请前往测试面馆取餐"),
    (
        "transfer.requested",
        "张师傅请求把美团17号单转给您，测试面馆，请确认",
        "张师傅请求把美团十七号单转给您，测试面馆，请确认",
    ),
    ("delivery.exception", "美团17号单异常，请联系站长", "美团十七号单异常，请联系站长"),
    ("income.received", "到账5.8元", "到账五元八角"),
    ("shift.reminder", "您的班次即将开始，请做好准备", "您的班次即将开始，请做好准备"),
    ("rider.forced_offline", "您已自动下线，请重新上线", "您已自动下线，请重新上线"),
    ("announcement", "今天有大雨，19:00前注意安全", "今天有大雨，十九点整前注意安全"),
    ("safety", "安全提醒，今天有大雨，19:00前注意安全", "安全提醒，今天有大雨，十九点整前注意安全"),
    ("device.test", "语音测试，收到请点击确认", "语音测试，收到请点击确认"),
    ("merge", "您有2个新订单，请查看", "您有两个新订单，请查看"),
];

#[test]
fn the_canonical_order_is_said_in_mandarin() {
    assert_eq!(MANDARIN.len(), KINDS.len());
    check(Lang::ZhCn, &order(), &MANDARIN);
}

#[test]
fn the_canonical_order_is_said_in_cantonese_and_english() {
    check(
        Lang::Yue,
        &order(),
        &[
            (
                "order.offered",
                "你有新嘅美團派單，测试面馆，1.2公里，5.8元，請確認",
                "你有新嘅美團派單，测试面馆，一點二公里，五蚊八毫，請確認",
            ),
            (
                "order.timeout_soon",
                "美團17號單就快超時，請喺13:05前送到",
                "美團十七號單就快超時，請喺十三點零五分前送到",
            ),
            (
                "order.urged",
                "美團17號單，尾號0006嘅客人催單，請盡快送到",
                "美團十七號單，尾號零零零六嘅客人催單，請盡快送到",
            ),
            ("merge", "你有2張新單，請睇吓", "你有兩張新單，請睇吓"),
        ],
    );
    let mut english = order();
    // A name in Han characters counts as absent.
    check(
        Lang::En,
        &english,
        &[
            (
                "order.offered",
                "New Meituan offer, 1.2 km, 5.8 yuan. Please confirm.",
                "New Meituan offer, one point two kilometers, five point eight yuan. Please confirm.",
            ),
            (
                "order.timeout_soon",
                "Meituan number 17 is almost late. Deliver it before 13:05.",
                "Meituan number seventeen is almost late. Deliver it before one oh five p m.",
            ),
            (
                "order.urged",
                "Meituan number 17, the customer ending 0006 is waiting. Please hurry.",
                "Meituan number seventeen, the customer ending zero zero zero six is waiting. Please hurry.",
            ),
            ("merge", "You have 2 new orders. Please check.", "You have two new orders. Please check."),
        ],
    );
    english.insert("merchant".to_owned(), json!("Test Noodles (Main Street)"));
    check(
        Lang::En,
        &english,
        &[(
            "order.taken",
            "The order from Test Noodles (Main S is gone.",
            "The order from Test Noodles, Main S is gone.",
        )],
    );
}

fn check(lang: Lang, values: &Map<String, Json>, table: &[(&str, &str, &str)]) {
    let mut wrong = String::new();
    for (kind, text, said) in table {
        let rendered = render(kind, lang, values);
        if (rendered.text.as_str(), rendered.said.text().as_str()) != (*text, *said) || rendered.lang != lang
        {
            let _ = writeln!(wrong, "{kind}: {rendered:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

//! What each filter makes of its values: template, value, and what is shown and said if it can be.
//! `None` means that the phrase is passed over.

use std::fmt::Write as _;

use super::*;

type Case = (&'static str, fn() -> Json, Option<(&'static str, &'static str)>);

const CASES: &[Case] = &[
    ("{{ x|digits }}", || json!("0006"), Some(("0006", "零零零六"))),
    ("{{ x|digits }}", || json!("1101"), Some(("1101", "幺幺零幺"))),
    ("{{ x|digits }}", || json!("13800138000"), None),
    ("{{ x|digits }}", || json!("00 6"), None),
    ("{{ x|money }}", || json!(580), Some(("5.8元", "五元八角"))),
    ("{{ x|money }}", || json!(500), Some(("5元", "五元"))),
    ("{{ x|money }}", || json!(5), Some(("0.05元", "五分"))),
    ("{{ x|money }}", || json!(1205), Some(("12.05元", "十二元零五分"))),
    ("{{ x|money }}", || json!(-550), Some(("-5.5元", "负五元五角"))),
    ("{{ x|money }}", || json!("580"), Some(("5.8元", "五元八角"))),
    ("{{ x|money }}", || json!(5.5), None),
    ("{{ x|money }}", || json!(1e300), None),
    ("{{ x|money }}", || json!(i64::MIN + 1), None),
    ("{{ x|distance }}", || json!(3), Some(("10米", "十米"))),
    ("{{ x|distance }}", || json!(823), Some(("820米", "八百二十米"))),
    ("{{ x|distance }}", || json!(996), Some(("1公里", "一公里"))),
    ("{{ x|distance }}", || json!(1949), Some(("1.9公里", "一点九公里"))),
    ("{{ x|distance }}", || json!(2010), Some(("2公里", "两公里"))),
    ("{{ x|distance }}", || json!(12_499), Some(("12公里", "十二公里"))),
    ("{{ x|distance }}", || json!(-1), None),
    ("{{ x|minutes }}", || json!(2), Some(("2分钟", "两分钟"))),
    ("{{ x|minutes }}", || json!(100_000), None),
    ("{{ x|clock }}", || json!(1_772_341_500_000_i64), Some(("13:05", "十三点零五分"))),
    ("{{ x|clock }}", || json!("2026-03-01T05:30:00Z"), Some(("13:30", "十三点半"))),
    ("{{ x|clock }}", || json!("soon"), None),
    ("{{ x|clock }}", || json!(i64::MAX), None),
    ("{{ x|count }}个", || json!(2), Some(("2个", "两个"))),
    ("{{ x|count }}个", || json!(-2), None),
    ("{{ x|code }}号", || json!("17"), Some(("17号", "十七号"))),
    ("{{ x|code }}号", || json!(17), Some(("17号", "十七号"))),
    ("{{ x|code }}号", || json!("#17"), Some(("17号", "十七号"))),
    ("{{ x|code }}号", || json!("2"), Some(("2号", "二号"))),
    ("{{ x|code }}号", || json!("0017"), Some(("0017号", "零零幺七号"))),
    ("{{ x|code }}号", || json!("A17"), Some(("A17号", "A十七号"))),
    ("{{ x|code }}号", || json!("M20260301000017"), None),
    ("{{ x|code }}号", || json!("十七"), None),
    ("{{ x|platform }}", || json!("Meituan"), Some(("美团", "美团"))),
    ("{{ x|platform }}", || json!("自营商城"), Some(("自营商城", "自营商城"))),
    ("{{ x|platform }}", || json!("pos_terminal_7"), None),
    ("{{ x|shop }}", || json!("测试面馆（人民路店）"), Some(("测试面馆", "测试面馆"))),
    ("{{ x|shop }}", || json!("测试面馆(旗舰店) "), Some(("测试面馆", "测试面馆"))),
    ("{{ x|shop }}", || json!("（人民路店）"), Some(("（人民路店）", "人民路店"))),
    ("{{ x|shop }}", || json!("85度C咖啡"), Some(("85度C咖啡", "八十五度C咖啡"))),
    ("{{ x|shop }}", || json!("测试面馆13800138000"), Some(("测试面馆", "测试面馆"))),
    ("{{ x|shop }}", || json!("😋"), None),
    ("{{ x|area }}", || json!("测试小区3栋2单元1201室"), Some(("测试小区", "测试小区"))),
    ("{{ x|area }}", || json!("测试路128号"), Some(("测试路", "测试路"))),
    ("{{ x|area }}", || json!("3号楼"), None),
    ("{{ x|name }}", || json!("张师傅138"), Some(("张师傅", "张师傅"))),
    ("{{ x }}", || json!("18:30 出发"), Some(("18:30 出发", "十八点半 出发"))),
    ("{{ x|text }}", || json!("好".repeat(121)), None),
    ("{{ x|spoken }}", || json!({"a": 1}), None),
    ("{{ x|spoken }}", || json!(true), None),
    ("{{ x.y|shop }}", || json!({"y": "测试面馆"}), Some(("测试面馆", "测试面馆"))),
    ("{{ x.z|shop }}", || json!({"y": "测试面馆"}), None),
    (
        "请在18:30前到，加5元，{{ x|count }}份",
        || json!(2),
        Some(("请在18:30前到，加5元，2份", "请在十八点半前到，加五元，两份")),
    ),
];

#[test]
fn slots_show_and_say_their_values() {
    let mut wrong = String::new();
    for (template, value, expected) in CASES {
        let value = value();
        let got = slot(template, &value);
        if got.as_ref().map(|(text, said)| (text.as_str(), said.as_str())) != *expected {
            let _ = writeln!(wrong, "{template} of {value}: {got:?}, not {expected:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_name_without_end_is_cut() {
    let (text, said) = slot("{{ x|shop }}", &json!("面".repeat(10_240))).unwrap();
    assert_eq!((text.chars().count(), said.chars().count()), (20, 20));
}

/// Renders one slot in Mandarin.
fn slot(template: &str, value: &Json) -> Option<(String, String)> {
    let phrase = Phrase::compile(template, Lang::ZhCn).unwrap();
    let rendered = phrase.render(&vars(json!({ "x": value })), CHINA, &Lexicon::none())?;
    Some((rendered.text, rendered.said.text()))
}

#[test]
fn an_address_is_said_to_the_door_by_an_apps_own_phrase_only() {
    let door = |address: &str| slot("{{ x|address }}", &json!(address));
    let said = |address: &str| door(address).map(|(_, said)| said);
    assert_eq!(
        door("软件园3-2-1201"),
        Some(("软件园3-2-1201".to_owned(), "软件园三栋二单元幺二零幺".to_owned()))
    );
    assert_eq!(said("科技园南区T3栋1808").as_deref(), Some("科技园南区T三栋幺八零八"));
    assert_eq!(said("测试大厦 1201").as_deref(), Some("测试大厦幺二零幺"));
    assert_eq!(said("软件园二期1201").as_deref(), Some("软件园二期幺二零幺"));
    assert_eq!(said("测试花园1201放门口").as_deref(), Some("测试花园幺二零幺放门口"));
    assert_eq!(said("建国路88号").as_deref(), Some("建国路八十八号"));
    // A telephone number in it is neither shown nor said.
    assert_eq!(door("3栋 13800138000"), Some(("3栋".to_owned(), "三栋".to_owned())));
    assert_eq!(said("3栋 138****8607").as_deref(), Some("三栋"));
    assert_eq!(door(&"路".repeat(61)), None);
    for kind in KINDS {
        for phrase in Lang::ALL.iter().flat_map(|lang| phrases().of(kind, *lang)) {
            assert!(!phrase.template().contains("address"), "{}", phrase.template());
        }
    }
}

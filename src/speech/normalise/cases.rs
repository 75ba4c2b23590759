//! What is written and what is heard, as tables; and the promises that hold for any text.
//! A reported misreading becomes a line here before it becomes a rule.

mod en;
mod en_more;
mod reported;
mod yue;
mod yue_more;
mod zh;
mod zh_amounts;
mod zh_codes;
mod zh_money;
mod zh_orders;
mod zh_places;
mod zh_signs;
mod zh_times;

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{SAID_CHARS_MAX, normalise};
use crate::speech::Lang;

fn check(lang: Lang, cases: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (written, heard) in cases {
        let said = normalise(written, lang);
        if said != *heard {
            let _ = writeln!(wrong, "{written:?} -> {said:?}, not {heard:?}");
        }
        assert_eq!(normalise(&said, lang), said, "{written:?} is not stable");
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn hostile_lengths_are_bounded_in_every_language() {
    for lang in Lang::ALL {
        for text in ["1".repeat(50_000), "[".repeat(50_000), "1:".repeat(25_000), "¥9.99 ".repeat(9_000)] {
            assert!(normalise(&text, lang).chars().count() <= SAID_CHARS_MAX);
        }
    }
}

/// What the rules know a number by, and what they take out.
const MARKS: [&str; 62] = [
    "元",
    "块",
    "公里",
    "km",
    "米",
    "分钟",
    "号",
    "号楼",
    "室",
    "层",
    "B",
    "F",
    "%",
    "°C",
    "尾号",
    "取餐码",
    "年",
    "月",
    "点",
    "折",
    "份",
    "个",
    "第",
    "到",
    "万",
    "单元",
    "座",
    "室",
    "#",
    "转",
    "送到",
    "剩余",
    "和",
    "£",
    "'",
    "×",
    "半斤",
    "块",
    "两",
    "满",
    "减",
    "后",
    "AM",
    "w",
    "x",
    "±",
    "½",
    "①",
    "密码",
    "按",
    "周",
    "公交",
    "电话",
    "QQ",
    "Apt",
    "地下",
    "[[",
    "]]",
    "<b>",
    "😋",
    "\u{200b}",
    "１２",
];

/// Pieces that rules look at, so that random texts reach them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,13}",
        "[0-9]{1,4}[-.:/~][0-9]{1,4}",
        "1[3-9][0-9]{9}",
        "[¥#+*×-]",
        "[A-Za-z]{1,6}",
        "[ ,.!?&，。：]",
        prop::sample::select(&MARKS[..]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn any_text_becomes_speakable(text in any::<String>()) {
        for lang in Lang::ALL {
            speakable(&normalise(&text, lang), lang)?;
        }
    }

    #[test]
    fn any_mixture_of_written_forms_becomes_speakable(
        pieces in prop::collection::vec(piece(), 0..24)
    ) {
        let text = pieces.concat();
        for lang in Lang::ALL {
            speakable(&normalise(&text, lang), lang)?;
        }
    }
}

fn speakable(said: &str, lang: Lang) -> Result<(), TestCaseError> {
    prop_assert!(said.chars().count() <= SAID_CHARS_MAX);
    prop_assert!(!said.contains(|c: char| c.is_ascii_digit() || c.is_control() || "[]<>$`|\\".contains(c)));
    prop_assert_eq!(said.trim(), said);
    prop_assert_eq!(normalise(said, lang), said);
    Ok(())
}

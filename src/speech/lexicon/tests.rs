//! What a lexicon does to sentences, and what it refuses.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::speech::{Phrase, Phrases, free_text};

fn entry(word: &str, said: &str, pinyin: &str) -> LexiconEntry {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    LexiconEntry { word: word.to_owned(), said: given(said), pinyin: given(pinyin) }
}

fn mandarin(entries: &[(&str, &str, &str)]) -> Lexicon {
    let entries: Vec<_> = entries.iter().map(|(word, said, pinyin)| entry(word, said, pinyin)).collect();
    Lexicon::compile(Lang::ZhCn, &entries).unwrap()
}

fn said(text: &str, lexicon: &Lexicon) -> String {
    free_text(text, Lang::ZhCn, lexicon).unwrap().said.encoded()
}

#[test]
fn words_are_respelled_before_numbers_are_read() {
    let lexicon = mandarin(&[
        ("7-11", "七 十一", ""),
        ("M记", "麦记", ""),
        ("M记甜品", "麦当劳甜品", ""),
        ("麦", "卖", ""),
        ("OK", "欧凯", ""),
        ("2号院", "贰号院", ""),
    ]);
    assert_eq!(said("去7-11取餐", &lexicon), "去七 十一取餐");
    // The longest word wins, and what was put there is not looked at again.
    assert_eq!(said("M记甜品和M记", &lexicon), "麦当劳甜品和麦记");
    assert_eq!(said("麦", &lexicon), "卖");
    // Never inside an ASCII word.
    assert_eq!(said("OKR和OK便利店", &lexicon), "O K R和欧凯便利店");
    assert_eq!(said("17-11", &lexicon), "十七杠十一");
    assert_eq!(said("12号院", &lexicon), "十二号院");
    assert_eq!(said("2号院", &lexicon), "贰号院");
    assert_eq!(said("没有", &lexicon), "没有");
}

#[test]
fn readings_stand_at_the_parts_that_have_the_word() {
    let lexicon = mandarin(&[
        ("重庆", "", "chong2 qing4"),
        ("重庆路", "", "chong2 qing4 lu4"),
        ("长沙", "常沙", "chang2 sha1"),
        ("2单", "", "dan1"),
    ]);
    let phrase = Phrase::compile("新订单，{{ merchant|shop }}，请取餐", Lang::ZhCn).unwrap();
    let serde_json::Value::Object(vars) = json!({"merchant": "重庆小面重庆路店"}) else { panic!() };
    let rendered =
        Phrases::embedded().render("order.new", Lang::ZhCn, &[phrase], &vars, 0, &lexicon).unwrap();
    let parts: Vec<_> =
        rendered.said.parts().iter().map(|part| (part.text(), part.readings().len())).collect();
    assert_eq!(parts, [("新订单，", 0), ("重庆小面重庆路店，", 2), ("请取餐", 0)]);
    let long = Lexicon::readings(&lexicon, "重庆路", Lang::ZhCn);
    assert_eq!(long, [Reading { word: "重庆路".to_owned(), pinyin: "chong2 qing4 lu4".to_owned() }]);
    // Respelled, with the reading at what is said.
    let changsha = Lexicon::readings(&lexicon, "常沙臭豆腐", Lang::ZhCn);
    assert_eq!(changsha[0].word, "常沙");
    assert_eq!(said("长沙", &lexicon), "常沙\u{1e}常沙\u{1d}chang2 sha1");
    // A lexicon is for its own language.
    assert!(lexicon.readings("重庆", Lang::Yue).is_empty());
    assert_eq!(lexicon.respelled("长沙", Lang::Yue), "长沙");
}

#[test]
fn a_shown_name_stays_as_it_is_written() {
    let lexicon = mandarin(&[("海底捞", "海底劳", ""), ("您有", "你有", "")]);
    let serde_json::Value::Object(vars) = json!({"merchant": "海底捞火锅"}) else { panic!() };
    let rendered = Phrases::embedded().render("order.new", Lang::ZhCn, &[], &vars, 0, &lexicon).unwrap();
    assert_eq!(rendered.text, "您有新的订单，海底捞火锅，请及时接单");
    assert_eq!(rendered.said.text(), "你有新的订单，海底劳火锅，请及时接单");
    assert_eq!(rendered.said.parts().len(), 3);
}

#[test]
fn the_more_specific_lexicon_wins_word_by_word() {
    let general = mandarin(&[("甲", "一", ""), ("乙", "二", "")]);
    let specific = mandarin(&[("乙", "三", ""), ("丙", "四", "")]);
    let both = general.then(&specific);
    assert_eq!(said("甲，乙，丙", &both), "一，三，四");
    assert_eq!(said("甲，乙，丙", &general.then(&Lexicon::none())), "一，二，丙");
    assert_eq!(said("甲，乙，丙", &Lexicon::none().then(&specific)), "甲，三，四");
    let english = Lexicon::compile(Lang::En, &[entry("Xi'an", "Shee ahn", "")]).unwrap();
    assert_eq!(english.then(&general).respelled("甲", Lang::ZhCn), "一");
    assert_eq!(free_text("Xi'an Noodles", Lang::En, &english).unwrap().said.text(), "Shee ahn Noodles");
    assert!(Lexicon::compile(Lang::ZhCn, &[]).unwrap().is_empty());
}

#[test]
fn a_bad_word_is_refused_with_its_place() {
    let long = "好".repeat(31);
    let said_long = "好".repeat(61);
    let cases = [
        (Lang::ZhCn, entry("", "好", ""), "the word is empty"),
        (Lang::ZhCn, entry(" 好", "好", ""), "the word begins or ends with a space"),
        (Lang::ZhCn, entry(&long, "好", ""), "the word is longer than 30 characters"),
        (Lang::ZhCn, entry("好", &said_long, ""), "what is said is longer than 60 characters"),
        (Lang::ZhCn, entry("😋", "好", ""), "the word has nothing to say"),
        (Lang::ZhCn, entry("好", "，！", ""), "what is said has nothing to say"),
        (Lang::ZhCn, entry("好", "", ""), "a word needs what is said for it, or its pinyin"),
        (Lang::ZhCn, entry("a\u{7}", "好", ""), "the word contains a control character or an invisible one"),
        (
            Lang::ZhCn,
            entry("a\u{200b}b", "好", ""),
            "the word contains a control character or an invisible one",
        ),
        (
            Lang::ZhCn,
            entry("好", "[[h@]]", ""),
            "what is said contains '['; brackets and marks of markup are refused",
        ),
        (
            Lang::ZhCn,
            entry("<b>", "好", ""),
            "the word contains '<'; brackets and marks of markup are refused",
        ),
        (
            Lang::ZhCn,
            entry("店（一）", "好", ""),
            "the word contains '（'; brackets and marks of markup are refused",
        ),
        (
            Lang::ZhCn,
            entry("重庆", "", "chong2"),
            "the pinyin has 1 syllables, but the word has 2 Han characters",
        ),
        (
            Lang::ZhCn,
            entry("KFC", "", "ken3"),
            "the pinyin has 1 syllables, but the word has 0 Han characters",
        ),
        (Lang::En, entry("Xi'an", "西安", ""), "an English voice cannot say Han characters"),
        (Lang::En, entry("西安", "", "xi1 an1"), "an English voice has no pinyin"),
    ];
    for (lang, wrong, problem) in cases {
        let error = Lexicon::compile(lang, &[entry("x", "y", ""), wrong.clone()]).unwrap_err();
        assert_eq!((error.place, error.problem.as_str()), (1, problem), "{wrong:?}");
    }
}

#[test]
fn pinyin_is_a_syllable_with_a_tone_for_each_character() {
    for pinyin in [
        "chong2  qing4",
        "Chong2 qing4",
        "chong2 qing",
        "chong qing4",
        "chong2 qing44",
        "2 4",
        "chong2,qing4",
        "chong6 qing4",
        "",
    ] {
        let wrong = LexiconEntry { pinyin: Some(pinyin.to_owned()), ..entry("重庆", "", "") };
        assert!(Lexicon::compile(Lang::ZhCn, &[wrong]).unwrap_err().problem.contains("chong2"), "{pinyin:?}");
    }
    for pinyin in ["lv4 se4", "lü4 se4", "lu:4 se4", "de5 r5"] {
        assert!(Lexicon::compile(Lang::ZhCn, &[entry("绿色", "", pinyin)]).is_ok(), "{pinyin}");
    }
}

#[test]
fn words_are_there_once_and_not_without_end() {
    let twice = Lexicon::compile(Lang::ZhCn, &[entry("行", "航", ""), entry("行", "形", "")]).unwrap_err();
    assert_eq!(twice.to_string(), "word 1: the word \"行\" is there twice");
    let many: Vec<_> = (0..2_001).map(|n| entry(&format!("字{n}"), "好", "")).collect();
    assert!(Lexicon::compile(Lang::ZhCn, &many[..2_000]).is_ok());
    let error = Lexicon::compile(Lang::ZhCn, &many).unwrap_err();
    assert_eq!(error.problem, "there are 2001 words, 2000 is the most");
}

#[test]
fn a_file_has_a_table_for_each_word() {
    let file = "[[zh-CN]]\nword = \"重庆\"\npinyin = \"chong2 qing4\"\n[[en]]\nword = \"Xi'an\"\nsaid = \"Shee ahn\"\n";
    let lists = Lexicon::from_toml(file).unwrap();
    assert_eq!(lists[&Lang::ZhCn], [entry("重庆", "", "chong2 qing4")]);
    assert_eq!(lists[&Lang::En].len(), 1);
    assert!(Lexicon::from_toml("").unwrap().is_empty());
    let wrong = |file: &str| Lexicon::from_toml(file).unwrap_err().to_string();
    assert_eq!(
        wrong("[[zh-CN]]\nword = \"好\"\n"),
        "zh-CN, word 0: a word needs what is said for it, or its pinyin"
    );
    assert_eq!(wrong("[[fr]]\nword = \"bon\"\nsaid = \"bong\"\n"), "\"fr\" is none of zh-CN, yue, en");
    assert!(wrong("[[zh-CN]]\nword = \"好\"\nsiad = \"号\"\n").contains("siad"));
    assert!(
        wrong("[[zh]]\nword=\"好\"\nsaid=\"号\"\n[[zh-CN]]\nword=\"好\"\nsaid=\"号\"").contains("already")
    );
    assert!(wrong("[[").contains("TOML"));
}

proptest! {
    #[test]
    fn no_word_is_left_and_nothing_else_is_touched(
        text in "[重庆路换A-C0-9， ]{0,40}",
        words in prop::collection::btree_set("[重庆路]{1,4}", 1..6),
    ) {
        let entries: Vec<_> = words.iter().map(|word| entry(word, "换", "")).collect();
        let lexicon = Lexicon::compile(Lang::ZhCn, &entries).unwrap();
        let respelled = lexicon.respelled(&text, Lang::ZhCn);
        prop_assert!(words.iter().all(|word| !respelled.contains(word.as_str())), "{respelled}");
        let others = |text: &str| text.replace(['重', '庆', '路', '换'], "");
        prop_assert_eq!(others(&respelled), others(&text));
    }
}

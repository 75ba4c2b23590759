//! Where sentences are cut, and that the parts are always the whole.

use super::*;

/// The parts of a template's sentence with the canonical order's values.
fn parts(template: &str, lang: Lang) -> Vec<String> {
    let phrase = Phrase::compile(template, lang).unwrap();
    let rendered = phrase.render(&order(), CHINA, &Lexicon::none()).unwrap();
    rendered.said.parts().iter().map(|part| part.text().to_owned()).collect()
}

#[test]
fn a_sentence_is_cut_at_its_slots() {
    assert_eq!(
        parts(phrases().of("order.offered", Lang::ZhCn)[0].template(), Lang::ZhCn),
        ["您有新的", "美团", "派单，", "测试面馆，", "一点二公里，", "五元八角，", "请确认"]
    );
    assert_eq!(
        parts(phrases().of("order.urged", Lang::ZhCn)[0].template(), Lang::ZhCn),
        ["美团", "十七", "号单，尾号", "零", "零", "零", "六", "的顾客催单，请尽快送达"]
    );
    assert_eq!(
        parts("The customer ending {{ tail|digits }} is waiting.", Lang::En),
        ["The customer ending ", "zero ", "zero ", "zero ", "six ", "is waiting."]
    );
    assert_eq!(parts("喂！{{ text|spoken }}。", Lang::ZhCn), ["喂！", "今天有大雨，十九点整前注意安全。"]);
    let free = free_text("今天有大雨，注意安全", Lang::ZhCn, &Lexicon::none()).unwrap();
    assert_eq!(free.said.parts().len(), 1);
}

#[test]
fn codes_that_are_read_sign_by_sign_are_cut_so() {
    let code = |code: &str, lang| {
        let phrase = Phrase::compile("{{ x|code }}", lang).unwrap();
        let rendered = phrase.render(&vars(json!({ "x": code })), 0, &Lexicon::none()).unwrap();
        rendered.said.parts().iter().map(|part| part.text().to_owned()).collect::<Vec<_>>().join("|")
    };
    assert_eq!(code("0017", Lang::ZhCn), "零|零|幺|七");
    assert_eq!(code("12345", Lang::ZhCn), "幺|二|三|四|五");
    assert_eq!(code("17", Lang::ZhCn), "十七");
    assert_eq!(code("A17", Lang::ZhCn), "A十七");
    assert_eq!(code("17", Lang::En), "seventeen");
}

#[test]
fn a_rule_that_reads_over_a_slot_keeps_the_sentence_whole() {
    // The value is words by then; only what surrounds it can still be read together.
    assert_eq!(parts("第{{ short_no|code }}号", Lang::ZhCn), ["第", "十七", "号"]);
    assert_eq!(parts("Pick {{ short_no|code }}th", Lang::En), ["Pick ", "seventeenth"]);
    assert_eq!(parts("K{{ platform|platform }}", Lang::ZhCn), ["K", "美团"]);
}

proptest! {
    #[test]
    fn the_parts_are_the_whole(
        runs in prop::collection::vec("[A-Za-z0-9一二号楼室¥km.,，。！ ':-]{0,8}", 1..6),
        values in prop::collection::vec("[A-Za-z0-9一二号元 ,，。'-]{1,8}", 5),
        filters in prop::collection::vec(prop::sample::select(slots::names().to_vec()), 5),
    ) {
        for lang in Lang::ALL {
            let mut template = String::new();
            let mut spoken = String::new();
            let mut given = Map::new();
            for (at, run) in runs.iter().enumerate() {
                template.push_str(run);
                spoken.push_str(run);
                let (filter, value) = (filters[at % 5], json!(values[at % 5]));
                let slot = format!("{{{{ v{at}|{filter} }}}}");
                let alone = Phrase::compile(&slot, lang).unwrap();
                given.insert(format!("v{at}"), value);
                if let Some(said) = alone.render(&given, 0, &Lexicon::none()) {
                    template.push_str(&slot);
                    spoken.push_str(&said.said.text());
                }
            }
            let Ok(phrase) = Phrase::compile(&template, lang) else { continue };
            if let Some(rendered) = phrase.render(&given, 0, &Lexicon::none()) {
                prop_assert_eq!(rendered.said.text(), normalise(&spoken, lang));
            }
        }
    }
}

//! Which parts will be needed: the fixed runs of all phrases, and the values that come again and again.
//! A pause belongs to the part before it, so each value is made as the phrases have it, with its comma or without.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::slice::from_ref;

use serde_json::{Map, Value, json};

use super::{Lang, Lexicon, Phrase, Phrases};
use crate::domain::said::Part;

/// What is to be covered beside the fixed runs and the numbers.
#[derive(Clone, Copy, Debug)]
pub struct AheadOf<'a> {
    /// Names of merchants.
    pub merchants: &'a [String],
    /// Fees in cents, in steps of ten; none where riders hear no fees.
    pub fees_cents: Option<(u32, u32)>,
    /// The app's own phrases.
    pub own: &'a [Phrase],
    /// How words are said.
    pub lexicon: &'a Lexicon,
}

/// A slot as it stands in a phrase.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Slot {
    name: String,
    filter: String,
    /// The mark behind it.
    pause: Option<char>,
    /// Whether nothing else follows.
    is_last: bool,
}

/// Fees are told to a tenth of a yuan.
const FEE_STEP: usize = 10;
/// Numbers of orders that are spoken, on a busy day of one shop.
const SHORT_NO_MAX: u32 = 200;
/// Marks that are heard as a pause.
const PAUSES: [char; 14] = ['，', '。', '；', '：', '、', '！', '？', ',', '.', ';', ':', '!', '?', '…'];

impl Phrases {
    /// The parts that sentences of this language will be made of, each once.
    #[must_use]
    pub fn parts_ahead(&self, lang: Lang, of: &AheadOf<'_>) -> Vec<Part> {
        let embedded = self.kinds().flat_map(|kind| self.of(kind, lang));
        let phrases: Vec<&Phrase> =
            embedded.chain(of.own.iter().filter(|phrase| phrase.lang() == lang)).collect();
        let slots: BTreeSet<Slot> = phrases.iter().flat_map(|phrase| slots_of(phrase.template())).collect();
        let mut parts = Vec::new();
        for phrase in &phrases {
            parts.extend(self.fixed_runs(phrase, lang, of.lexicon));
        }
        for slot in &slots {
            for value in values(&slot.filter, of) {
                parts.extend(self.value_parts(slot, value, lang, of.lexicon));
            }
        }
        let mut seen = BTreeSet::new();
        parts.retain(|part| seen.insert(part.encoded()));
        parts
    }

    /// What a phrase says whatever its values are: the parts that two renderings share.
    fn fixed_runs(&self, phrase: &Phrase, lang: Lang, lexicon: &Lexicon) -> Vec<Part> {
        let parts = |sample: usize| {
            let slots = slots_of(phrase.template());
            let mut vars = Map::new();
            for Slot { name, filter, .. } in slots {
                put(&mut vars, &name, example(&filter, lang, sample));
            }
            let said = self.render(NO_KIND, lang, from_ref(phrase), &vars, 0, lexicon);
            said.map_or_else(Vec::new, |rendered| rendered.said.parts().to_vec())
        };
        let others = parts(1);
        parts(0).into_iter().filter(|part| others.contains(part)).collect()
    }

    /// The parts of one value. Unless it ends its phrase it is rendered with something behind it, so that its pause is that
    /// of a sentence.
    fn value_parts(&self, slot: &Slot, value: Value, lang: Lang, lexicon: &Lexicon) -> Vec<Part> {
        let Slot { name, filter, pause, is_last } = slot;
        let behind = match (is_last, lang) {
            (true, _) => "",
            (false, Lang::En) => " to",
            (false, Lang::ZhCn | Lang::Yue) => "好",
        };
        let pause = pause.map(String::from).unwrap_or_default();
        let template = format!("{{{{ {name}|{filter} }}}}{pause}{behind}");
        let Ok(phrase) = Phrase::compile(&template, lang) else { return Vec::new() };
        let mut vars = Map::new();
        put(&mut vars, name, value);
        let rendered = self.render(NO_KIND, lang, &[phrase], &vars, 0, lexicon);
        let mut parts = rendered.map_or_else(Vec::new, |rendered| rendered.said.parts().to_vec());
        if *is_last {
            return parts;
        }
        // One part alone: a rule has read over the border, as it would in no phrase.
        if parts.len() > 1 {
            parts.pop();
            parts
        } else {
            Vec::new()
        }
    }
}

/// No phrase of ours is found under it, so that the one handed over is rendered.
const NO_KIND: &str = "";

/// The slots of a template.
fn slots_of(template: &str) -> Vec<Slot> {
    let mut slots = Vec::new();
    let mut rest = template;
    while let Some((_, opened)) = rest.split_once("{{") {
        let Some((inside, behind)) = opened.split_once("}}") else { break };
        let (name, filter) = inside.split_once('|').unwrap_or((inside, "text"));
        let pause = behind.chars().next().filter(|mark| PAUSES.contains(mark));
        let is_last = behind.trim().chars().all(|mark| PAUSES.contains(&mark));
        slots.push(Slot { name: name.trim().to_owned(), filter: filter.trim().to_owned(), pause, is_last });
        rest = behind;
    }
    slots
}

/// Puts a value where the parts of its name lead.
fn put(vars: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => drop(vars.insert(name.to_owned(), value)),
        Some((first, rest)) => {
            let inner = vars.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The values that come again and again, for a filter.
fn values(filter: &str, of: &AheadOf<'_>) -> Vec<Value> {
    let numbers = |range: RangeInclusive<u32>, step: usize| range.step_by(step).map(|number| json!(number));
    match filter {
        "platform" => PLATFORMS.iter().map(|code| json!(code)).collect(),
        "shop" => of.merchants.iter().map(|name| json!(name)).collect(),
        "money" => of.fees_cents.map_or_else(Vec::new, |(from, to)| numbers(from..=to, FEE_STEP).collect()),
        // To ten metres below a kilometre, to a hundred below ten, to a kilometre above.
        "distance" => {
            let near = numbers(10..=990, 10).chain(numbers(1_000..=9_900, 100));
            near.chain(numbers(10_000..=20_000, 1_000)).collect()
        }
        "minutes" => numbers(1..=60, 1).collect(),
        // Every five minutes of a day.
        "clock" => (0..288_i64).map(|five| json!(five * 300_000)).collect(),
        "count" => numbers(1..=20, 1).collect(),
        "code" => (1..=SHORT_NO_MAX).map(|number| json!(number.to_string())).collect(),
        // Twice each: before another digit, and at the end.
        "digits" => (0..10).map(|digit: u32| json!(format!("{digit}{digit}"))).collect(),
        // Names of people and places, and what people write, are nobody's guess.
        _other => Vec::new(),
    }
}

/// Platforms by their codes; those that a language has no name for are passed over.
const PLATFORMS: [&str; 12] = [
    "meituan", "eleme", "taobao", "jd", "douyin", "dada", "fengniao", "shansong", "sf", "uupt", "wechat",
    "shop",
];

/// Two examples of a value, which share no part.
fn example(filter: &str, lang: Lang, which: usize) -> Value {
    let [text, number, code] = match (lang, which) {
        (Lang::En, 0) => ["Alpha", "17", "17"],
        (Lang::En, _) => ["Beta", "28", "28"],
        (Lang::ZhCn | Lang::Yue, 0) => ["甲", "17", "17"],
        (Lang::ZhCn | Lang::Yue, _) => ["乙", "28", "28"],
    };
    let (number, scale) = (number.parse::<i64>().unwrap_or_default(), 100);
    match filter {
        "platform" => json!(if which == 0 { "meituan" } else { "eleme" }),
        "money" | "distance" => json!(number * scale),
        "minutes" | "count" => json!(number),
        "clock" => json!(number * 300_000),
        "code" | "digits" => json!(code),
        _name_or_text => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lang: Lang, merchants: &[&str]) -> BTreeSet<String> {
        let merchants: Vec<String> = merchants.iter().map(|name| (*name).to_owned()).collect();
        let lexicon = Lexicon::none();
        let of =
            AheadOf { merchants: &merchants, fees_cents: Some((50, 3_000)), own: &[], lexicon: &lexicon };
        let parts = Phrases::embedded().parts_ahead(lang, &of);
        parts.iter().map(|part| part.text().to_owned()).collect()
    }

    #[test]
    fn sentences_with_known_values_are_made_of_these_parts_alone() {
        let phrases = Phrases::embedded();
        let lexicon = Lexicon::none();
        for lang in Lang::ALL {
            let merchant = if lang == Lang::En { "Test Noodles" } else { "测试面馆" };
            let ahead = texts(lang, &[merchant]);
            let vars = json!({
                "platform": "meituan", "merchant": merchant, "distance_m": 1_230, "fee_cents": 650,
                "short_no": "17", "tail": "8607", "n": 3,
            });
            let Value::Object(vars) = vars else { unreachable!() };
            let (mut all, mut missing) = (0, Vec::new());
            for kind in phrases.kinds() {
                let rendered = phrases.render(kind, lang, &[], &vars, 0, &lexicon).unwrap();
                let texts = rendered.said.parts().iter().map(Part::text);
                all += texts.clone().count();
                missing.extend(texts.filter(|text| !ahead.contains(*text)).map(str::to_owned));
            }
            // English rules read over borders that Chinese ones do not.
            let most = if lang == Lang::En { all / 10 } else { 0 };
            assert!(missing.len() <= most, "{lang:?}: {missing:?} of {all}");
        }
    }

    #[test]
    fn no_example_is_among_them_and_there_are_not_too_many() {
        let ahead = texts(Lang::ZhCn, &[]);
        assert!(!ahead.iter().any(|text| text.contains('甲') || text.contains('乙')));
        assert!((500..3_000).contains(&ahead.len()), "{}", ahead.len());
    }
}

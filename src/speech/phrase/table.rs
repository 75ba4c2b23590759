//! The phrase files of `assets/phrases`, built into the program.
//! They are part of the code: a test compiles every phrase, so that reading them cannot fail in service.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;

use super::{Lang, Phrase};

/// The spoken name of a platform, by its code in lower case; `None` for one without a name.
pub(super) fn platform(code: &str, lang: Lang) -> Option<&'static str> {
    file(lang).platforms.get(code).map(String::as_str)
}

/// Every kind's phrases in `lang`.
#[expect(clippy::expect_used, reason = "embedded constants; a test compiles every one of them")]
pub(super) fn phrases(lang: Lang) -> BTreeMap<String, Vec<Phrase>> {
    let file = file(lang);
    let compile = |template: &String| Phrase::compile(template, lang).expect("an embedded phrase compiles");
    file.phrases
        .keys()
        .map(|kind| (kind.clone(), file.templates(kind).iter().map(compile).collect()))
        .collect()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    platforms: BTreeMap<String, String>,
    phrases: BTreeMap<String, Entry>,
}

/// What a kind says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    /// Its own phrases.
    Own(Vec<String>),
    /// Those of another kind.
    Shared { same_as: String },
}

impl File {
    fn templates(&self, kind: &str) -> &[String] {
        match self.phrases.get(kind) {
            Some(Entry::Own(templates)) => templates,
            // One step only: a kind may not borrow from one that borrows.
            Some(Entry::Shared { same_as }) => match self.phrases.get(same_as) {
                Some(Entry::Own(templates)) => templates,
                Some(Entry::Shared { .. }) | None => &[],
            },
            None => &[],
        }
    }
}

fn file(lang: Lang) -> &'static File {
    let [mandarin, cantonese, english] = &*FILES;
    match lang {
        Lang::ZhCn => mandarin,
        Lang::Yue => cantonese,
        Lang::En => english,
    }
}

#[expect(clippy::expect_used, reason = "embedded constants that every test reads")]
static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    Lang::ALL.map(|lang| {
        let source = match lang {
            Lang::ZhCn => include_str!("../../../assets/phrases/zh-CN.toml"),
            Lang::Yue => include_str!("../../../assets/phrases/yue.toml"),
            Lang::En => include_str!("../../../assets/phrases/en.toml"),
        };
        toml::from_str(source).expect("an embedded phrase file is valid")
    })
});

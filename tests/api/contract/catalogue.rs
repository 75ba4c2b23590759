//! The error catalogue holds every word of the source, and no other; docs/errors.md and the OpenAPI document say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use orderbell::http::contract;
use orderbell::http::problem::catalogue::CATALOGUE;
use regex::Regex;

/// Every file of the source, without its tests and the catalogue itself.
fn sources() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !path.ends_with("catalogue.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
                sources.push((path, code));
            }
        }
    }
    sources
}

/// The words that stand where a problem is made.
fn words_of_the_source() -> BTreeSet<String> {
    let word = r#""([a-z_]+)""#;
    let makers = [
        // Problem::at, Problem::bad_request, Self::new(StatusCode::…, …)
        format!(r"Problem::(?:at|bad_request|unauthorized|conflict|too_many|bad_url)\(\s*{word}"),
        format!(r"Self::(?:at|bad_request|unauthorized|conflict|too_many)\(\s*{word}"),
        format!(r"Self::new\(\s*StatusCode::[A-Z_]+,\s*{word}"),
        // Reader::error(name, word, …), and InputError itself.
        format!(r"\.error\(\s*[^,()]+,\s*{word},"),
        format!(r"error: {word}"),
        format!(r"\.refuse\(\s*{word}"),
        format!(r"[^.]wrong\({word}"),
        format!(r"const WRONG: &str = {word}"),
        // What senders to hooks are told.
        format!(r"\(40[0-9], {word}"),
        // listener::Refusal::word
        format!(r"Self::(?:RequestLine|Version|UriTooLong|HeadTooLarge|Header|Host|Framing) => {word}"),
    ];
    let makers: Vec<Regex> = makers.iter().map(|maker| Regex::new(maker).unwrap()).collect();
    let mut words = BTreeSet::new();
    // What becomes of an item of a hook's body has words of its own, which no problem says; TOML comes from files alone.
    let of_items =
        ["src/intake/hooks/map", "src/intake/hooks/pipeline.rs", "src/intake/hooks/profile/merge.rs"];
    for (path, code) in sources() {
        if of_items.iter().any(|start| path.to_string_lossy().contains(start)) {
            continue;
        }
        // Frames have words of their own (docs/protocol.md).
        if path.components().any(|part| part.as_os_str() == "session") || path.ends_with("driver.rs") {
            continue;
        }
        let found = makers.iter().flat_map(|maker| maker.captures_iter(&code));
        words.extend(found.map(|found| found[1].to_owned()));
    }
    words
}

#[test]
fn the_catalogue_holds_the_words_of_the_source_and_no_other() {
    let listed: BTreeSet<String> = CATALOGUE.iter().map(|entry| entry.error.to_owned()).collect();
    assert_eq!(listed.len(), CATALOGUE.len(), "a word is there twice");
    let used = words_of_the_source();
    assert!(used.len() > 40, "{used:?}");
    let unlisted: Vec<_> = used.difference(&listed).collect();
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(
        unlisted.is_empty() && unused.is_empty(),
        "not in the catalogue: {unlisted:?}; nowhere in src: {unused:?}"
    );
}

#[test]
fn the_page_for_people_lists_the_same() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md")).unwrap();
    let row = Regex::new(r"(?m)^\| (\d{3}) \| ((?:`[a-z_]+` ?)+)\|").unwrap();
    let mut told = BTreeMap::new();
    for found in row.captures_iter(&page) {
        for word in found[2].split_whitespace() {
            told.insert(word.trim_matches('`').to_owned(), found[1].parse::<u16>().unwrap());
        }
    }
    let listed: BTreeMap<_, _> =
        CATALOGUE.iter().map(|entry| (entry.error.to_owned(), entry.status)).collect();
    assert_eq!(told, listed, "docs/errors.md and src/http/problem/catalogue.rs");
}

/// A word that no route is said to answer with is forgotten there.
#[test]
fn every_word_stands_with_some_route() {
    let document = contract::openapi().to_string();
    // Of addresses and methods that there are not, and of connections, which are refused before there is a route.
    let of_none = [
        "method_not_allowed",
        "bad_request_line",
        "bad_header",
        "bad_host",
        "bad_framing",
        "uri_too_long",
        "headers_too_large",
        "http_version",
    ];
    for entry in CATALOGUE.iter().filter(|entry| !of_none.contains(&entry.error)) {
        assert!(document.contains(&format!("\"{}\"", entry.error)), "{}", entry.error);
    }
}

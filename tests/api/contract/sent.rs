//! What we send: every example of the document is as its own schema says, strictly, and the page for people shows the same.

use std::path::Path;

use orderbell::http::contract;
use serde_json::{Value, json};

use crate::support::contract::faults_of_sent;

/// The examples of the document, by the kind that they are of.
fn examples() -> impl Iterator<Item = (&'static str, &'static Value)> {
    let webhooks = contract::openapi()["webhooks"].as_object().unwrap();
    webhooks.iter().map(|(kind, item)| {
        let content = &item["post"]["requestBody"]["content"]["application/json"];
        (kind.as_str(), &content["examples"]["example"]["value"])
    })
}

#[test]
fn every_example_is_as_its_schema_says() {
    assert!(examples().count() > 20);
    for (kind, example) in examples() {
        assert_eq!(faults_of_sent(example), Vec::<String>::new(), "{kind}");
        if kind != "callbacks" {
            assert_eq!(example["type"], kind);
        }
    }
}

/// The check itself: what is not as described is found.
#[test]
fn a_body_that_is_not_as_described_is_found() {
    let good = examples().find(|(kind, _)| *kind == "delivery.played").unwrap().1;
    for (pointer, value) in [
        ("/type", json!("delivery.sung")),
        ("/type", json!("offer.accepted")),
        ("/timestamp", json!(1_772_339_405)),
        ("/data/delivery_id", json!("dlv_1")),
        ("/data/state", json!("sung")),
        ("/data/after_ms", json!("5730")),
        ("/data/test", json!(false)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap_or(&mut Value::Null) = value.clone();
        bad["data"]["test"] = if pointer.ends_with("test") { value } else { json!(true) };
        assert_ne!(faults_of_sent(&bad), Vec::<String>::new(), "{pointer}");
    }
    for member in ["secret", "data"] {
        let mut bad = good.clone();
        if member == "data" {
            bad["data"]["phone"] = json!("1");
        } else {
            bad[member] = json!("1");
        }
        assert_ne!(faults_of_sent(&bad), Vec::<String>::new(), "a member nobody has described");
    }
    assert_ne!(faults_of_sent(&json!([])), Vec::<String>::new(), "an empty list is never sent");
}

#[test]
fn the_page_for_people_shows_the_same_examples() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/callbacks.md");
    let page = std::fs::read_to_string(page).unwrap();
    let lines = page.lines().filter(|line| line.starts_with(r#"{"type":""#));
    let shown: Vec<Value> = lines.filter_map(|line| serde_json::from_str(line).ok()).collect();
    for (kind, example) in examples().filter(|(kind, _)| *kind != "callbacks") {
        assert!(shown.contains(example), "docs/callbacks.md lacks the line for {kind}: {example}");
    }
}

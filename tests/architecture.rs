//! Holds the source to its map: which module may name which, and which library is named where (ARCHITECTURE.md).
//! It reads text, so it is kept simple; the checker itself is tested on sources that break each rule.

#![expect(clippy::unwrap_used, reason = "a test says what it expects, and its helpers with it")]

#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/source.rs"]
mod source;

use std::path::Path;

use rules::faults;
use source::Source;

fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                sources.push(Source::new(&name, &std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

#[test]
fn the_source_keeps_to_its_map() {
    let sources = tree();
    assert!(sources.len() > 50, "only {} files were found", sources.len());
    let faults: Vec<String> = sources.iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Whether a source of this name and text is refused, for this reason.
fn refused(name: &str, text: &str, why: &str) {
    let source = Source::new(name, &format!("//! A file.\n{text}\n"));
    let faults = faults(&source);
    assert!(faults.iter().any(|fault| fault.contains(why)), "{name}: {text}: {faults:?}");
}

fn accepted(name: &str, text: &str) {
    let faults = faults(&Source::new(name, &format!("//! A file.\n{text}\n")));
    assert!(faults.is_empty(), "{name}: {text}: {faults:?}");
}

#[test]
fn a_module_does_not_name_what_stands_above_it() {
    refused("domain/kind.rs", "use crate::store::Store;", "domain names store");
    refused("session.rs", "fn f() { crate::hub::Hub::new(); }", "session names hub");
    refused(
        "store.rs",
        "use crate::{\n    domain::Rider,\n    dispatch::Dispatch,\n};",
        "store names dispatch",
    );
    refused("hub.rs", "use super::http;", "hub names http");
    refused("clock/moment.rs", "pub use crate::domain::Rider;", "clock names domain");
    refused("audio/wav.rs", "use crate::speech::Speech;", "audio names speech");
    refused("brandnew.rs", "", "brandnew is not on the map");
    refused("outbound.rs", "use crate::store::Store;", "outbound names store");
    refused("session.rs", "use crate::outbound::Verdict;", "session names outbound");
    accepted("dispatch.rs", "use crate::outbound::Outbound;");
    accepted("dispatch.rs", "use crate::{domain::{Rider, store}, store::Store};");
    accepted("domain/kind.rs", "// see crate::store\n/// [`crate::http`]\nuse super::rider::Rider;");
    accepted("main.rs", "fn main() { orderbell::cli::Cli::run() }");
}

#[test]
fn a_library_is_named_where_it_belongs() {
    refused("dispatch.rs", "use axum::Router;", "axum");
    refused("hub.rs", "fn f() -> sqlx::Result<()> {}", "sqlx");
    refused("speech.rs", "use reqwest::Client;", "reqwest");
    refused("session/frame.rs", "use tokio_tungstenite::tungstenite::Message;", "tungstenite");
    refused("dispatch/accept.rs", "use reqwest::Client;", "reqwest");
    refused("store/sql.rs", "use super::sqlite::SqliteStore;", "sqlite");
    refused("store/sql/riders.rs", "use crate::store::postgres::PostgresStore;", "postgres");
    accepted("store/sqlite/open.rs", "use crate::store::sqlite::writer::Writer;");
    accepted("store/sql/db.rs", "use sqlx::sqlite::SqliteRow;");
    accepted("outbound/guard.rs", "use reqwest::dns::Resolve;");
    accepted("http/events.rs", "use axum::extract::Path;");
}

#[test]
fn pure_modules_are_pure() {
    refused("domain/rider.rs", "pub async fn f() {}", "async");
    refused("session.rs", "use std::time::Instant;", "Instant");
    refused("domain.rs", "fn f() { std::time::SystemTime::now(); }", "SystemTime");
    refused("session.rs", "use tokio::sync::Notify;", "tokio");
    accepted("domain.rs", "/// Nothing async here.\nfn f() {}");
}

#[test]
fn the_habits_of_the_house_are_kept() {
    refused("hub.rs", "fn f() { tokio::spawn(async {}); }", "tokio::spawn");
    refused("hub.rs", "#[allow(dead_code)]\nfn f() {}", "#[allow");
    refused("http/riders.rs", "const Q: &str = \"SELECT id FROM riders\";", "SQL");
    refused("http/mod.rs", "", "mod.rs");
    refused("hub.rs", &"\n".repeat(500), "lines");
    accepted("store/sqlite.rs", "const Q: &str = \"SELECT id FROM riders\";");
    let headless = Source::new("hub.rs", "fn f() {}\n");
    assert!(faults(&headless).iter().any(|fault| fault.contains("//!")));
}

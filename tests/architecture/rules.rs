//! The rules: the map of modules, the homes of libraries, and the habits of the house.
//! A rule that must change is changed here and in ARCHITECTURE.md, in the commit that needs it.

use crate::source::Source;

/// A module and the modules of ours that it may name.
const MAP: [(&str, &[&str]); 19] = [
    ("main", &[]),
    (
        "lib",
        &[
            "app",
            "cli",
            "doctor",
            "http",
            "intake",
            "dispatch",
            "workers",
            "audio",
            "hub",
            "outbound",
            "session",
            "speech",
            "store",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    (
        "cli",
        &[
            "doctor",
            "app",
            "http",
            "intake",
            "dispatch",
            "audio",
            "speech",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    // Looks at everything, and is looked at by nothing but the command line.
    (
        "doctor",
        &[
            "app",
            "dispatch",
            "session",
            "outbound",
            "audio",
            "speech",
            "store",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    (
        "app",
        &[
            "http",
            "workers",
            "dispatch",
            "session",
            "hub",
            "outbound",
            "audio",
            "speech",
            "store",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    (
        "http",
        &[
            "intake",
            "dispatch",
            "session",
            "hub",
            "audio",
            "speech",
            "store",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    ("workers", &["dispatch", "domain", "clock", "config", "lifecycle", "telemetry"]),
    (
        "dispatch",
        &[
            "intake",
            "speech",
            "hub",
            "outbound",
            "session",
            "store",
            "domain",
            "clock",
            "config",
            "lifecycle",
            "telemetry",
        ],
    ),
    ("intake", &["domain", "clock"]),
    ("speech", &["audio", "outbound", "domain", "clock", "config", "lifecycle", "telemetry"]),
    ("audio", &["domain"]),
    ("hub", &["domain", "clock"]),
    ("outbound", &["domain", "clock", "telemetry"]),
    ("store", &["domain", "clock"]),
    ("session", &["domain", "clock"]),
    ("domain", &["clock"]),
    ("clock", &[]),
    ("config", &[]),
    ("lifecycle", &[]),
];
/// At the bottom, with the one thing it takes from beside it.
const TELEMETRY: (&str, &[&str]) = ("telemetry", &["config"]);

/// A library and the modules that may name it.
const HOMES: [(&str, &[&str]); 21] = [
    ("axum", &["http", "app"]),
    // The doctor is a client that must see what was really sent.
    ("hyper", &["http", "app", "doctor"]),
    ("hyper_util", &["http", "app", "doctor"]),
    ("tower", &["http", "app"]),
    ("tower_http", &["http", "app"]),
    ("sqlx", &["store"]),
    ("reqwest", &["outbound"]),
    ("rustls", &["doctor"]),
    ("rustls_native_certs", &["doctor"]),
    ("tokio_rustls", &["doctor"]),
    ("x509_parser", &["doctor"]),
    ("tungstenite", &["http", "doctor"]),
    ("tokio_tungstenite", &["http", "doctor"]),
    ("utoipa", &["http", "dispatch", "session", "domain"]),
    ("utoipa_axum", &["http"]),
    // Decodes what engines return.
    ("symphonia", &["audio"]),
    ("clap", &["cli"]),
    ("governor", &["clock", "dispatch", "http"]),
    // Pages; and expressions of hooks.
    ("minijinja", &["http", "intake"]),
    ("quick_xml", &["intake"]),
    ("encoding_rs", &["intake"]),
];

/// No I/O, no clock, no waiting: values in, values out.
const PURE: [&str; 2] = ["domain", "session"];
const IMPURE_WORDS: [&str; 6] = ["async", "await", "Instant", "SystemTime", "tokio", "std::fs"];
const SQL: [&str; 7] =
    ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA ", "BEGIN IMMEDIATE"];
/// What is said once for all databases, and who they are.
const SHARED_SQL: &str = "store/sql";
const DATABASES: [&str; 2] = ["sqlite", "postgres"];
const LINES_MAX: usize = 500;

/// What is wrong with this file.
pub(crate) fn faults(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    imports(source, &mut faults);
    libraries(source, &mut faults);
    databases(source, &mut faults);
    purity(source, &mut faults);
    habits(source, &mut faults);
    faults.into_iter().map(|fault| format!("src/{}: {fault}", source.name)).collect()
}

fn imports(source: &Source, faults: &mut Vec<String>) {
    let module = source.module();
    let Some((_, allowed)) = MAP.iter().chain([&TELEMETRY]).find(|(name, _)| *name == module) else {
        faults.push(format!("{module} is not on the map"));
        return;
    };
    let known = |name: &str| MAP.iter().chain([&TELEMETRY]).any(|(known, _)| *known == name);
    let named = source.names();
    let wrong = named.iter().filter(|name| known(name) && !allowed.contains(&&***name));
    faults.extend(wrong.map(|name| format!("{module} names {name}, which it may not")));
}

fn libraries(source: &Source, faults: &mut Vec<String>) {
    let module = source.module();
    let strangers = HOMES.iter().filter(|(library, homes)| {
        source.has(&format!("{library}::")) && !homes.contains(&module) && !source.is_test()
    });
    faults.extend(strangers.map(|(library, homes)| format!("{library} is named outside {homes:?}")));
}

fn databases(source: &Source, faults: &mut Vec<String>) {
    let is_shared = source.name.strip_prefix(SHARED_SQL).is_some_and(|rest| rest.starts_with(['.', '/']));
    if is_shared {
        let is_named = |database: &str| {
            ["store", "super"].iter().any(|parent| source.has(&format!("{parent}::{database}")))
        };
        let wrong = DATABASES.iter().filter(|database| is_named(database));
        faults.extend(wrong.map(|database| format!("{SHARED_SQL} names {database}, which stands on it")));
    }
}

fn purity(source: &Source, faults: &mut Vec<String>) {
    if PURE.contains(&source.module()) && !source.is_test() {
        let words = IMPURE_WORDS.iter().filter(|word| source.has(word));
        faults.extend(words.map(|word| format!("{word} in a module that is pure")));
    }
}

fn habits(source: &Source, faults: &mut Vec<String>) {
    for forbidden in ["tokio::spawn(", "tokio::task::spawn(", "#[allow(", "#![allow("] {
        if source.code.contains(forbidden) {
            faults.push(format!("{forbidden}…) is not used here"));
        }
    }
    if source.module() != "store" && SQL.iter().any(|words| source.code.contains(words)) {
        faults.push("SQL lives in store".to_owned());
    }
    if source.name.ends_with("mod.rs") {
        faults.push("mod.rs: a module is a file beside its folder".to_owned());
    }
    if !source.text.starts_with("//!") {
        faults.push("begins without //!, which says what the file is for".to_owned());
    }
    let lines = source.text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{lines} lines, more than {LINES_MAX}"));
    }
}

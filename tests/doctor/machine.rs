//! The local check: a machine that is well, one whose voice, server or configuration is not, and that nothing is changed.

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use crate::program::{Folder, content, ended, told};

const SEEN: [&str; 19] = [
    "config",
    "folder",
    "folder.room",
    "folder.filesystem",
    "server",
    "node_key",
    "disk.fsync",
    "database",
    "database.schema",
    "database.log",
    "database.sqlite",
    "clock",
    "clock.service",
    "voice",
    "voice.mandarin",
    "voice.cantonese",
    "voice.english",
    "voice.canned",
    "limits.descriptors",
];

#[tokio::test]
async fn a_place_that_is_well_is_told_so_and_left_as_it_was() {
    let folder = Folder::made().await;
    let before = content(&folder.data());
    let began = Instant::now();
    let told = folder.check(&[]).await;
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert_eq!((told.code, told.named("FAIL").len()), (0, 0), "{told:?}");
    for name in SEEN {
        told.finding(name);
    }
    told.assert("server", "ok", "none runs");
    told.assert("database", "ok", "quick_check finds nothing wrong");
    told.assert("voice", "ok", "espeak-ng");
    told.assert("voice.canned", "ok", "3 languages");
    assert_eq!(told.stderr, "", "a check says what it finds on stdout and nothing beside it");
    assert_eq!(content(&folder.data()), before, "nothing in the folder has changed");
}

#[tokio::test]
async fn a_server_that_runs_is_asked_and_not_disturbed() {
    let folder = Folder::made().await;
    let server = folder.serve(&[]).await;
    let told = folder.check(&[]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.assert("server", "ok", &format!("process {} listens on {}", server.id(), server.address));
    told.assert("database", "ok", "quick_check finds nothing wrong");
    told.assert("limits.descriptors", told.finding("limits.descriptors").0, "of the server");
    assert!(
        !std::fs::read_dir(folder.data())
            .unwrap()
            .any(|entry| { entry.unwrap().file_name().to_string_lossy().starts_with(".orderbell-check") })
    );

    let pid = rustix::process::Pid::from_raw(server.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let told = folder.check(&[]).await;
    told.assert("server", "FAIL", "does not answer");
    assert_eq!(told.named("FAIL"), ["server"]);
    server.kill().await;
}

#[tokio::test]
async fn what_a_crash_has_left_is_read_and_left() {
    let folder = Folder::made().await;
    let server = folder.serve(&[]).await;
    let key = ["keys", "create", "--name", "k", "--scopes", "read"];
    assert!(ended(folder.command().args(key)).await.status.success());
    server.kill().await;
    let before = content(&folder.data());
    let log = folder.data().join("orderbell.db-wal");
    assert!(before.get(&log).is_some_and(|log| !log.is_empty()), "a killed server leaves its log");
    let told = folder.check(&[]).await;
    assert_eq!(told.code, 0, "{told:?}");
    told.assert("database", "ok", "quick_check finds nothing wrong");
    told.assert("database.schema", "ok", "as this program has it");
    assert_eq!(content(&folder.data()), before, "neither the log nor its index has changed");

    // A copy of the folder need not have the index.
    std::fs::remove_file(folder.data().join("orderbell.db-shm")).unwrap();
    let before = content(&folder.data());
    folder.check(&[]).await.assert("database", "warn", "start the server");
    assert_eq!(content(&folder.data()), before, "no index is made");
}

#[tokio::test]
async fn a_voice_that_is_not_there_is_worse_if_it_was_named() {
    let folder = Folder::made().await;
    let check = ["check", "--json"];
    let named =
        told(folder.command().args(check).env("ORDERBELL_SPEECH__ESPEAK", "/nowhere/espeak-ng")).await;
    named.assert("voice", "FAIL", "/nowhere/espeak-ng");
    assert_eq!(named.named("FAIL"), ["voice"]);
    let none = told(folder.command().args(check).env("PATH", "/nowhere")).await;
    none.assert("voice", "warn", "install the package espeak-ng");
    none.assert("voice.canned", "ok", "");
    assert_eq!(none.code, 0);
}

#[tokio::test]
async fn settings_of_another_place_are_told() {
    let folder = Folder::made().await;
    let file = folder.0.path().join("orderbell.toml");
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    std::fs::write(
        &file,
        format!(
            "[server]\nlisten = \"0.0.0.0:8080\"\n[admin]\nlisten = \"0.0.0.0:8081\"\n\
             [callbacks]\nallow_private = true\n[secrets]\nnode_key = \"{key}\""
        ),
    )
    .unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = folder.check(&["--config", file.to_str().unwrap()]).await;
    for name in [
        "config.public_url",
        "config.admin",
        "config.allow_private",
        "config.token_in_query",
        "config.node_key",
    ] {
        told.assert(name, "warn", "");
    }
    assert_eq!(told.code, 0);
    assert!(!told.json.to_string().contains(key));

    std::fs::write(&file, "[server]\ncolour = 1").unwrap();
    let told = folder.check(&["--config", file.to_str().unwrap()]).await;
    assert_eq!(told.code, 78, "a configuration that does not load is refused as everywhere");
    assert!(told.stderr.contains("colour") && told.json.is_null());
}

#[tokio::test]
async fn people_get_lines_and_a_sum() {
    let folder = Folder::made().await;
    let output = ended(folder.command().arg("check")).await;
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let (last, findings) = lines.split_last().unwrap();
    for line in findings {
        assert!(["ok    ", "warn  ", "FAIL  "].iter().any(|level| line.starts_with(level)), "{line}");
    }
    let well = findings.iter().filter(|line| line.starts_with("ok")).count();
    let worth = findings.len() - well;
    assert_eq!(*last, format!("{well} ok, {worth} warnings, 0 failed"));
    let help = ended(folder.command().args(["check", "--help"])).await;
    let help = String::from_utf8(help.stdout).unwrap();
    for option in ["--json", "--public", "--ca", "--connect", "--token", "--idle"] {
        assert!(help.contains(option), "{option}");
    }
    for wrong in [&["check", "--ca", "x"][..], &["check", "--public", "https://a.cn", "--idle", "5"]] {
        assert_eq!(ended(folder.command().args(wrong)).await.status.code(), Some(2), "{wrong:?}");
    }
}

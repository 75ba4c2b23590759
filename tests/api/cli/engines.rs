//! Speech engines in the configuration, as operators meet it: by file and by variable, with one line for each mistake,
//! and never a secret in it.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{cli_with, data_of};

const TENCENT: &str = "[speech]\nchain = ['cloud', 'espeak-ng']\n[speech.engines.cloud]\nkind = 'tencent'\n\
    voices = { zh-CN = '101001' }\n";

/// Runs a command with this configuration and these variables; exit code, stdout, stderr.
async fn run(command: &str, config: &str, variables: &[(&str, &str)]) -> (i32, String, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("orderbell.toml");
    std::fs::write(&file, config).unwrap();
    let words = command.split(' ').chain(["--config", file.to_str().unwrap()]);
    let output = cli_with(folder.path(), &words.collect::<Vec<_>>(), variables).await;
    let [told, complaint] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    let code = output.status.code().unwrap();
    assert!(code != 78 || !data_of(folder.path()).exists(), "a bad configuration makes nothing");
    (code, told, complaint)
}

#[tokio::test]
async fn credentials_come_from_variables_as_they_are_written() {
    let variables = [
        ("ORDERBELL_SPEECH__ENGINES__CLOUD__SECRET_ID", "0012345678"),
        ("ORDERBELL_SPEECH__ENGINES__CLOUD__SECRET_KEY", "12345678"),
        ("ORDERBELL_SPEECH__ENGINES__CLOUD__ATTEMPTS", "3"),
        ("ORDERBELL_SPEECH__ENGINES__CLOUD__VOICES__EN", "101050"),
    ];
    let (code, told, complaint) = run("config check", TENCENT, &variables).await;
    assert_eq!(code, 0, "{complaint}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told["secrets_set"],
        json!(["speech.engines.cloud.secret_id", "speech.engines.cloud.secret_key"])
    );
    assert_eq!(told["engines"], json!([{"name": "cloud", "kind": "tencent"}]));
    assert_eq!(told["chain"], json!(["cloud", "espeak-ng"]));
    assert!(!told.to_string().contains("12345678"), "{told}");
}

#[tokio::test]
async fn a_chain_and_an_engine_can_come_from_variables_alone() {
    let variables = [
        ("ORDERBELL_SPEECH__CHAIN", "my_tts,espeak-ng"),
        ("ORDERBELL_SPEECH__ENGINES__MY_TTS__KIND", "openai"),
        ("ORDERBELL_SPEECH__ENGINES__MY_TTS__BASE_URL", "http://127.0.0.1:8880"),
        ("ORDERBELL_SPEECH__ENGINES__MY_TTS__VOICES__ZH-CN", "zf_xiaobei"),
    ];
    let (code, told, complaint) = run("config check", "", &variables).await;
    assert_eq!(code, 0, "{complaint}");
    assert!(told.contains("\"my_tts\""), "{told}");
}

#[tokio::test]
async fn a_missing_credential_is_told_at_the_check_and_at_the_start() {
    let variables = [("ORDERBELL_SPEECH__ENGINES__CLOUD__SECRET_ID", "an-id-not-to-be-shown")];
    for command in ["config check", "serve --listen 127.0.0.1:0"] {
        let (code, _, complaint) = run(command, TENCENT, &variables).await;
        assert_eq!(code, 78, "{complaint}");
        assert!(complaint.contains("speech.engines.cloud.secret_key: is missing"), "{complaint}");
        assert!(
            !complaint.contains("an-id-not-to-be-shown") && complaint.trim().lines().count() == 1,
            "{complaint}"
        );
    }
    let (code, ..) = run("keys create --name k --scopes read", TENCENT, &[]).await;
    assert_eq!(code, 0, "a command that says nothing needs no voice");
}

#[tokio::test]
async fn a_mistake_in_an_engine_ends_every_command_with_one_line() {
    for (config, named) in [
        ("[speech]\nchain = ['cloud']", "speech.chain: names \"cloud\""),
        ("[speech]\nmodes = { 'order.sung' = 'whole' }", "speech.modes: names \"order.sung\""),
        ("[speech]\nlexicon = '/nowhere/words.toml'", "speech.lexicon: /nowhere/words.toml cannot be read"),
        ("[speech]\nrecorded = '/nowhere/voices'", "speech.recorded: /nowhere/voices is no folder"),
        ("[speech.engines.a]\nkind = 'sing'", "speech.engines.a.kind: is unknown"),
        ("[speech.engines.a]\nkind = 'espeak'\npitch = 3", "speech.engines.a.pitch: is unknown"),
        (
            "[speech.engines.a]\nkind = 'espeak'\nmodes = { x = 'whole' }",
            "speech.engines.a.modes: names \"x\"",
        ),
        ("[speech.engines.a]\napi_key = hidden", "orderbell.toml, line 2"),
    ] {
        let (code, _, complaint) = run("config check", config, &[]).await;
        assert_eq!(code, 78, "{config}: {complaint}");
        assert!(complaint.contains(named) && complaint.trim().lines().count() == 1, "{config}: {complaint}");
        assert!(!complaint.contains("hidden"), "{complaint}");
    }
}

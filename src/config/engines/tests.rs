//! Which tables of engines are taken, and what is said of the others: one line, with the member and never its value.

use std::io::Write;

use crate::config::{Config, ConfigError};

fn load(text: &str) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(Some(file.path()))
}

/// A good table of each kind.
const GOOD: [(&str, &str); 9] = [
    ("openai", "base_url = 'http://127.0.0.1:8880'\nvoices = { zh-CN = 'zf_xiaobei' }"),
    ("tencent", "voices = { zh-CN = 101001 }\nsecret_id = 'a'\nsecret_key = 12345678"),
    ("volcengine", "app_id = 1234\naccess_token = 't'\nvoices = { zh-cn = 'BV001' }"),
    ("aliyun", "api_key = 'k'\nvoices = { zh-CN = 'longanyang' }"),
    ("azure", "region = 'chinaeast2'\nsubscription_key = 'k'\nvoices = { yue = 'zh-HK-HiuMaanNeural' }"),
    ("http", "profile = 'baidu'\nparams = { per = 4 }\nsecrets = { token = 12 }\nvoices = { zh-CN = '4' }"),
    ("command", "command = ['/usr/bin/say', '{text}']\ninput = 'argument'\nvoices = { en = 'x' }"),
    ("espeak", "speed_percent = 120\nmodes = { 'order.new' = 'whole' }"),
    ("recorded", "folder = '/srv/voices'"),
];

fn table(kind: &str, members: &str) -> String {
    format!("[speech]\nchain = ['one', 'espeak-ng']\n[speech.engines.one]\nkind = '{kind}'\n{members}\n")
}

#[test]
fn every_kind_is_read_and_needs_its_credentials() {
    for (kind, members) in GOOD {
        let config = load(&table(kind, members)).unwrap_or_else(|error| panic!("{kind}: {error}"));
        config.check_credentials().unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(config.speech.engines["one"].kind.as_str(), kind);
        assert!(!format!("{config:?}").contains("12345678"));
    }
    let volcengine = load(&table("volcengine", GOOD[2].1)).unwrap();
    assert_eq!(volcengine.speech.engines["one"].common.voices["zh-CN"], "BV001");
    assert_eq!(volcengine.secrets_set(), ["speech.engines.one.access_token"]);
}

#[test]
fn a_mistake_is_named_with_its_place() {
    let good = |kind: &str| GOOD.iter().find(|(name, _)| *name == kind).unwrap().1;
    for (kind, added, named) in [
        ("elevenlabs", "", "speech.engines.one.kind: is unknown"),
        ("openai", "colour = 'red'", "speech.engines.one.colour: is unknown"),
        ("openai", "attempts = 'many'", "speech.engines.one.attempts: is a whole number"),
        ("openai", "attempts = 2.5", "one.attempts: is a whole number"),
        ("openai", "attempts = 0", "one.attempts: is 1 to 5"),
        ("openai", "concurrency = 0", "one.concurrency"),
        ("openai", "deadline = 3", "one.deadline: is a duration"),
        ("openai", "deadline = '2m'", "one.deadline: is 100ms to 60s"),
        ("openai", "mode = 'slow'", "one.mode: is whole, segments or fixed"),
        ("openai", "modes = { 'order.new' = 'slow' }", "one.modes: is a table"),
        ("openai", "speed_percent = 20", "one.speed_percent"),
        ("openai", "model = ''", "one.model: is empty"),
        ("openai", "format = 'ogg'", "one.format: is mp3"),
        ("openai", "api_key = ['hidden']", "one.api_key: is text"),
        ("openai", "api_key = 'hidden'\napi_key_file = '/x'", "one.api_key: and api_key_file are both set"),
        ("tencent", "sample_rate = 44100", "one.sample_rate: is 8000, 16000 or 24000"),
        ("tencent", "region = 'Guang zhou'", "one.region"),
        ("volcengine", "api = 'v2'", "one.api: is v1 or v3"),
        ("volcengine", "api = 'v3'\nformat = 'wav'", "one.format"),
        ("aliyun", "base_url = ''", "one.base_url: is an http(s) URL"),
        ("aliyun", "base_url = 'https://u:hidden@x'", "one.base_url"),
        ("azure", "format = 'ogg-24khz-16bit-mono-opus'", "one.format"),
        ("http", "secret_files = 'hidden'", "one.secret_files: is a table"),
        ("http", "secret_files = { token = '/x' }", "one.secrets.token: and secret_files.token are both set"),
        ("command", "output = 'file'", "one.command: has no {out}"),
        ("command", "bare_rate = 3000", "one.bare_rate"),
        ("recorded", "deadline = ['3s']", "one.deadline"),
    ] {
        let members = if kind == "elevenlabs" { "" } else { good(kind) };
        let error = load(&table(kind, &format!("{members}\n{added}"))).unwrap_err().to_string();
        assert!(error.contains(named), "{kind} {added}: {error}");
        assert!(!error.contains("hidden") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn what_an_engine_cannot_do_without_is_missed() {
    for (kind, members, named) in [
        ("openai", "base_url = 'http://x'", "one.voices: is empty"),
        ("openai", "voices = { fr = 'x' }", "one.voices: has a language"),
        ("openai", "voices = { en = ' ' }", "one.voices: has an empty name"),
        ("tencent", "voices = { zh-CN = 'xiaomei' }", "one.voices: are numbers"),
        ("volcengine", "voices = { zh-CN = 'x' }", "one.app_id: is empty"),
        ("azure", "voices = { zh-CN = 'x' }", "one.region"),
        ("azure", "region = 'east asia'\nvoices = { zh-CN = 'x' }", "one.region"),
        ("http", "voices = { zh-CN = 'x' }", "one.profile: is empty"),
        ("command", "command = ['piper']\nvoices = { zh-CN = 'x' }", "one.command: begins with"),
        ("command", "voices = { zh-CN = 'x' }", "one.command: begins with"),
        ("recorded", "", "one.folder: is empty"),
    ] {
        let error = load(&table(kind, members)).unwrap_err().to_string();
        assert!(error.contains(named), "{kind}: {error}");
    }
    let error = load("[speech.engines.one]\nbase_url = 'x'").unwrap_err().to_string();
    assert!(error.contains("speech.engines.one.kind: is missing"), "{error}");
    let error = load("[speech.engines]\none = 'openai'").unwrap_err().to_string();
    assert!(error.contains("speech.engines.one: is a table"), "{error}");
}

#[test]
fn names_are_short_and_fit_into_variables() {
    let named = |name: &str| load(&format!("[speech.engines.{name}]\nkind = 'espeak'"));
    for good in ["a", "tencent_2", &"n".repeat(32)] {
        assert!(named(good).is_ok(), "{good}");
    }
    for bad in ["2a", "Tencent", "a-b", "a__b", "a_", "'语音'", "''", &"n".repeat(33)] {
        assert!(named(bad).unwrap_err().to_string().contains("is no name"), "{bad}");
    }
    assert!(named("espeak-ng").unwrap_err().to_string().contains("is built in"));
    let many: Vec<String> = (0..17).map(|n| format!("[speech.engines.e{n}]\nkind = 'espeak'\n")).collect();
    assert!(load(&many.concat()).unwrap_err().to_string().contains("at most 16"));
}

#[test]
fn a_credential_is_there_or_missed_by_name() {
    let missed = |kind: &str, members: &str| {
        load(&table(kind, members)).unwrap().check_credentials().unwrap_err().to_string()
    };
    let error = missed("tencent", "voices = { zh-CN = 1 }\nsecret_id = 'a'");
    assert!(error.contains("speech.engines.one.secret_key: is missing"), "{error}");
    assert!(error.contains("ORDERBELL_SPEECH__ENGINES__ONE__SECRET_KEY"), "{error}");
    let error = missed("aliyun", "voices = { zh-CN = 'x' }\napi_key_file = '/nowhere/key'");
    assert!(error.contains("one.api_key_file: /nowhere/key cannot be read"), "{error}");
    let empty = tempfile::NamedTempFile::new().unwrap();
    let members = format!("voices = {{ zh-CN = 'x' }}\napi_key_file = '{}'", empty.path().display());
    assert!(missed("aliyun", &members).contains("is empty"));
    std::fs::write(empty.path(), " key\n").unwrap();
    let config = load(&table("aliyun", &members)).unwrap();
    assert!(config.check_credentials().is_ok());
    assert_eq!(config.secrets_set(), ["speech.engines.one.api_key_file"]);
    let unused = "[speech.engines.one]\nkind = 'aliyun'\nvoices = { zh-CN = 'x' }";
    let config = load(unused).unwrap();
    assert!(config.check_credentials().is_ok(), "an engine that is never asked needs none");
    assert_eq!(config.speech.remarks(), ["speech.engines.one is not in speech.chain and is never asked"]);
}

#[test]
fn the_default_file_describes_every_member_and_its_default() {
    use super::*;
    let described = crate::config::DEFAULTS;
    let chapters: Vec<&str> = described.split("# kind = ").skip(1).collect();
    let all: [(&str, &[&str]); 9] = [
        ("openai", OpenaiEngine::MEMBERS),
        ("tencent", TencentEngine::MEMBERS),
        ("volcengine", VolcengineEngine::MEMBERS),
        ("aliyun", AliyunEngine::MEMBERS),
        ("azure", AzureEngine::MEMBERS),
        ("http", HttpEngine::MEMBERS),
        ("command", CommandEngine::MEMBERS),
        ("espeak", EspeakEngine::MEMBERS),
        ("recorded", RecordedEngine::MEMBERS),
    ];
    let tells = |chapter: &str, member: &str| chapter.contains(&format!("\n# {member} = "));
    assert!(EngineCommon::MEMBERS.iter().all(|member| tells(chapters[0], member)));
    for ((kind, members), chapter) in all.into_iter().zip(&chapters[1..]) {
        assert!(chapter.starts_with(&format!("\"{kind}\"")), "{kind}");
        let missing: Vec<&&str> = members.iter().filter(|member| !tells(chapter, member)).collect();
        assert!(missing.is_empty(), "{kind}: {missing:?}");
        assert_eq!(KINDS[chapters[1..].iter().position(|other| other == chapter).unwrap()], kind);
        // What stands there is TOML, and of the right types.
        let lines = format!("\n# kind = {chapter}");
        let own = lines.lines().take_while(|line| *line != "#" && !line.starts_with('['));
        let lines = own.filter_map(|line| line.strip_prefix("# "));
        let text: String = lines
            .filter(|line| line.contains(" = ") && !line.starts_with('#'))
            .fold("[speech.engines.one]\n".to_owned(), |text, line| text + line + "\n");
        let read = load(&text.replace("_file = \"\"", "_file = \"/x\""));
        let told = read.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(
            !told.contains("unknown") && !told.contains(": is a") && !told.contains("line"),
            "{kind}: {told}"
        );
    }
}

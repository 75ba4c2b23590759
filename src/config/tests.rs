//! What is taken from a file and the environment, and what is refused by its name.

use std::io::Write;

use super::{Config, ConfigError};

fn load(text: &str) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(Some(file.path()))
}

#[test]
fn the_default_is_complete_and_valid() {
    let config = Config::load(None).unwrap();
    assert_eq!(config.speech.budget.as_millis(), 700);
    assert!(config.speech.tail > 2 * config.rider.heartbeat);
}

#[test]
fn a_file_changes_what_it_names_and_unknown_keys_are_refused() {
    assert_eq!(load("[speech]\nbudget = \"1500ms\"").unwrap().speech.budget.as_millis(), 1500);
    assert!(load("[speech]\nbuget = \"1500ms\"").is_err());
    assert!(load("[spech]\nbudget = \"1s\"").is_err());
    assert!(load("[speech]\nbudget = \"-1s\"").is_err());
    assert!(load("[speech\n").is_err());
}

#[test]
fn a_public_url_may_have_a_path_and_nothing_behind_it() {
    let with = |url: &str| load(&format!("[server]\npublic_url = '{url}'"));
    for url in
        ["", "https://bell.example.cn", "http://10.0.0.1:8080", "https://x/bell", "https://[::1]:8/a/b"]
    {
        assert_eq!(with(url).unwrap().server.public_url, url);
    }
    for url in [
        "ftp://x",
        "https://",
        "https:///bell",
        "https://x/",
        "https://x/bell/",
        "https://x//bell",
        "https://x/../bell",
        "https://x?a=b",
        "https://x/bell#top",
        "https://user@x",
        "https://x y",
        "https://例.cn",
        "HTTPS://x",
        "bell.example.cn",
    ] {
        assert!(with(url).is_err(), "{url}");
    }
}

#[test]
fn a_server_for_others_should_know_its_name() {
    let with = |listen: &str, url: &str| {
        let config = load(&format!("[server]\nlisten = '{listen}'\npublic_url = '{url}'"));
        config.unwrap().server.public_url_is_missed()
    };
    assert!(with("0.0.0.0:8080", "") && with("[::]:8080", "") && with("192.0.2.1:80", ""));
    assert!(!with("127.0.0.1:8080", "") && !with("[::1]:8080", "") && !with("0.0.0.0:80", "https://x"));
}

#[test]
fn bounds_of_audio_are_refused_by_name() {
    for (wrong, key) in [
        ("silence_bytes_per_ip = 1000", "audio.silence_bytes_per_ip"),
        ("signed_url_ttl = '9m'", "audio.signed_url_ttl"),
        ("signed_url_ttl = '26h'", "audio.signed_url_ttl"),
    ] {
        let error = load(&format!("[audio]\n{wrong}")).unwrap_err().to_string();
        assert!(error.contains(key), "{wrong}: {error}");
    }
    assert!(load("[audio]\nsilence_bytes_per_ip = 0\nsigned_url_ttl = '10m'").is_ok());
    assert!(load("[server]\nmax_batch_bytes = 65535").is_err());
    assert_eq!(load("[intake]\ntype_prefix = \"shop-\"").unwrap().intake.type_prefix, "shop-");
}

#[test]
fn numbers_that_do_not_fit_each_other_are_refused_by_name() {
    for (wrong, key) in [
        ("timeout = \"50ms\"", "callbacks.timeout"),
        ("timeout = \"61s\"", "callbacks.timeout"),
        ("connect_timeout = \"11s\"", "callbacks.connect_timeout"),
        ("connect_timeout = \"0s\"", "callbacks.connect_timeout"),
        ("arbiter_wait = \"11s\"", "callbacks.arbiter_wait"),
        ("answer_bytes_max = 10", "callbacks.answer_bytes_max"),
        ("per_origin = 0", "callbacks.per_origin"),
        ("concurrency = 8", "callbacks.concurrency"),
        ("concurrency = 10001", "callbacks.concurrency"),
        ("places = 0", "callbacks.places"),
        ("places = 16", "callbacks.per_app"),
        ("per_app = 7", "callbacks.per_target"),
        ("per_target = 0", "callbacks.per_target"),
        ("retries = []", "callbacks.retries"),
        ("retries = [\"0s\"]", "callbacks.retries"),
        ("retries = [\"2s\", \"1s\"]", "callbacks.retries"),
        ("retries = [\"1s\", \"25h\"]", "callbacks.retries"),
        ("urgent_retries = [\"1s\", \"1s\", \"1s\", \"1s\", \"1s\"]", "callbacks.retries"),
        ("retry_after_max = \"0s\"", "callbacks.retry_after_max"),
        ("rest_after = 0", "callbacks.rest"),
        ("rest = \"6m\"", "callbacks.rest"),
    ] {
        let error = load(&format!("[callbacks]\n{wrong}")).unwrap_err();
        assert!(
            matches!(&error, ConfigError::Invalid { key: named, .. } if *named == key),
            "{wrong}: {error}"
        );
    }
    let pauses = |list: &str| load(&format!("[callbacks]\nretries = {list}")).unwrap().callbacks.retries;
    assert_eq!(pauses("\"20ms, 1m\""), pauses("[\"20ms\", \"1m\"]"));
    assert!(load("[callbacks]\nretries = [\"soon\"]").is_err());
    assert!(load("[callbacks]\nretries = [\"1s\"]\nurgent_retries = []").is_ok());
}

#[test]
fn proxies_are_addresses_or_networks() {
    let trusted = |list: &str| load(&format!("[server]\ntrusted_proxies = {list}"));
    let shown = |list| format!("{:?}", trusted(list).unwrap().server.trusted_proxies);
    assert_eq!(shown(r#"["10.1.2.3/8", "::1"]"#), "[10.0.0.0/8, ::1/128]");
    assert_eq!(shown(r#""127.0.0.1, fd00::/8""#), "[127.0.0.1/32, fd00::/8]");
    assert_eq!(shown(r#""""#), "[]");
    assert!(trusted(r#"["nginx"]"#).unwrap_err().to_string().contains("trusted proxy"));
    assert!(trusted(r#"["10.0.0.0/33"]"#).is_err());
}

#[test]
fn an_operators_key_is_no_word() {
    let same = "a".repeat(40);
    for bad in ["short", "a-key-of-23-characters-", &same, "a key of 24 characters or more"] {
        let error = load(&format!("[secrets]\noperator_key = \"{bad}\"")).unwrap_err();
        assert!(error.to_string().contains("secrets.operator_key") && !error.to_string().contains(bad));
    }
    let good = load("[secrets]\noperator_key = \"a-key-of-24-characters--\"").unwrap();
    assert_eq!(good.secrets_set(), ["secrets.operator_key"]);
    assert!(load("[intake]\nsignature_tolerance = \"16m\"").is_err());
}

#[test]
fn a_missing_file_is_an_error() {
    assert!(Config::load(Some(std::path::Path::new("/nowhere/orderbell.toml"))).is_err());
}

#[test]
fn a_line_that_does_not_parse_is_named_and_not_shown() {
    let error = load("[speech]\n[speech.engines.one]\napi_key = hidden-in-a-line\n").unwrap_err().to_string();
    assert!(error.contains(", line 3: ") && !error.contains("hidden"), "{error}");
    assert!(!error.trim().contains('\n'), "{error}");
}

#[test]
fn a_mode_that_is_none_is_told_with_those_there_are_and_a_missing_program_is_remarked() {
    for table in ["mode = 'parts'", "modes = { announcement = 'parts' }"] {
        let told = load(&format!("[speech]\n{table}")).unwrap_err();
        let told = format!("{:#}", anyhow::Error::new(told));
        assert!(told.contains("a mode is whole, segments or fixed"), "{told}");
    }
    let absent = load("[speech]\nespeak = '/nonexistent/espeak-ng'").unwrap();
    assert_eq!(absent.speech.remarks(), ["speech.espeak is no file: the built-in engine will not speak"]);
}

#[test]
fn a_chain_names_engines_that_are_there_once() {
    let chain =
        |list: &str| load(&format!("[speech]\nchain = {list}\n[speech.engines.one]\nkind = 'espeak'"));
    assert_eq!(chain("['one', 'espeak-ng']").unwrap().speech.chain, ["one", "espeak-ng"]);
    assert_eq!(chain("'one, espeak-ng'").unwrap().speech.chain, ["one", "espeak-ng"]);
    let silent = chain("[]").unwrap();
    assert!(silent.speech.remarks()[0].contains("speech.chain is empty"), "{:?}", silent.speech.remarks());
    for (wrong, told) in [
        (
            "['two']",
            "speech.chain: names \"two\", but there is no [speech.engines.two]; known are one, espeak-ng",
        ),
        ("['one', 'one']", "speech.chain: names \"one\" twice"),
        ("3", "speech.chain"),
    ] {
        let error = chain(wrong).unwrap_err().to_string();
        assert!(error.contains(told), "{wrong}: {error}");
    }
}

#[test]
fn recordings_stand_in_one_folder() {
    let engine = "[speech.engines.studio]\nkind = 'recorded'\nfolder = '/b'";
    let folder = |text: &str| load(text).unwrap().speech.recordings_folder();
    assert_eq!(folder(""), None);
    assert_eq!(folder("[speech]\nrecorded = '/a'").unwrap().to_str(), Some("/a"));
    assert_eq!(folder(engine).unwrap().to_str(), Some("/b"));
    let error = load(&format!("[speech]\nrecorded = '/a'\n{engine}")).unwrap_err().to_string();
    assert!(error.contains("speech.engines.studio.folder: is a second folder"), "{error}");
}

#[test]
fn words_of_speech_are_known_ones() {
    for (wrong, key) in [
        ("profile = 'loud'", "speech.profile"),
        ("mode = 'slow'", "speech.mode"),
        ("modes = { 'order.new' = 'slow' }", "speech.modes"),
        ("engine_timeout = '0s'", "speech.engine_timeout"),
        ("prewarm = { languages = ['fr'] }", "speech.prewarm.languages"),
        ("prewarm = { languages = ['en', 'en'] }", "speech.prewarm.languages"),
        ("prewarm = { fees = '30-1' }", "speech.prewarm.fees"),
        ("prewarm = { fees = 'all' }", "speech.prewarm.fees"),
        ("prewarm = { colour = 1 }", "colour"),
    ] {
        let error = load(&format!("[speech]\n{wrong}")).unwrap_err().to_string();
        assert!(error.contains(key), "{wrong}: {error}");
    }
    let speech = load("[speech]\nprewarm = { languages = 'yue, en', fees = '' }").unwrap().speech;
    assert_eq!((speech.prewarm.languages.len(), speech.prewarm.fees), (2, None));
    let usual = Config::load(None).unwrap().speech.prewarm;
    assert_eq!(usual.fees.map(|fees| (fees.from, fees.to)), Some((3, 15)));
}

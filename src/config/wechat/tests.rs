//! What of `[wechat]` is taken, and what is refused by its name and without its value.

use std::io::Write;

use secrecy::ExposeSecret;

use super::ProgramConfig;
use crate::config::{Config, DEFAULTS};

const GOOD: &str = "appid = 'wx0123456789abcdef'\nsecret = 'hiddenhiddenhidden'\n";

fn load(text: &str) -> Result<Config, crate::config::ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Config::load(Some(file.path()))
}

fn program(members: &str) -> Result<Config, crate::config::ConfigError> {
    load(&format!("[wechat.programs.riders]\n{members}"))
}

#[test]
fn it_is_off_until_a_program_is_named() {
    assert!(Config::load(None).unwrap().wechat.programs.is_empty());
    let config = program(GOOD).unwrap();
    let riders = &config.wechat.programs["riders"];
    assert_eq!((riders.app.as_str(), riders.subscribe, riders.message().is_none()), ("default", false, true));
    assert_eq!(config.secrets_set(), ["wechat.programs.riders.secret"]);
    config.check_credentials().unwrap();
}

#[test]
fn a_message_is_taken_apart_at_the_start() {
    let all = "subscribe = true\ntemplate = 'tmpl-1'\npage = 'pages/duty/duty?a=1'\nstate = 'trial'\nlang = 'en_US'\n\
        fields = { thing1 = '{title}', time2 = '{time}' }";
    let config = program(&format!("{GOOD}{all}")).unwrap();
    let message = config.wechat.programs["riders"].message().unwrap();
    let names: Vec<&str> = message.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["thing1", "time2"]);
    assert_eq!((message.page.as_deref(), message.state.as_str()), (Some("pages/duty/duty?a=1"), "trial"));
}

#[test]
fn what_is_wrong_is_named_and_no_secret_is_shown() {
    let subscribed = "subscribe = true\ntemplate = 't'\n";
    for (members, named) in [
        ("secret = 'hidden'".to_owned(), "riders.appid: is no id"),
        ("appid = 'wx0123456789ABCDEF'".to_owned(), "riders.appid"),
        (format!("{GOOD}secret_file = '/nowhere'"), "riders.secret: and secret_file are both set"),
        ("appid = 'wx0123456789abcdef'\nsecret = ['hidden']".to_owned(), "riders.secret: is text"),
        (format!("{GOOD}sekret = 'hidden'"), "riders.sekret: is unknown"),
        (format!("{GOOD}app = ' '"), "riders.app"),
        (format!("{GOOD}subscribe = 'yes'"), "riders.subscribe: is true or false"),
        (format!("{GOOD}subscribe = true"), "riders.template: is missing"),
        (format!("{GOOD}{subscribed}"), "riders.fields: are missing"),
        (
            format!("{GOOD}{subscribed}fields = {{ thing1 = '{{text}}' }}"),
            "riders.fields.thing1: names {text}",
        ),
        (format!("{GOOD}{subscribed}fields = {{ phone_number1 = '1' }}"), "riders.fields.phone_number1"),
        (format!("{GOOD}fields = {{ thing1 = '{{x' }}"), "riders.fields.thing1"),
        (format!("{GOOD}page = '/pages/a'"), "riders.page"),
        (format!("{GOOD}state = 'released'"), "riders.state"),
        (format!("{GOOD}lang = 'zh-CN'"), "riders.lang"),
        (format!("{GOOD}[wechat.programs.more]\n{GOOD}"), "riders.appid: is that of wechat.programs.more"),
        (format!("{GOOD}[wechat.programs.A]\n{GOOD}"), "wechat.programs.A: is no name"),
        (format!("{GOOD}[wechat]\napi_url = 'api.weixin.qq.com'"), "wechat.api_url"),
        (format!("{GOOD}[wechat]\napi_url = 'https://x/'"), "wechat.api_url"),
        (format!("{GOOD}[wechat]\ntimeout = '20s'"), "wechat.timeout"),
        (format!("{GOOD}[wechat]\nmessage_places = 0"), "wechat.message_places"),
        (format!("{GOOD}[wechat]\nlink_ttl = '30s'"), "wechat.link_ttl"),
        (format!("{GOOD}[wechat]\nunlinked_age = '1h'"), "wechat.unlinked_age"),
        (format!("{GOOD}[wechat]\nlogin = 1"), "login"),
    ] {
        let error = program(&members).unwrap_err().to_string();
        assert!(error.contains(named) && !error.contains("hidden"), "{members}: {error}");
    }
    let one = |n: u32| format!("[wechat.programs.p{n}]\nappid = 'wx000000000000000{n}'\n");
    let many: Vec<String> = (0..9).map(one).collect();
    assert!(load(&many.concat()).unwrap_err().to_string().contains("at most 8"));
}

#[test]
fn a_secret_comes_from_its_file_and_must_look_like_one() {
    let missing =
        program("appid = 'wx0123456789abcdef'").unwrap().check_credentials().unwrap_err().to_string();
    assert!(missing.contains("ORDERBELL_WECHAT__PROGRAMS__RIDERS__SECRET"), "{missing}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let with = |path: &std::path::Path| {
        program(&format!("appid = 'wx0123456789abcdef'\nsecret_file = '{}'", path.display())).unwrap()
    };
    let empty = with(file.path()).check_credentials().unwrap_err().to_string();
    assert!(empty.contains("riders.secret_file"), "{empty}");
    file.write_all(b"  hidden0123456789\n").unwrap();
    let config = with(file.path());
    let secret = config.wechat.programs["riders"].secret("riders").unwrap();
    assert_eq!(secret.expose_secret(), "hidden0123456789");
    let words = program("appid = 'wx0123456789abcdef'\nsecret = 'hidden words'").unwrap();
    assert!(!words.check_credentials().unwrap_err().to_string().contains("hidden"));
}

#[test]
fn the_default_file_describes_every_member_of_a_program() {
    let (_, described) = DEFAULTS.split_once("# [wechat.programs.NAME]\n").unwrap();
    let (described, _) = described.split_once("\n\n").unwrap();
    let lines =
        described.lines().filter_map(|line| line.strip_prefix("# ")).filter(|line| !line.starts_with('#'));
    let named: Vec<&str> = lines.clone().filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    let mut all = ProgramConfig::MEMBERS.to_vec();
    assert_eq!(named.len(), all.len());
    all.retain(|member| !named.contains(member));
    assert!(all.is_empty(), "{all:?}");
    let members: Vec<&str> = lines.filter(|line| line.contains(" = ")).collect();
    program(&members.join("\n")).unwrap();
}

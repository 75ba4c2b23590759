//! Profiles that operators write themselves: every way to ask and to answer, and every mistake found before the start.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::http::Http;
use serde_json::json;

use crate::bad_days::{SECRET, TEXT, engine, failure, form};
use crate::fake::{Answer, Fake};
use crate::{DEADLINE, said};

const COMMON: &str = "
[secrets]
key = 'the key'
[params]
base_url = { heard = false, about = 'where it is' }
audio_hosts = { default = '', heard = false }
";

/// The engine of a profile that stands in a file, for a service at a URL.
fn own(profile: &str, url: &str, params: &str) -> Result<Http, EngineSetupError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    std::fs::write(&file, profile).unwrap();
    engine(&table(&file, url, params))
}

fn table(file: &Path, url: &str, params: &str) -> String {
    format!(
        "kind = 'http'\nprofile = '{}'\nvoices = {{ zh-CN = 'v-1' }}\nparams = {{ base_url = '{url}' {params} }}\n\
         secrets = {{ key = '{SECRET}' }}",
        file.display()
    )
}

#[tokio::test]
async fn ssml_is_sent_raw_and_escaped_with_a_name_and_a_password() {
    let fake = Fake::start(|request| {
        assert_eq!(request.method, "PUT");
        assert_eq!(request.target, "/say/v-1?rate=%2B25%25&id=a%20b");
        assert_eq!(request.header("content-type"), Some("application/ssml+xml"));
        let basic = format!("Basic {}", STANDARD.encode(format!("us{{er:{SECRET}")));
        assert_eq!(request.header("authorization"), Some(basic.as_str()));
        assert_eq!(request.header("x-lang"), Some("zh-CN"));
        Answer::ok("application/octet-stream", request.body.clone())
    })
    .await;
    let profile = format!(
        "{COMMON}
        [auth]
        kind = 'basic'
        user = 'us{{er'
        password = '{{{{ secret:key }}}}'
        [request]
        method = 'PUT'
        url = '{{{{ param:base_url }}}}/say/{{{{ voice }}}}?rate=%2B25%25'
        query.id = 'a b'
        headers.Content-Type = 'application/ssml+xml'
        headers.X-Lang = '{{{{ lang }}}}'
        raw = \"<speak><prosody rate='{{{{ speed }}}}'>{{{{ text|xml }}}}</prosody></speak>\"
        [answer]
        kind = 'raw'
        content_type = ['application/octet-stream']
        bare = {{ '*' = 22050 }}"
    );
    let engine = own(&profile, &fake.url(), "").unwrap();
    let sound = said(&engine, "</speak><audio src='file:///etc/passwd'/> & \"x\"").await.unwrap();
    let wanted = "<speak><prosody rate='1'>&lt;/speak&gt;&lt;audio src=&apos;file:///etc/passwd&apos;/&gt; &amp; &quot;x&quot;</prosody></speak>";
    assert_eq!(String::from_utf8(sound.bytes.to_vec()).unwrap(), wanted);
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 22_050 }));
}

#[tokio::test]
async fn a_get_carries_the_text_in_its_query() {
    let fake = Fake::start(|request| {
        let (path, query) = request.target.split_once('?').unwrap();
        assert_eq!((request.method.as_str(), path, request.body.len()), ("GET", "/tts", 0));
        let fields = form(query);
        assert_eq!(fields[1], ("k".to_owned(), SECRET.to_owned()));
        Answer::ok("audio/wav", fields[0].1.clone())
    })
    .await;
    let profile = format!(
        "{COMMON}
        [auth]
        kind = 'query'
        name = 'k'
        value = '{{{{ secret:key }}}}'
        [request]
        method = 'GET'
        url = '{{{{ param:base_url }}}}/tts'
        query.text = '{{{{ text }}}}'
        [answer]
        kind = 'raw'"
    );
    let engine = own(&profile, &fake.url(), "").unwrap();
    assert_eq!(said(&engine, "a=b&c d+e%20/../?#").await.unwrap().bytes, "a=b&c d+e%20/../?#");
}

#[tokio::test]
async fn sound_elsewhere_is_fetched_from_public_and_named_hosts_only() {
    let store = Fake::start(|request| {
        assert_eq!((request.method.as_str(), request.header("authorization")), ("GET", None));
        match request.target.as_str() {
            "/a.mp3?sig=1" => Answer::ok("audio/mpeg", "ID3 there"),
            "/empty" => Answer::ok("audio/mpeg", ""),
            "/moved" => Answer::with(302, "text/html", "").and("location", "/a.mp3?sig=1"),
            _ => Answer::with(404, "text/html", "<html>"),
        }
    })
    .await;
    let profile = format!(
        "{COMMON}
        [auth]
        kind = 'bearer'
        value = '{{{{ secret:key }}}}'
        [request]
        url = '{{{{ param:base_url }}}}/x'
        json = {{ text = '{{{{ text }}}}' }}
        [answer]
        kind = 'url'
        pointer = '/output/audio/url'"
    );
    let host = store.url().replace("http://", "");
    for (path, hosts, wanted) in [
        ("/a.mp3?sig=1", format!("example.com {host}"), None),
        // Not named: loopback is never fetched.
        ("/a.mp3?sig=1", String::new(), Some(EngineFailure::Broken)),
        ("/a.mp3?sig=1", "127.0.0.1".to_owned(), Some(EngineFailure::Broken)),
        ("/empty", host.clone(), Some(EngineFailure::Broken)),
        ("/moved", host.clone(), Some(EngineFailure::Broken)),
        ("/gone", host.clone(), Some(EngineFailure::Broken)),
    ] {
        let url = format!("{}{path}", store.url());
        let before = store.requests().len();
        let fake = Fake::always(Answer::json(200, &json!({"output": {"audio": {"url": url}}}))).await;
        let engine = own(&profile, &fake.url(), &format!(", audio_hosts = '{hosts}'")).unwrap();
        match wanted {
            None => assert_eq!(said(&engine, TEXT).await.unwrap().bytes, "ID3 there"),
            Some(wanted) => assert_eq!(failure(&engine, TEXT).await.failure, wanted, "{path} {hosts}"),
        }
        assert_eq!(store.requests().len() - before, usize::from(hosts.contains(&host)), "{path} {hosts}");
    }
    for url in ["file:///etc/passwd", "//x", "", "http://169.254.169.254/latest/meta-data", "gopher://x/"] {
        let fake = Fake::always(Answer::json(200, &json!({"output": {"audio": {"url": url}}}))).await;
        let engine = own(&profile, &fake.url(), "").unwrap();
        assert_eq!(failure(&engine, TEXT).await.failure, EngineFailure::Broken, "{url}");
    }
}

/// A service that streams pieces of sound.
fn streaming(kind: &str, end: &str) -> String {
    format!(
        "{COMMON}
        [request]
        url = '{{{{ param:base_url }}}}/x'
        form = {{ t = '{{{{ text }}}}', n = 1 }}
        [answer]
        kind = '{kind}'
        encoding = 'base64'
        pointer = '/data'
        code = '/code'
        end = {end}
        success = {{ pointer = '/code', values = [0] }}
        [[errors]]
        pointer = '/code'
        values = [45000000]
        failure = 'auth'"
    )
}

#[tokio::test]
async fn streams_are_whole_only_when_they_say_so() {
    let (one, two) = (STANDARD.encode("ID3 one "), STANDARD.encode("two"));
    let lines = streaming("lines", "{ pointer = '/code', values = [20000000] }");
    let events = streaming("events", "{ data = '[DONE]' }");
    let piece = |data: &str| json!({"code": 0, "data": data}).to_string();
    let end = json!({"code": 20_000_000, "message": "ok"}).to_string();
    let event = |data: &str| format!("event: x\ndata: {data}\n\n");
    for (what, profile, body, wanted) in [
        ("lines", &lines, format!("{}\n{}\n{end}\n", piece(&one), piece(&two)), Ok("ID3 one two")),
        (
            "lines without ends",
            &lines,
            format!("{}{}{}{end}", piece(&one), piece(""), piece(&two)),
            Ok("ID3 one two"),
        ),
        ("no end", &lines, format!("{}\n{}\n", piece(&one), piece(&two)), Err(EngineFailure::Retry)),
        ("cut in a piece", &lines, format!("{}\n{{\"code\":0,\"da", piece(&one)), Err(EngineFailure::Retry)),
        (
            "an error in it",
            &lines,
            format!("{}\n{{\"code\":45000000}}\n{end}", piece(&one)),
            Err(EngineFailure::Auth),
        ),
        ("no base64", &lines, format!("{}\n{end}", piece("*")), Err(EngineFailure::Broken)),
        ("no sound", &lines, end.clone(), Err(EngineFailure::Broken)),
        ("a page", &lines, "<html>".to_owned(), Err(EngineFailure::Broken)),
        (
            "events",
            &events,
            format!(": hi\n\n{}{}{}", event(&piece(&one)), event(&piece(&two)), event("[DONE]")),
            Ok("ID3 one two"),
        ),
        ("events that end", &events, event(&piece(&one)), Err(EngineFailure::Retry)),
        ("an event that fails", &events, event("{\"code\":45000000}"), Err(EngineFailure::Auth)),
    ] {
        let fake = Fake::always(Answer::ok("application/octet-stream", body)).await;
        let engine = own(profile, &fake.url(), "").unwrap();
        match wanted {
            Ok(sound) => assert_eq!(said(&engine, TEXT).await.unwrap().bytes, sound, "{what}"),
            Err(wanted) => assert_eq!(failure(&engine, TEXT).await.failure, wanted, "{what}"),
        }
        let fields = form(std::str::from_utf8(&fake.request().body).unwrap());
        assert_eq!(fields, [("n".to_owned(), "1".to_owned()), ("t".to_owned(), TEXT.to_owned())]);
    }
}

#[tokio::test]
async fn values_cannot_leave_their_place_in_json() {
    let fake = Fake::start(|request| Answer::ok("audio/x", request.json().to_string())).await;
    let profile = format!(
        "{COMMON}
        [request]
        url = '{{{{ param:base_url }}}}/x'
        [request.json]
        text = '{{{{ text }}}}'
        said = 'so: {{{{ text }}}}'
        speed = '{{{{ speed }}}}'
        words = '{{{{ speed }}}}x'
        inner = '{{\"t\":{{{{ text|json }}}}}}'
        list = [1, true, '{{{{ voice }}}}']
        [answer]
        kind = 'raw'"
    );
    let engine = own(&profile, &fake.url(), "").unwrap();
    let text = "\",\"admin\":true,\"x\":\"{{ secret:key }}\\";
    let part = Part::new(text, vec![]);
    let request =
        EngineRequest { part: &part, lang: Lang::ZhCn, speed: Speed::percent(80), deadline: DEADLINE };
    let sound = engine.speak(&request).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&sound.bytes).unwrap();
    let inner = json!({"t": text}).to_string();
    let wanted = json!({"text": text, "said": format!("so: {text}"), "speed": 0.8, "words": "0.8x", "inner": inner, "list": [1, true, "v-1"]});
    assert_eq!(body, wanted);
}

#[test]
fn every_mistake_is_found_before_the_start() {
    let fine = "[request]\nurl = '{{ param:base_url }}/x'\njson.t = '{{ text }}'\n[answer]\nkind = 'raw'";
    assert!(own(&format!("{COMMON}{fine}"), "http://127.0.0.1:1", "").is_ok());
    for (replaced, by, problem) in [
        ("json.t", "jsn.t", "unknown field `jsn`"),
        ("{{ text }}", "{{ txt }}", "request.json.t: column 1: unknown name \"txt\""),
        ("{{ text }}", "hello", "the text stands nowhere"),
        (
            "json.t = '",
            "json.t = { a = '{{ text }}', b = ['x', '{{ speed|int|json|num(1=1,2=2) }}'] } #'",
            "request.json.t.b[1]: column 1",
        ),
        ("json.t", "json.'{{ voice }}'", "may not contain slots"),
        ("json.t", "raw = 'x'\njson.t", "more than one of json, form and raw"),
        ("json.t = '{{ text }}'", "raw = '<a>{{ text }}</a>'\nheaders.Content-Type = 'x/y'", "request.raw"),
        ("json.t = '{{ text }}'", "raw = '{{ text }}'", "needs a Content-Type"),
        ("json.t = '{{ text }}'", "form.t = ['{{ text }}']", "request.form.t: a text, a number"),
        ("json.t", "method = 'GET'\njson.t", "a GET has no body"),
        ("json.t", "method = 'SEND'\njson.t", "unknown variant `SEND`"),
        ("json.t", "headers.'a b' = 'x'\njson.t", "request.headers.a b: is not the name of a header"),
        ("json.t", "headers.Host = 'x'\njson.t", "the client's own"),
        ("'{{ param:base_url }}/x'", "'{{ text }}/x'", "request.url: scheme, host and port"),
        ("'{{ param:base_url }}/x'", "'ftp://x/'", "request.url: must begin with https://"),
        ("'{{ param:base_url }}/x'", "'/x'", "request.url"),
        ("'{{ param:base_url }}/x'", "'https://a:b@x/'", "user name or password"),
        ("kind = 'raw'", "kind = 'audio'", "unknown variant `audio`"),
        ("kind = 'raw'", "kind = 'hex'", "answer.pointer: says where"),
        ("kind = 'raw'", "kind = 'hex'\npointer = 'data'", "answer.pointer: \"data\" is no JSON pointer"),
        ("kind = 'raw'", "kind = 'events'\npointer = '/a'", "answer.encoding"),
        ("kind = 'raw'", "kind = 'events'\npointer = '/a'\nencoding = 'hex'", "answer.end"),
        (
            "kind = 'raw'",
            "kind = 'events'\npointer = '/a'\nencoding = 'hex'\nend = {}",
            "answer.end: needs data",
        ),
        ("kind = 'raw'", "kind = 'raw'\npointer = '/a'", "a raw answer has no pointer"),
        ("kind = 'raw'", "kind = 'raw'\nencoding = 'hex'", "belong to events and lines"),
        ("kind = 'raw'", "kind = 'raw'\nbare = { '*' = 'fast' }", "answer.bare.*: a rate is"),
        ("kind = 'raw'", "kind = 'raw'\nsuccess = { pointer = '/a' }", "answer.success: needs one of"),
        ("kind = 'raw'", "kind = 'raw'\n[[errors]]\nfailure = 'retry'", "errors[0]: a rule needs"),
        (
            "kind = 'raw'",
            "kind = 'raw'\n[[errors]]\nfailure = 'sulk'\nstatus = [500]",
            "unknown variant `sulk`",
        ),
        ("kind = 'raw'", "kind = 'raw'\n[auth]\nkind = 'tc3'", "unknown variant `tc3`"),
        (
            "kind = 'raw'",
            "kind = 'raw'\n[auth]\nkind = 'bearer'\nvalue = '{{ secret:kee }}'",
            "auth.value: column 8",
        ),
        (
            "kind = 'raw'",
            "kind = 'raw'\n[auth]\nkind = 'token'\npointer = '/t'\nrequest.url = 'https://x/{{ text }}'",
            "auth.request.url: column 11: unknown name",
        ),
        (
            "kind = 'raw'",
            "kind = 'raw'\n[auth]\nkind = 'token'\npointer = '/t'\nrequest.url = 'https://x/'",
            "the token that is fetched stands nowhere",
        ),
        ("kind = 'raw'", "kind = 'raw'\n[langs]\nfr = 'x'", "langs.fr: unknown language"),
        ("kind = 'raw'", "kind = 'raw'\n[langs]\nen = 'x'", "voices.zh-CN: the service does not speak"),
        ("kind = 'raw'", "kind = 'raw'\n[text]\nmeasure = 'words'", "unknown variant `words`"),
        ("kind = 'raw'", "kind = 'raw", "invalid"),
    ] {
        assert!(fine.contains(replaced), "{replaced}");
        let error = own(&format!("{COMMON}{}", fine.replacen(replaced, by, 1)), "http://127.0.0.1:1", "")
            .unwrap_err();
        let told = error.to_string();
        assert!(told.contains(problem), "{by}: {told}");
        assert!(!told.contains(SECRET), "{told}");
    }
}

#[test]
fn what_the_operator_forgets_or_invents_is_told() {
    let table = |profile: &str, rest: &str| format!("kind = 'http'\nprofile = '{profile}'\n{rest}");
    let voices = "voices = { zh-CN = 'x' }\n";
    for (table, problem) in [
        (table("", voices), "\"\" does not ship; known are aliyun_nls, baidu, google, minimax"),
        (table("badu", voices), "\"badu\" does not ship"),
        (table("/nowhere/x.toml", voices), "profile: /nowhere/x.toml: No such file"),
        (table("google", voices), "profile google: secrets.api_key: must be set here or in secret_files"),
        (table("google", &format!("{voices}secrets = {{ api_key = ' ' }}")), "secrets.api_key: must be set"),
        (
            table("google", &format!("{voices}secret_files = {{ api_key = '/nowhere' }}")),
            "secret_files.api_key: No such file",
        ),
        (
            table("google", &format!("{voices}secrets = {{ key = 'x' }}")),
            "secrets.key: the profile has no such secret; it has api_key",
        ),
        (table("google", "secrets = { api_key = 'x' }"), "voices: needs one voice"),
        (
            table("google", "secrets = { api_key = 'x' }\nvoices = { zh = 'x' }"),
            "voices.zh: unknown language",
        ),
        (
            table("google", &format!("{voices}secrets = {{ api_key = 'x' }}\nparams = {{ rate = '1' }}")),
            "params.rate: the profile has no such parameter; it has base_url",
        ),
        (
            table("google", &format!("{voices}secrets = {{ api_key = 'x' }}\nparams = {{ pitch = 'high' }}")),
            "params.pitch: \"high\" is not a number",
        ),
        (
            table("google", &format!("{voices}secrets = {{ api_key = 'x' }}\nparams = {{ format = 'OGG' }}")),
            "\"OGG\" is none of MP3, LINEAR16",
        ),
        (
            table(
                "google",
                &format!("{voices}secrets = {{ api_key = 'x' }}\nparams = {{ base_url = 'example.com' }}"),
            ),
            "request.url",
        ),
        (
            table("aliyun_nls", &format!("{voices}secrets = {{ token = 'x' }}")),
            "params.appkey: must be set (the project's appkey",
        ),
    ] {
        let error = engine(&table).unwrap_err().to_string();
        assert!(error.contains(problem), "{table}: {error}");
    }
}

//! Azure's text to speech over REST: SSML in, sound out.

use orderbell::config::engines::{EngineConfig, EngineKind};
use orderbell::domain::said::Part;
use orderbell::speech::Lang;
use orderbell::speech::engine::EngineFailure::{Auth, BadText, Broken, Configuration, Quota, Retry};
use orderbell::speech::engine::{BarePcm, Engine, EngineFailure, EngineRequest, Speed};
use orderbell::speech::engines::EngineSetupError;
use orderbell::speech::engines::azure::Azure;

use crate::fake::{Answer, Fake, Request};
use crate::makers::{SECRET, SOUND, TEXT, TOO_MANY, assert_failures, to_chongqing};
use crate::{config, outages, request, said, services};

fn made(config: &EngineConfig) -> Result<Azure, EngineSetupError> {
    let EngineKind::Azure(own) = &config.kind else { unreachable!("another kind of engine") };
    Azure::new(own, &config.common, services())
}

fn engine_at(url: &str, more: &str) -> Azure {
    let table = format!(
        "kind = 'azure'\nbase_url = '{url}'\nsubscription_key = '{SECRET}'\n\
         voices = {{ zh-CN = 'zh-CN-XiaoxiaoNeural', yue = 'zh-HK-HiuMaanNeural', en = 'en-US-JennyNeural' }}\n{more}"
    );
    made(&config(&table)).unwrap()
}

/// The service as it is documented: every header that it requires, SSML that is well-formed, syllables that it knows.
fn service(request: &Request) -> Answer {
    let refused = |status| Answer::with(status, "text/plain", "");
    if (request.method.as_str(), request.target.as_str()) != ("POST", "/cognitiveservices/v1") {
        return refused(404);
    }
    if request.header("ocp-apim-subscription-key") != Some(SECRET) {
        return refused(401);
    }
    if request.header("content-type") != Some("application/ssml+xml") {
        return refused(415);
    }
    let agent = request.header("user-agent").unwrap_or_default();
    let format = request.header("x-microsoft-outputformat").unwrap_or_default();
    let ssml = std::str::from_utf8(&request.body).unwrap();
    let is_ssml = ssml.starts_with("<speak version=\"1.0\" ") && ssml.ends_with("</voice></speak>");
    if agent.is_empty() || agent.len() > 255 || !is_ssml || !is_well_formed(ssml) {
        return refused(400);
    }
    let phones = ssml.split("ph=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    for syllable in phones.flat_map(|ph| ph.split(" - ")) {
        let known = syllable.split_once(' ').is_some_and(|(letters, tone)| {
            letters != "xxx" && "12345".contains(tone) && letters.chars().all(|c| c.is_ascii_lowercase())
        });
        if !known {
            return refused(400);
        }
    }
    match format {
        "audio-24khz-48kbitrate-mono-mp3" => Answer::ok("audio/mpeg", SOUND),
        "raw-16khz-16bit-mono-pcm" => Answer::ok("audio/basic", b"\x01\x02"),
        _ => refused(400),
    }
}

/// Tags that close in their order, and no bare sign that begins one.
fn is_well_formed(xml: &str) -> bool {
    let mut open = Vec::new();
    for piece in xml.split('<').skip(1) {
        let Some((tag, text)) = piece.split_once('>') else { return false };
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];
        let rest = entities.iter().fold(text.to_owned(), |text, entity| text.replace(entity, ""));
        if rest.contains('&') || rest.chars().any(char::is_control) {
            return false;
        }
        match tag.strip_prefix('/') {
            Some(name) if open.pop() == Some(name) => {}
            Some(_) => return false,
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    open.is_empty()
}

fn body(fake: &Fake) -> String {
    String::from_utf8(fake.request().body).unwrap()
}

#[tokio::test]
async fn a_text_is_spoken_and_nothing_in_it_is_markup() {
    let fake = Fake::start(service).await;
    let text = "<break time='9s'/>&amp; \"好\" ]]> <!-- </voice>";
    let sound = said(&engine_at(&fake.url(), ""), text).await.unwrap();
    assert_eq!((&sound.bytes[..], sound.bare), (SOUND, None));
    let ssml = body(&fake);
    assert!(ssml.contains("xml:lang=\"zh-CN\"><voice name=\"zh-CN-XiaoxiaoNeural\">&lt;break"), "{ssml}");
    assert!(!ssml.contains("<prosody") && !ssml.contains("<break"), "{ssml}");
}

#[tokio::test]
async fn speed_style_and_format_are_asked_for() {
    let fake = Fake::start(service).await;
    let engine = engine_at(&fake.url(), "style = 'cheerful'\nformat = 'raw-16khz-16bit-mono-pcm'");
    let part = Part::new(TEXT, vec![]);
    let sound = engine.speak(&EngineRequest { speed: Speed::percent(80), ..request(&part) }).await.unwrap();
    assert_eq!(sound.bare, Some(BarePcm { rate_hz: 16_000 }));
    let expected = format!(
        "<mstts:express-as style=\"cheerful\"><prosody rate=\"-20%\">{TEXT}</prosody></mstts:express-as>"
    );
    assert!(body(&fake).contains(&expected));
}

#[tokio::test]
async fn a_reading_is_said_in_azures_alphabet_and_only_in_mandarin() {
    let fake = Fake::start(service).await;
    let part = to_chongqing("chong2 qing4");
    engine_at(&fake.url(), "").speak(&request(&part)).await.unwrap();
    let expected = "去<phoneme alphabet=\"sapi\" ph=\"chong 2 - qing 4\">重庆</phoneme> &amp; &lt;取餐&gt;";
    assert!(body(&fake).contains(expected), "{}", body(&fake));
    let fake = Fake::start(service).await;
    engine_at(&fake.url(), "").speak(&EngineRequest { lang: Lang::Yue, ..request(&part) }).await.unwrap();
    assert!(
        !body(&fake).contains("phoneme") && body(&fake).contains("xml:lang=\"zh-HK\""),
        "{}",
        body(&fake)
    );
}

#[tokio::test]
async fn a_reading_that_is_refused_does_not_silence_the_text() {
    let fake = Fake::start(service).await;
    let sound = engine_at(&fake.url(), "").speak(&request(&to_chongqing("xxx2 qing4"))).await.unwrap();
    assert_eq!(&sound.bytes[..], SOUND);
    let requests = fake.requests();
    assert_eq!(requests.len(), 2);
    assert!(!String::from_utf8_lossy(&requests[1].body).contains("phoneme"));
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let used_up = "{\"error\":{\"code\":\"403\",\"message\":\"Out of call volume quota. Quota will be replenished in 9 days.\"}}";
    let in_5_s = EngineFailure::RateLimited { retry_after: Some(std::time::Duration::from_secs(5)) };
    let plain = |status, text: &str| Answer::with(status, "text/plain", text);
    let table = vec![
        ("voice or format", plain(400, ""), Configuration),
        ("voice by name", plain(400, "Unsupported voice zh-CN-Nobody, text dropped"), Configuration),
        ("text", plain(400, &format!("SSML parsing error: {TEXT}")), BadText),
        ("length", plain(413, ""), BadText),
        ("key", Answer::with(401, "application/json", "{\"error\":{\"code\":\"401\"}}"), Auth),
        ("forbidden", plain(403, ""), Auth),
        ("used up", Answer::with(403, "application/json", used_up), Quota),
        ("format", plain(415, ""), Configuration),
        ("no such place", plain(404, ""), Configuration),
        ("too many", plain(429, ""), TOO_MANY),
        ("too many for a while", plain(429, "").and("retry-after", "5"), in_5_s),
        ("down", plain(500, ""), Retry),
        ("gateway", plain(502, ""), Retry),
        ("unavailable", plain(503, ""), Retry),
        ("200 and an error", Answer::with(200, "application/json", used_up), Broken),
    ];
    assert_failures(|url| Box::new(engine_at(url, "")), table).await;
}

#[tokio::test]
async fn outages_are_survived() {
    outages::are_survived(|url| Box::new(engine_at(url, "")), Broken).await;
}

#[tokio::test]
async fn a_text_beyond_the_limit_is_not_even_sent() {
    let fake = Fake::start(service).await;
    let error = said(&engine_at(&fake.url(), ""), &"好".repeat(10_000)).await.unwrap_err();
    assert_eq!((error.failure, fake.requests().len()), (BadText, 0));
}

#[test]
fn a_voice_is_what_is_heard_and_no_credential() {
    let engine = engine_at("https://x.example", "style = 'calm'");
    let line = "azure/1/zh-HK-HiuMaanNeural/audio-24khz-48kbitrate-mono-mp3/calm";
    assert_eq!(engine.voice(Lang::Yue).as_deref(), Some(line));
    assert!(!format!("{engine:?}").contains(SECRET));
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let told = |more: &str| {
        made(&config(&format!("kind = 'azure'\nvoices = {{ zh-CN = 'a' }}\n{more}"))).unwrap_err().to_string()
    };
    assert!(told("region = 'eastasia'").contains("subscription_key is missing"));
    assert!(told("subscription_key = 'k'").contains("region"));
    assert!(
        told("subscription_key = 'k'\nregion = 'eastasia'\nformat = 'ogg-24khz-16bit-mono-opus'")
            .contains("format")
    );
}

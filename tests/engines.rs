//! Speech engines as they are, each against a local fake of its maker's documented protocol.
//! The fakes are strict in what they take, and answer everything a maker, a proxy or a bad day may answer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "engines/aliyun.rs"]
mod aliyun;
#[path = "engines/azure.rs"]
mod azure;
#[path = "engines/bad_days.rs"]
mod bad_days;
#[path = "engines/fake.rs"]
mod fake;
#[path = "engines/openai.rs"]
mod openai;
#[path = "engines/tencent.rs"]
mod tencent;
#[path = "engines/volcengine.rs"]
mod volcengine;

use std::sync::Arc;
use std::time::Duration;

use orderbell::clock::SystemClock;
use orderbell::config::engines::EngineConfig;
use orderbell::domain::said::{Part, Reading};
use orderbell::outbound::SystemLookup;
use orderbell::outbound::service::Services;
use orderbell::speech::Lang;
use orderbell::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound, Speed};

use fake::{Answer, Fake};

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);
/// The credential of every engine here.
const SECRET: &str = "s3cr3t-0f-th3-3ng1n3";
/// What they are asked to say. No error may quote it.
const TEXT: &str = "您有新的美团订单";
/// A sound as it comes.
const SOUND: &[u8] = b"ID3\x03\0\0\0\0\0\0sound";
const TOO_MANY: EngineFailure = EngineFailure::RateLimited { retry_after: None };

/// The client as the server has it.
fn services() -> Arc<Services> {
    let lookup = Arc::new(SystemLookup::new(4));
    Arc::new(Services::new(lookup, Arc::new(SystemClock::new())).unwrap())
}

/// The table of an engine, as an operator writes it.
fn config(table: &str) -> EngineConfig {
    toml::from_str(table).unwrap()
}

fn request(part: &Part) -> EngineRequest<'_> {
    EngineRequest { part, lang: Lang::ZhCn, speed: Speed::NORMAL, deadline: DEADLINE }
}

/// Has an engine say a text in Mandarin.
async fn said(engine: &dyn Engine, text: &str) -> Result<EngineSound, EngineError> {
    engine.speak(&request(&Part::new(text, vec![]))).await
}

/// The same for a text in which 重庆 has a reading.
fn to_chongqing(pinyin: &str) -> Part {
    Part::new("去重庆 & <取餐>", vec![Reading { word: "重庆".to_owned(), pinyin: pinyin.to_owned() }])
}

/// Why an engine does not say [`TEXT`]; the error is one that may be logged.
async fn failure_of(engine: &dyn Engine) -> EngineFailure {
    let error = said(engine, TEXT).await.unwrap_err();
    let failure = error.failure;
    let debugged = format!("{error:?}");
    let told = format!("{debugged} {:#}", anyhow::Error::new(error));
    assert!(!told.contains(SECRET) && !told.contains("美团"), "{told}");
    failure
}

/// Has a service give each of these answers to an engine that asks once, and compares what it makes of them.
async fn assert_failures(
    engine_at: impl Fn(&str) -> Box<dyn Engine>,
    table: Vec<(&str, Answer, EngineFailure)>,
) {
    for (name, answer, expected) in table {
        let fake = Fake::always(answer).await;
        assert_eq!(failure_of(engine_at(&fake.url()).as_ref()).await, expected, "{name}");
        assert_eq!(fake.requests().len(), 1, "{name}: who asks again is the caller");
    }
}

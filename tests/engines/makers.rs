//! What the tests of all makers' services share: a credential and a text that no error may quote, and tables of
//! refusals.

use orderbell::domain::said::{Part, Reading};
use orderbell::speech::engine::{Engine, EngineFailure};

use crate::fake::{Answer, Fake};
use crate::said;

/// The credential of every engine here.
pub(crate) const SECRET: &str = "s3cr3t-0f-th3-3ng1n3";
/// What they are asked to say. No error may quote it.
pub(crate) const TEXT: &str = "您有新的美团订单";
/// A sound as it comes.
pub(crate) const SOUND: &[u8] = b"ID3\x03\0\0\0\0\0\0sound";
pub(crate) const TOO_MANY: EngineFailure = EngineFailure::RateLimited { retry_after: None };

/// The same for a text in which 重庆 has a reading.
pub(crate) fn to_chongqing(pinyin: &str) -> Part {
    Part::new("去重庆 & <取餐>", vec![Reading { word: "重庆".to_owned(), pinyin: pinyin.to_owned() }])
}

/// Why an engine does not say [`TEXT`]; the error is one that may be logged.
pub(crate) async fn failure_of(engine: &dyn Engine) -> EngineFailure {
    let error = said(engine, TEXT).await.unwrap_err();
    let failure = error.failure;
    let debugged = format!("{error:?}");
    let told = format!("{debugged} {:#}", anyhow::Error::new(error));
    assert!(!told.contains(SECRET) && !told.contains("美团"), "{told}");
    failure
}

/// Has a service give each of these answers to an engine that asks once, and compares what it makes of them.
pub(crate) async fn assert_failures(
    engine_at: impl Fn(&str) -> Box<dyn Engine>,
    table: Vec<(&str, Answer, EngineFailure)>,
) {
    for (name, answer, expected) in table {
        let fake = Fake::always(answer).await;
        assert_eq!(failure_of(engine_at(&fake.url()).as_ref()).await, expected, "{name}");
        assert_eq!(fake.requests().len(), 1, "{name}: who asks again is the caller");
    }
}

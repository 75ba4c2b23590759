//! What Volcengine answers: objects with a code, alone or in a row, and what each code means.
//! Some codes stand for several things, and only their message tells them apart.

use serde::Deserialize;

use crate::speech::engine::EngineFailure;

/// The code that ends a row: all of the sound has come.
pub(super) const ENDED: i64 = 20_000_000;

/// One object.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Told {
    pub(super) code: Option<i64>,
    #[serde(default)]
    pub(super) message: String,
    /// Sound in base64.
    pub(super) data: Option<String>,
    /// Where the gateway in front of v3 puts code and message.
    header: Option<Header>,
}

#[derive(Debug, Default, Deserialize)]
struct Header {
    code: Option<i64>,
    #[serde(default)]
    message: String,
}

impl Told {
    /// The only object of a body.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(body).ok().map(Self::flat)
    }

    fn flat(mut self) -> Self {
        if let (None, Some(header)) = (self.code, self.header.take()) {
            (self.code, self.message) = (header.code, header.message);
        }
        self
    }
}

/// Something else than their objects.
#[derive(Debug)]
pub(super) struct NotTheirs;

/// The objects of a body in their order; one that is cut off ends the row.
pub(super) fn row(body: &[u8]) -> impl Iterator<Item = Result<Told, NotTheirs>> {
    let objects = serde_json::Deserializer::from_slice(body).into_iter::<Told>();
    objects.map_while(|object| match object {
        Ok(told) => Some(Ok(told.flat())),
        Err(error) if error.is_eof() => None,
        Err(_) => Some(Err(NotTheirs)),
    })
}

/// What a message says, whatever the code.
fn by_message(message: &str) -> Option<EngineFailure> {
    let message = message.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| message.contains(sign));
    if says(&["quota exceeded for types: concurrency", "types: qps"]) {
        Some(EngineFailure::RateLimited { retry_after: None })
    } else if says(&["quota exceeded", "_lifetime"]) {
        Some(EngineFailure::Quota)
    } else if says(&["grant", "access denied", "permission denied", "authenticate", "auth token"]) {
        Some(EngineFailure::Auth)
    } else if says(&["illegal input text", "textrisk", "textlimit", "size too large"]) {
        Some(EngineFailure::BadText)
    } else if says(&["init engine instance failed", "mismatched with speaker", "speaker not found"]) {
        Some(EngineFailure::Configuration)
    } else {
        None
    }
}

pub(super) fn failure_v1(code: i64, message: &str) -> EngineFailure {
    by_message(message).unwrap_or(match code {
        3003 => EngineFailure::RateLimited { retry_after: None },
        3005 | 3030 | 3031 | 3032 | 3040 => EngineFailure::Retry,
        3010 | 3011 => EngineFailure::BadText,
        3001 | 3050 => EngineFailure::Configuration,
        // 3006 is a request id that was used before, which ours never are.
        _ => EngineFailure::Broken,
    })
}

pub(super) fn failure_v3(code: i64, message: &str) -> EngineFailure {
    by_message(message).unwrap_or(match code {
        40_402_003 | 40_000_022 => EngineFailure::BadText,
        45_000_000 | 45_000_010 => EngineFailure::Auth,
        45_000_292 => EngineFailure::RateLimited { retry_after: None },
        40_000_000..50_000_000 => EngineFailure::Configuration,
        50_000_000..60_000_000 => EngineFailure::Retry,
        _ => EngineFailure::Broken,
    })
}

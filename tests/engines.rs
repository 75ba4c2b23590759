//! Speech engines as they are, each against a local fake of its maker's documented protocol.
//! The fakes are strict in what they take, and answer everything a maker, a proxy or a bad day may answer.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test says what it expects, and its helpers with it"
)]

#[path = "engines/aliyun_nls.rs"]
mod aliyun_nls;
#[path = "engines/bad_days.rs"]
mod bad_days;
#[path = "engines/baidu.rs"]
mod baidu;
#[path = "engines/command.rs"]
mod command;
#[path = "engines/espeak.rs"]
mod espeak;
#[path = "engines/fake.rs"]
mod fake;
#[path = "engines/google.rs"]
mod google;
#[path = "engines/http_profile.rs"]
mod http_profile;
#[path = "engines/minimax.rs"]
mod minimax;
#[path = "engines/recorded.rs"]
mod recorded;

use std::sync::Arc;
use std::time::Duration;

use orderbell::clock::SystemClock;
use orderbell::config::engines::EngineConfig;
use orderbell::domain::said::Part;
use orderbell::outbound::SystemLookup;
use orderbell::outbound::service::Services;
use orderbell::speech::Lang;
use orderbell::speech::engine::{Engine, EngineError, EngineRequest, EngineSound, Speed};

/// Nothing here takes this long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(10);

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

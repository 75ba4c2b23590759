//! The mini-programs out of the configuration, with the client that speaks for them.

use std::sync::Arc;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::{Wechat, ms};
use crate::dispatch::{MiniProgram, MiniPrograms, WechatLimits};
use crate::outbound::SystemLookup;
use crate::outbound::service::Services;
use crate::outbound::wechat::{WechatAccount, WechatApi, WechatApiLimits};
use crate::telemetry::Telemetry;

/// Names that are looked up at one time; WeChat is one.
const LOOKUPS: usize = 4;

/// All that are configured, none where there are none.
///
/// # Errors
/// A secret that cannot be had, and no part of it; TLS that cannot be set up.
pub fn programs(
    config: &Wechat,
    clock: &Arc<dyn Clock>,
    telemetry: &Telemetry,
) -> anyhow::Result<MiniPrograms> {
    let services = Services::new(Arc::new(SystemLookup::new(LOOKUPS)), Arc::clone(clock));
    let services = Arc::new(services.context("setting up calls of WeChat")?);
    let limits = WechatApiLimits {
        api_url: config.api_url.clone(),
        timeout: config.timeout,
        answer_bytes_max: config.answer_bytes_max,
        concurrency: config.concurrency,
    };
    let mut programs = Vec::with_capacity(config.programs.len());
    for (name, program) in &config.programs {
        let message = match program.message() {
            Some(message) => Some((message.template.parse()?, message)),
            None => None,
        };
        programs.push(MiniProgram {
            name: name.clone(),
            app: program.app.clone(),
            account: WechatAccount::new(program.appid.parse()?, program.secret(name)?),
            message,
        });
    }
    Ok(MiniPrograms::new(WechatApi::new(services, limits, telemetry.clone()), programs))
}

/// The numbers that riders in WeChat go by.
pub(super) fn limits(config: &Wechat) -> WechatLimits {
    WechatLimits {
        link_ms: ms(config.link_ttl),
        wait_ms: ms(config.message_wait),
        rest_ms: ms(config.misconfigured_rest),
        concurrency: config.message_places,
        unbound_age_ms: ms(config.unlinked_age),
    }
}

//! The clients that call other people's servers, and the numbers of callbacks, out of the configuration.
//! Each client has its own places: what is slow on one way is not slow on the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::clock::Clock;
use crate::config::{Config, ms};
use crate::dispatch::{CallbackLimits, CircuitLimits, RetryTable, TrafficLimits};
use crate::outbound::{Outbound, OutboundLimits, SystemLookup, UrlPolicy};
use crate::telemetry::Telemetry;

/// The ways to other people's servers: one for questions and calls, one for callbacks, each with its own places, so that a
/// backend that is slow to take callbacks delays no question.
pub(super) fn clients(
    config: &Config,
    clock: &Arc<dyn Clock>,
    telemetry: &Telemetry,
) -> anyhow::Result<(Outbound, Outbound)> {
    let callbacks = &config.callbacks;
    let limits = OutboundLimits {
        policy: if callbacks.allow_private { UrlPolicy::PrivateToo } else { UrlPolicy::PublicOnly },
        timeout_max: callbacks.timeout,
        connect_timeout: callbacks.connect_timeout,
        answer_bytes_max: callbacks.answer_bytes_max,
        concurrency: callbacks.concurrency,
        per_origin: callbacks.per_origin,
    };
    // How many go where is dispatch's to say: it knows the targets.
    let places = callbacks.places as usize;
    let posts = OutboundLimits { concurrency: places, per_origin: places, ..limits.clone() };
    let made = |limits: OutboundLimits| {
        let lookup = Arc::new(SystemLookup::new(limits.concurrency));
        Outbound::new(limits, lookup, Arc::clone(clock), telemetry.clone())
            .context("setting up calls to others")
    };
    Ok((made(limits)?, made(posts)?))
}

pub(super) fn callback_limits(config: &Config) -> CallbackLimits {
    let callbacks = &config.callbacks;
    let all_ms = |pauses: &[Duration]| -> Vec<i64> { pauses.iter().map(|pause| ms(*pause)).collect() };
    let circuit = CircuitLimits {
        failures: callbacks.rest_after,
        rest_ms: ms(callbacks.rest),
        rest_ms_max: ms(callbacks.rest_max),
    };
    let traffic = TrafficLimits {
        places: callbacks.places,
        per_app: callbacks.per_app,
        per_target: callbacks.per_target,
        circuit,
    };
    CallbackLimits {
        traffic,
        retries: RetryTable::new(all_ms(&callbacks.retries), &all_ms(&callbacks.urgent_retries)),
        retry_after_max_ms: ms(callbacks.retry_after_max),
        timeout_ms: ms(callbacks.timeout),
    }
}

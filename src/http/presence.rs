//! The four facts of presence, each with what it is known by and since when.
//! None is derived from another: a rider may be online and not heard, heard and not responsive.

use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;
use crate::dispatch::Dispatch;
use crate::domain::{AudioState, EpochMs, Rider};
use crate::hub::SessionView;

/// What is known of a rider.
#[derive(Debug, Serialize, ToSchema)]
pub struct Facts {
    /// A session is open, or was until a moment ago.
    pub(super) online: Fact,
    /// The rider takes orders.
    pub(super) on_duty: Fact,
    /// An alert sent now would be heard.
    pub(super) audible: Fact,
    /// Offers are answered.
    pub(super) responsive: Fact,
}

/// One fact.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fact {
    /// Whether it holds.
    pub(super) is: bool,
    /// What it is known by.
    evidence: &'static str,
    /// Since when, or as of when.
    at: Option<Moment>,
}

impl Facts {
    pub(super) fn of(rider: &Rider, sessions: &[SessionView], dispatch: &Dispatch) -> Self {
        let limits = dispatch.limits();
        let now = dispatch.clock().now().wall;
        Self {
            online: online(rider, sessions, now, limits.offline_grace_ms),
            on_duty: on_duty(rider),
            audible: audible(sessions),
            responsive: responsive(rider, limits.unresponsive_after),
        }
    }
}

fn online(rider: &Rider, sessions: &[SessionView], now: EpochMs, grace_ms: i64) -> Fact {
    if let Some(first) = sessions.iter().map(|session| session.opened_at).min() {
        return Fact { is: true, evidence: "session", at: Some(Moment(first)) };
    }
    match rider.last_seen_at {
        // A lift or a tunnel is no end of a shift.
        Some(seen) if now.since_ms(seen) < grace_ms => {
            Fact { is: true, evidence: "grace", at: Some(Moment(seen)) }
        }
        Some(seen) => Fact { is: false, evidence: "session_closed", at: Some(Moment(seen)) },
        None => Fact { is: false, evidence: "never_connected", at: None },
    }
}

fn on_duty(rider: &Rider) -> Fact {
    let evidence = if rider.duty_at.is_some() { "told" } else { "default" };
    Fact { is: rider.on_duty, evidence, at: rider.duty_at.map(Moment) }
}

fn audible(sessions: &[SessionView]) -> Fact {
    let told = sessions.iter().filter_map(|session| Some((session.audio?, session.audio_at)));
    let told: Vec<(AudioState, EpochMs)> = told.collect();
    let heard = told.iter().find(|(audio, _)| audio.is_audible());
    match heard.or_else(|| told.iter().max_by_key(|(_, at)| *at)) {
        Some((audio, at)) => Fact { is: audio.is_audible(), evidence: audio.as_str(), at: Some(Moment(*at)) },
        None if sessions.is_empty() => Fact { is: false, evidence: "no_session", at: None },
        None => Fact { is: false, evidence: "not_told", at: None },
    }
}

fn responsive(rider: &Rider, unresponsive_after: u32) -> Fact {
    if unresponsive_after > 0 && rider.unanswered >= unresponsive_after {
        return Fact { is: false, evidence: "unanswered_offers", at: rider.unanswered_at.map(Moment) };
    }
    let evidence = if rider.answered_at.is_some() { "answered" } else { "nothing_missed" };
    Fact { is: true, evidence, at: rider.answered_at.map(Moment) }
}

//! What is shown of a rider: the facts, and the open sessions.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::dispatch::Erased;
use crate::domain::{AudioState, DevicePolicy, Rider, RiderId, SessionId, SoundProfile};
use crate::http::AppState;
use crate::http::moment::Moment;
use crate::http::presence::Facts;
use crate::hub::SessionView;
use crate::store::{DeviceCheck, Traces};

/// A rider.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "four facts, each told apart")]
pub struct RiderView {
    id: RiderId,
    /// False while only events have named this rider.
    known: bool,
    /// There for tests: what test keys say reaches them.
    test: bool,
    /// A session is open, or was until a moment ago.
    online: bool,
    /// The rider takes orders.
    on_duty: bool,
    /// An alert sent now would be heard.
    audible: bool,
    /// Offers are answered.
    responsive: bool,
    /// The same four, each with what it is known by and since when.
    presence: Facts,
    devices: DevicePolicy,
    /// For what ears their clips are levelled; `null` for what the app says.
    sound_profile: Option<SoundProfile>,
    /// When a session last opened or closed.
    last_seen_at: Option<Moment>,
    sessions: Vec<OpenSession>,
    /// Alerts that are open for this rider; only where one rider is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_alerts: Option<usize>,
}

/// An open session.
#[derive(Serialize, ToSchema)]
pub struct OpenSession {
    session: SessionId,
    /// The client's own id of its device.
    device: String,
    since: Moment,
    /// What its player does, if it told.
    audio: Option<AudioState>,
    /// Whether the program is on the screen, if it told.
    foreground: Option<bool>,
}

/// A rider who is no more.
#[derive(Serialize, ToSchema)]
pub struct ErasedRider {
    rider: RiderId,
    /// Deliveries that were open, and ended by it.
    ended: usize,
    erased: ErasedTraces,
}

/// What was removed, or leads back to nobody now.
#[derive(Serialize, ToSchema)]
pub struct ErasedTraces {
    /// Groups they were taken out of.
    memberships: u64,
    /// Self-checks of their devices.
    checks: u64,
    /// Deliveries, which are a pseudonym's now.
    deliveries: u64,
    /// Alerts that went to them alone, and say nothing any more.
    texts: u64,
    /// Notices, which name the pseudonym now.
    notices: u64,
    /// Callbacks that had ended; those that wait are told first.
    callbacks: u64,
    /// Orders whose memory knew them.
    orders: u64,
    /// Calls of ladders about them.
    calls: u64,
    /// Offers that had them among their candidates.
    offers: u64,
    /// Audiences still to be told, and recurring events, that named them.
    audiences: u64,
    /// Requests to hooks whose events were for them.
    hook_requests: u64,
    /// Who they were in WeChat, with the messages they had agreed to.
    wechat_identities: u64,
    /// Messages to them through WeChat, sent or not.
    wechat_messages: u64,
}

impl ErasedRider {
    pub(super) fn of(rider: RiderId, erased: &Erased) -> Self {
        let Traces {
            memberships,
            checks,
            deliveries,
            texts,
            notices,
            callbacks,
            orders,
            calls,
            offers,
            audiences,
            hook_requests,
            wechat_identities,
            wechat_messages,
        } = erased.traces;
        let erased_traces = ErasedTraces {
            memberships,
            checks,
            deliveries,
            texts,
            notices,
            callbacks,
            orders,
            calls,
            offers,
            audiences,
            hook_requests,
            wechat_identities,
            wechat_messages,
        };
        Self { rider, ended: erased.ended, erased: erased_traces }
    }
}

/// The self-check of a device.
#[derive(Serialize, ToSchema)]
pub struct CheckView {
    at: Moment,
    /// As the client posted it.
    #[schema(value_type = Object)]
    result: Value,
}

impl RiderView {
    /// With the sessions that were open before the rider's row was read.
    pub(super) fn of(
        state: &AppState,
        rider: &Rider,
        sessions: Vec<SessionView>,
        open_alerts: Option<usize>,
    ) -> Self {
        let facts = Facts::of(rider, &sessions, &state.dispatch);
        Self {
            id: rider.id.clone(),
            known: rider.known,
            test: rider.test,
            online: facts.online.is,
            on_duty: facts.on_duty.is,
            audible: facts.audible.is,
            responsive: facts.responsive.is,
            presence: facts,
            devices: rider.devices,
            sound_profile: rider.sound_profile,
            last_seen_at: rider.last_seen_at.map(Moment),
            sessions: sessions.into_iter().map(OpenSession::of).collect(),
            open_alerts,
        }
    }
}

impl OpenSession {
    fn of(session: SessionView) -> Self {
        Self {
            session: session.session,
            device: session.device,
            since: session.opened_at.into(),
            audio: session.audio,
            foreground: session.foreground,
        }
    }
}

impl CheckView {
    pub(super) fn of(check: &DeviceCheck) -> Self {
        Self { at: check.at.into(), result: serde_json::from_str(&check.result).unwrap_or_default() }
    }
}

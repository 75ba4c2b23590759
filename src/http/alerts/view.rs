//! What the timeline of an alert shows.
//! A step that has not happened is not listed.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::delivery::{Answer, EndReason};
use crate::domain::ladder::is_done;
use crate::domain::{
    Alert, AlertId, AlertState, Arbiter, Delivery, DeliveryId, DeliveryState, EpochMs, EventId, FirstStatus,
    Mode, Need, OrderId, RiderId, Urgency,
};
use crate::http::AppState;
use crate::http::moment::Moment;
use crate::store::AlertRecord;

/// An alert with what became of it.
#[derive(Serialize, ToSchema)]
pub struct AlertView {
    alert_id: AlertId,
    /// Your id of its event.
    event_id: EventId,
    order_id: Option<OrderId>,
    kind: String,
    /// Version of the order.
    version: Option<i64>,
    urgency: Urgency,
    need: Need,
    mode: Mode,
    arbiter: Arbiter,
    /// Who won an offer.
    winner: Option<RiderId>,
    ladder: Vec<StepView>,
    /// Language of speech.
    lang: String,
    /// Short label.
    title: String,
    /// What the card shows.
    text: String,
    /// What the voice says.
    said: String,
    /// Its sound, as soon as it is decided.
    audio: Option<SoundView>,
    state: AlertState,
    /// One id from the request to the receipt: the trace of `traceparent`.
    trace_id: String,
    created_at: Moment,
    starts_at: Moment,
    /// Void from here on.
    expires_at: Moment,
    ended_at: Option<Moment>,
    /// How many riders it has reached or may still reach.
    delivery_count: u64,
    /// Up to 1,000 of them.
    deliveries: Vec<DeliveryView>,
    /// It is a test's: test riders alone hear of it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

/// A clip.
#[derive(Serialize, ToSchema)]
pub struct SoundView {
    /// Where it is; with its signature, where URLs are signed.
    url: String,
    /// Where it is, below the server's origin.
    path: String,
    mime: String,
    bytes: u64,
    /// The whole file.
    duration_ms: u32,
    /// The silence at its end.
    tail_ms: u32,
    /// Whether it is the canned clip of the kind, because speech was late or broken.
    canned: bool,
}

/// A step of the ladder. What a call sends stays out of it: it may hold secrets.
#[derive(Serialize, ToSchema)]
pub struct StepView {
    level: u32,
    after_s: u32,
    /// `repeat`, `louder`, `next`, `station`, `desk`, `http` or `exhausted`.
    r#do: &'static str,
    /// Whether it is taken at once when no rider of the alert can hear it.
    fallback: bool,
    /// Whether it was taken.
    done: bool,
}

/// What became of the alert for one rider.
#[derive(Serialize, ToSchema)]
pub struct DeliveryView {
    delivery_id: DeliveryId,
    rider: RiderId,
    /// Position in the rider's sequence.
    seq: i64,
    /// What you were told at once.
    first_status: FirstStatus,
    state: DeliveryState,
    /// Why it ended.
    reason: Option<EndReason>,
    /// Which time it is sounded.
    ring: u32,
    /// How often its frame was written to a socket.
    attempts: u32,
    /// Soundings completed in this ring.
    plays: u32,
    answer: Option<Answer>,
    /// An answer that came after the end.
    late_answer: Option<Answer>,
    /// Until when an answer counts, of an offer.
    answer_by: Option<Moment>,
    /// The last trouble the client told, such as `failed:network`.
    trouble: Option<String>,
    /// In the order of the way to the ear.
    timeline: Vec<TimelineStep>,
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
pub struct TimelineStep {
    /// `created`, `stored`, `rendered`, `sent`, `received`, `playing`, `played`, `rung_again`, `answered` or `ended`.
    step: &'static str,
    at: Moment,
    /// With `ended`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<EndReason>,
}

impl AlertView {
    pub(super) fn of(state: &AppState, record: &AlertRecord) -> Self {
        let AlertRecord { alert, deliveries, delivery_count } = record;
        let audio = alert.sound.as_ref().map(|sound| SoundView {
            url: state.sessions.urls.url(&sound.path, state.dispatch.clock().now().wall),
            path: sound.path.clone(),
            mime: sound.mime.clone(),
            bytes: sound.bytes,
            duration_ms: sound.duration_ms,
            tail_ms: sound.tail_ms,
            canned: sound.canned,
        });
        Self {
            alert_id: alert.id,
            event_id: alert.event_id.clone(),
            order_id: alert.order_id.clone(),
            kind: alert.kind.clone(),
            version: alert.version,
            urgency: alert.urgency,
            need: alert.need,
            mode: alert.mode,
            arbiter: alert.arbiter,
            winner: alert.winner.clone(),
            ladder: ladder(alert),
            lang: alert.lang.clone(),
            title: alert.title.clone(),
            text: alert.text.clone(),
            said: alert.said.text(),
            audio,
            state: alert.state,
            trace_id: alert.trace_id.clone(),
            created_at: alert.created_at.into(),
            starts_at: alert.starts_at.into(),
            expires_at: alert.expires_at.into(),
            ended_at: alert.ended_at.map(Moment),
            delivery_count: *delivery_count,
            deliveries: deliveries.iter().map(|delivery| DeliveryView::of(alert, delivery)).collect(),
            test: alert.key_mode.is_test(),
        }
    }
}

fn ladder(alert: &Alert) -> Vec<StepView> {
    let steps = (0..).zip(alert.ladder.steps());
    let view = steps.map(|(level, step)| StepView {
        level,
        after_s: step.after_s,
        r#do: step.act.word(),
        fallback: step.fallback,
        done: is_done(alert.steps_done, level),
    });
    view.collect()
}

impl DeliveryView {
    pub(in crate::http) fn of(alert: &Alert, delivery: &Delivery) -> Self {
        Self {
            delivery_id: delivery.id,
            rider: delivery.rider.clone(),
            seq: delivery.seq,
            first_status: delivery.first_status,
            state: delivery.state,
            reason: delivery.reason,
            ring: delivery.ring,
            attempts: delivery.attempts,
            plays: delivery.plays,
            answer: delivery.answer,
            late_answer: delivery.late_answer,
            answer_by: alert.is_offer().then_some(Moment(delivery.expires_at)),
            trouble: delivery.trouble.clone(),
            timeline: timeline(alert, delivery),
        }
    }
}

fn timeline(alert: &Alert, delivery: &Delivery) -> Vec<TimelineStep> {
    let steps: [(&str, Option<EpochMs>); 10] = [
        ("created", Some(alert.created_at)),
        ("stored", Some(alert.stored_at)),
        ("rendered", alert.rendered_at),
        ("sent", delivery.sent_at),
        ("received", delivery.received_at),
        ("playing", delivery.playing_at),
        ("played", delivery.played_at),
        ("rung_again", delivery.rung_at.filter(|_| delivery.ring > 1)),
        ("answered", delivery.answered_at),
        ("ended", delivery.ended_at),
    ];
    let happened = steps.into_iter().filter_map(|(step, at)| Some((step, at?)));
    happened
        .map(|(step, at)| TimelineStep {
            step,
            at: at.into(),
            reason: delivery.reason.filter(|_| step == "ended"),
        })
        .collect()
}

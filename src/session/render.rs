//! How an alert, its sound and its end look on the wire.
//! Pure: a row and a reading of the clock in, a frame or a part of one out.

use serde_json::value::RawValue;

use super::frame::{AlertFrame, AudioFrame, KeepAlive, RepeatFrame, ServerFrame};
use crate::clock::Now;
use crate::domain::Sound;
use crate::domain::delivery::EndReason;
use crate::domain::{Alert, AudioUrls, Delivery, Need, OrderId};

/// The frame of one alert; `None` if its card or ext is not the JSON it was stored as.
pub(super) fn alert(
    urls: &AudioUrls,
    delivery: &Delivery,
    alert: &Alert,
    sound: &Sound,
    attempt: u32,
    now: Now,
) -> Option<String> {
    let card: &RawValue = serde_json::from_str(&alert.card).ok()?;
    let ext: &RawValue = serde_json::from_str(&alert.ext).ok()?;
    let frame = ServerFrame::Alert(Box::new(AlertFrame {
        seq: delivery.seq,
        id: alert.id,
        ring: delivery.ring,
        attempt,
        event_id: alert.event_id.as_str(),
        order_id: alert.order_id.as_ref().map(OrderId::as_str),
        kind: &alert.kind,
        test: alert.key_mode.is_test(),
        version: alert.version,
        urgency: alert.urgency,
        created_at: alert.created_at.0,
        expires_at: delivery.expires_at.0,
        ttl_ms: delivery.expires_at.since_ms(now.wall).max(0),
        text: &alert.text,
        title: &alert.title,
        audio: AudioFrame { fetch_jitter_ms: jitter(alert), ..audio(urls, sound, now) },
        repeat: RepeatFrame {
            count: alert.repeat.count,
            remaining: delivery.remaining(alert.repeat.count),
            gap_ms: alert.repeat.gap_ms,
        },
        need: alert.need,
        mode: alert.mode,
        answer_by: (alert.need == Need::Accept).then_some(delivery.expires_at.0),
        card,
        ext,
    }));
    Some(frame.to_text())
}

/// The clips a waiting client plays, best first.
pub(super) fn keepalive(urls: &AudioUrls, seconds: u32, formats: &[String], now: Now) -> KeepAlive {
    let plays = |format: &str| formats.is_empty() || formats.iter().any(|name| name == format);
    let clip = |format: &str| urls.url(&format!("/audio/silence/{seconds}.{format}"), now.wall);
    // m4a is thirty times smaller than mp3; mp3 is what every player knows.
    let mut clips: Vec<String> =
        ["m4a", "mp3"].into_iter().filter(|format| plays(format)).map(clip).collect();
    if clips.is_empty() {
        clips.push(clip("wav"));
    }
    KeepAlive { clips, duration_ms: seconds * 1000 }
}

/// A clip as the client is told of it.
pub(super) fn audio(urls: &AudioUrls, sound: &Sound, now: Now) -> AudioFrame {
    AudioFrame {
        url: urls.url(&sound.path, now.wall),
        fallback_url: urls.url(&sound.fallback_path, now.wall),
        mime: sound.mime.clone(),
        bytes: sound.bytes,
        duration_ms: sound.duration_ms,
        tail_ms: sound.tail_ms,
        fetch_jitter_ms: None,
    }
}

fn jitter(alert: &Alert) -> Option<u32> {
    (alert.jitter_ms > 0).then_some(alert.jitter_ms)
}

/// The words in `stop.reason` for ends of deliveries.
pub(super) const STOP_REASONS: [&str; 7] =
    ["cancelled", "taken", "superseded", "merged", "expired", "answered_elsewhere", "off_duty"];

/// The word in `stop.reason` for the end of a delivery.
pub(super) fn stop_reason(why: EndReason) -> &'static str {
    match why {
        // Another device heard it or answered it: what sounded here would have been forgotten already.
        EndReason::Played | EndReason::Answered => "answered_elsewhere",
        EndReason::CancelledByAlert
        | EndReason::CancelledByOrder
        | EndReason::CancelledBefore
        | EndReason::Reassigned
        | EndReason::OrderEnded
        | EndReason::TestMode => "cancelled",
        EndReason::Taken => "taken",
        EndReason::Superseded => "superseded",
        EndReason::Merged => "merged",
        EndReason::OffDuty | EndReason::Erased | EndReason::RateLimited | EndReason::QuietHours => "off_duty",
        EndReason::NeverSent
        | EndReason::NotReceived
        | EndReason::NotPlayed
        | EndReason::NotAnswered
        | EndReason::NotSettled => "expired",
    }
}

//! What the process tells its operators: log lines and the metrics behind `/metrics`.
//! Metrics are named here and nowhere else; each server has its own recorder, so that two in one process do not mix.

pub mod trace;

use std::io::IsTerminal;
use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// Every metric.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Metric {
    /// Events answered, by outcome: stored, scheduled, dropped, duplicate, conflict, failed.
    Events,
    /// The same of events posted with test keys, which count nowhere else.
    TestEvents,
    /// Seconds from the event's arrival to its commit.
    EventStoredSeconds,
    /// Seconds from the event's arrival to the first write of a delivery's frame.
    EventSentSeconds,
    /// Seconds from the event's arrival to the client's `ack`.
    EventReceivedSeconds,
    /// Seconds from the event's arrival to the end of the sentence in the ear.
    EventPlayedSeconds,
    /// Deliveries ended, by reason.
    DeliveriesEnded,
    /// The same of test alerts.
    TestDeliveriesEnded,
    /// Ladder steps taken, by step.
    LadderSteps,
    /// Frames sent again because no `ack` came.
    Resends,
    /// Rider sessions open now.
    Sessions,
    /// Seconds that rider sessions were open, those still open included.
    RiderSeconds,
    /// Bytes of audio sent, by what (clip, canned, keepalive) and format.
    AudioBytes,
    /// Bytes of audio sent for one hour of one rider's session, since the start.
    AudioBytesPerRiderHour,
    /// Audio refused, by why: `bad_signature`, expired, `byte_budget`.
    AudioRefused,
    /// Rider sessions closed, by close code.
    SessionsClosed,
    /// Bad frames from clients.
    BadFrames,
    /// Sentences asked of the voice, by result: hit, made, failed.
    Clips,
    /// Seconds to make one sentence, cache misses only.
    SpeechSeconds,
    /// Parts of sentences, by engine and result: hit, made, failed.
    SpeechParts,
    /// Seconds until an engine had spoken a part, with waiting and trying again, by engine.
    EngineSeconds,
    /// Parts that an engine did not speak, by engine and cause.
    EngineFailures,
    /// Texts tried once more, by engine.
    EngineRetries,
    /// Characters asked of engines, by engine.
    EngineCharacters,
    /// Whether an engine rests, by engine: 1 or 0.
    EngineResting,
    /// Parts of sentences that are still to be made ahead.
    PrewarmPartsLeft,
    /// Alerts that went out with the canned clip, by cause: late, failed or absent.
    SpeechFallbacks,
    /// HTTP requests, by route template, method and status class.
    HttpRequests,
    /// Seconds of HTTP requests, by route template.
    HttpSeconds,
    /// Connections refused, by limit: total, `per_ip`, `new_per_ip`.
    ConnectionsRefused,
    /// Requests whose head was refused, by the word of the answer.
    RequestsRefused,
    /// Store calls that failed, by operation.
    StoreFailures,
    /// Messages to riders through WeChat, by result: sent, `no_consent`, `not_needed`, refused, unreached; and tries that were
    /// not the last: again, `put_off`, misconfigured.
    WechatMessages,
    /// Rows deleted or emptied because they were too old, by table.
    RowsAged,
    /// Calls to URLs of users, by outcome: success, refused (4xx), failed (other statuses), `not_allowed`, busy,
    /// unreachable, `timed_out`, broken.
    OutboundCalls,
    /// Seconds of such calls, with the wait for a place.
    OutboundSeconds,
    /// Tries of callbacks, by outcome: delivered, or why not.
    CallbackAttempts,
    /// Seconds from the moment that a callback tells of until its backend had it.
    CallbackSeconds,
    /// Callbacks given up.
    CallbacksGivenUp,
    /// Callbacks that are to be sent (again), measured.
    CallbacksWaiting,
    /// Callbacks that were given up and are still kept, measured.
    CallbacksDead,
    /// Backends that are sent no callbacks for a while because they failed or asked for it.
    CallbackBackendsResting,
    /// Requests to hooks, by the hook's name and verdict.
    HookRequests,
    /// What became of what hooks were sent, by the hook's name and outcome: those of events, `conflict`, `ignored`, filtered,
    /// unmapped.
    HookEvents,
    /// Seconds from a request to a hook to its answer, by the hook's name.
    HookSeconds,
    /// Requests to hooks that could not be kept for their owners to see.
    HookDeliveriesLost,
    /// Calls of WeChat, by call (login, token, message) and result: ok, refused, unavailable.
    WechatCalls,
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Self::Events => "orderbell_events_total",
            Self::TestEvents => "orderbell_test_events_total",
            Self::EventStoredSeconds => "orderbell_event_stored_seconds",
            Self::EventSentSeconds => "orderbell_event_sent_seconds",
            Self::EventReceivedSeconds => "orderbell_event_received_seconds",
            Self::EventPlayedSeconds => "orderbell_event_played_seconds",
            Self::DeliveriesEnded => "orderbell_deliveries_ended_total",
            Self::TestDeliveriesEnded => "orderbell_test_deliveries_ended_total",
            Self::LadderSteps => "orderbell_ladder_steps_total",
            Self::Resends => "orderbell_resends_total",
            Self::Sessions => "orderbell_sessions",
            Self::RiderSeconds => "orderbell_rider_seconds_total",
            Self::AudioBytes => "orderbell_audio_bytes_total",
            Self::AudioBytesPerRiderHour => "orderbell_audio_bytes_per_rider_hour",
            Self::AudioRefused => "orderbell_audio_refused_total",
            Self::SessionsClosed => "orderbell_sessions_closed_total",
            Self::BadFrames => "orderbell_bad_frames_total",
            Self::Clips => "orderbell_clips_total",
            Self::SpeechSeconds => "orderbell_speech_seconds",
            Self::SpeechParts => "orderbell_speech_parts_total",
            Self::EngineSeconds => "orderbell_engine_seconds",
            Self::EngineFailures => "orderbell_engine_failures_total",
            Self::EngineRetries => "orderbell_engine_retries_total",
            Self::EngineCharacters => "orderbell_engine_characters_total",
            Self::EngineResting => "orderbell_engine_resting",
            Self::PrewarmPartsLeft => "orderbell_prewarm_parts_left",
            Self::SpeechFallbacks => "orderbell_speech_fallbacks_total",
            Self::HttpRequests => "orderbell_http_requests_total",
            Self::HttpSeconds => "orderbell_http_seconds",
            Self::ConnectionsRefused => "orderbell_connections_refused_total",
            Self::RequestsRefused => "orderbell_requests_refused_total",
            Self::StoreFailures => "orderbell_store_failures_total",
            Self::WechatMessages => "orderbell_wechat_messages_total",
            Self::RowsAged => "orderbell_rows_aged_total",
            Self::OutboundCalls => "orderbell_outbound_calls_total",
            Self::OutboundSeconds => "orderbell_outbound_seconds",
            Self::CallbackAttempts => "orderbell_callback_attempts_total",
            Self::CallbackSeconds => "orderbell_callback_seconds",
            Self::CallbacksGivenUp => "orderbell_callbacks_given_up_total",
            Self::CallbacksWaiting => "orderbell_callbacks_waiting",
            Self::CallbacksDead => "orderbell_callbacks_dead",
            Self::CallbackBackendsResting => "orderbell_callback_backends_resting",
            Self::HookRequests => "orderbell_hook_requests_total",
            Self::HookEvents => "orderbell_hook_events_total",
            Self::HookSeconds => "orderbell_hook_seconds",
            Self::HookDeliveriesLost => "orderbell_hook_deliveries_lost_total",
            Self::WechatCalls => "orderbell_wechat_calls_total",
        }
    }
}

/// Seconds from a thousandth to a minute, about three steps a decade: commits, pushes, sentences in the ear.
const BUCKETS: [f64; 15] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

const METADATA: Metadata<'static> = Metadata::new("orderbell", Level::INFO, None);

/// Metrics of one server. Clones share one recorder.
#[derive(Clone)]
pub struct Telemetry {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl Telemetry {
    /// A fresh recorder.
    #[must_use]
    pub fn new() -> Self {
        let suffix = Matcher::Suffix("_seconds".to_owned());
        let builder = PrometheusBuilder::new();
        // Only an empty list of buckets is refused, and this one is not empty.
        let recorder = match builder.set_buckets_for_metric(suffix, &BUCKETS) {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        Self { handle: recorder.handle(), recorder: Arc::new(recorder) }
    }

    /// A counter with labels from closed sets.
    pub fn counter(&self, metric: Metric, labels: &[(&'static str, &'static str)]) -> Counter {
        self.recorder.register_counter(&key(metric, labels), &METADATA)
    }

    /// Counts and times one HTTP request. `route` is a template of the router's, never a path as it was sent.
    pub fn request(&self, route: &str, method: &'static str, status: &'static str, seconds: f64) {
        let route = Label::new("route", route.to_owned());
        let labels = vec![
            route.clone(),
            Label::from_static_parts("method", method),
            Label::from_static_parts("status", status),
        ];
        let counted = Key::from_parts(Metric::HttpRequests.name(), labels);
        self.recorder.register_counter(&counted, &METADATA).increment(1);
        let timed = Key::from_parts(Metric::HttpSeconds.name(), vec![route]);
        self.recorder.register_histogram(&timed, &METADATA).record(seconds);
    }

    /// A gauge.
    pub fn gauge(&self, metric: Metric) -> Gauge {
        self.recorder.register_gauge(&key(metric, &[]), &METADATA)
    }

    /// A histogram of seconds.
    pub fn histogram(&self, metric: Metric, labels: &[(&'static str, &'static str)]) -> Histogram {
        self.recorder.register_histogram(&key(metric, labels), &METADATA)
    }

    /// A counter with a label that an operator has named: bounded by what is configured, never by what is sent.
    pub fn counter_named(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Counter {
        self.recorder.register_counter(&named(metric, labels), &METADATA)
    }

    /// A gauge with such a label.
    pub fn gauge_named(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Gauge {
        self.recorder.register_gauge(&named(metric, labels), &METADATA)
    }

    /// A histogram with such a label.
    pub fn histogram_named(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Histogram {
        self.recorder.register_histogram(&named(metric, labels), &METADATA)
    }

    /// The text Prometheus reads.
    #[must_use]
    pub fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds samples into histograms; called every few seconds, or memory grows with every sample.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

fn key(metric: Metric, labels: &[(&'static str, &'static str)]) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::from_static_parts(name, value)).collect();
    Key::from_parts(metric.name(), labels)
}

fn named(metric: Metric, labels: &[(&'static str, &str)]) -> Key {
    let labels: Vec<Label> =
        labels.iter().map(|(name, value)| Label::new(*name, (*value).to_owned())).collect();
    Key::from_parts(metric.name(), labels)
}

/// Libraries that would log what riders say, and one that takes a user's bad certificate for an error of ours.
const QUIET: [&str; 3] = ["tungstenite=info", "tokio_tungstenite=info", "rustls_platform_verifier=off"];

/// Seconds of so many milliseconds, for histograms; nothing below zero, whatever a clock did.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a latency of 2^52 ms does not occur")]
pub fn seconds(ms: i64) -> f64 {
    ms.max(0) as f64 / 1000.0
}

/// Starts logging to stderr for this process. A second call changes nothing.
pub fn log_to_stderr(format: LogFormat, filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // At `trace` the WebSocket library writes whole frames, tokens among them: whatever the filter says, it does not.
    let filter = QUIET.iter().filter_map(|rule| rule.parse().ok()).fold(filter, EnvFilter::add_directive);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error means that logging has been set up before, which is what is wanted.
    let _already_set_up = match format {
        LogFormat::Text => lines.with_target(false).try_init().is_err(),
        LogFormat::Json => lines.json().flatten_event(true).try_init().is_err(),
    };
}

#[cfg(test)]
mod tests {
    use super::{Metric, Telemetry};

    #[test]
    fn two_servers_in_one_process_do_not_mix() {
        let (one, two) = (Telemetry::new(), Telemetry::new());
        one.counter(Metric::Events, &[("outcome", "stored")]).increment(3);
        one.histogram(Metric::EventSentSeconds, &[]).record(0.004);
        assert!(one.render().contains("orderbell_events_total{outcome=\"stored\"} 3"));
        assert!(one.render().contains("orderbell_event_sent_seconds_bucket{le=\"0.005\"} 1"));
        assert!(!two.render().contains("orderbell_events_total"));
    }
}

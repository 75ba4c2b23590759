//! What is counted of one engine. Its name is an operator's word, so each engine has its counters ready.
//! What a hundred lookups a second count is a handle; what engines are asked for is looked up by its label.

use std::time::Duration;

use metrics::Counter;

use crate::telemetry::{Metric, Telemetry};

/// The meters of one engine.
pub(super) struct Meters {
    name: String,
    telemetry: Telemetry,
    hit: Counter,
}

impl Meters {
    pub(super) fn new(name: &str, telemetry: &Telemetry) -> Self {
        let hit = telemetry.counter_named(Metric::SpeechParts, &[("engine", name), ("result", "hit")]);
        let meters = Self { name: name.to_owned(), telemetry: telemetry.clone(), hit };
        meters.resting(false);
        meters
    }

    /// So many parts were there.
    pub(super) fn hit(&self, parts: usize) {
        self.hit.increment(parts as u64);
    }

    /// A part was made.
    pub(super) fn made(&self, took: Duration) {
        self.count("made");
        let labels = [("engine", self.name.as_str())];
        self.telemetry.histogram_named(Metric::EngineSeconds, &labels).record(took.as_secs_f64());
    }

    /// A part was not made.
    pub(super) fn failed(&self, cause: &'static str) {
        self.count("failed");
        let labels = [("engine", self.name.as_str()), ("cause", cause)];
        self.telemetry.counter_named(Metric::EngineFailures, &labels).increment(1);
    }

    /// It is tried once more.
    pub(super) fn again(&self) {
        let labels = [("engine", self.name.as_str())];
        self.telemetry.counter_named(Metric::EngineRetries, &labels).increment(1);
    }

    /// The engine is asked for so many characters.
    pub(super) fn asked(&self, characters: usize) {
        let labels = [("engine", self.name.as_str())];
        self.telemetry.counter_named(Metric::EngineCharacters, &labels).increment(characters as u64);
    }

    /// Whether the engine rests.
    pub(super) fn resting(&self, rests: bool) {
        let labels = [("engine", self.name.as_str())];
        self.telemetry.gauge_named(Metric::EngineResting, &labels).set(f64::from(u8::from(rests)));
    }

    fn count(&self, result: &'static str) {
        let labels = [("engine", self.name.as_str()), ("result", result)];
        self.telemetry.counter_named(Metric::SpeechParts, &labels).increment(1);
    }
}

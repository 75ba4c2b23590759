//! What was read of a request becomes events: accepted in their order, each by itself, and told item by item.
//! An id that is known is the event that is known, whatever else the body says; but for a rider who gets an order back.

use std::sync::Arc;

use aws_lc_rs::digest;

use super::assignments::{Assignment, Known};
use super::directory::HookEntry;
use super::report::{HookReport, ItemOutcome, ItemReport};
use super::source_of;
use crate::dispatch::{AcceptError, AppEntry, Arrival, Dispatch, TooMany};
use crate::domain::app::KeyMode;
use crate::domain::{EpochMs, Hook, HookId, HookMode, RiderId};
use crate::intake::hooks::{HookEvent, ItemReading};
use crate::intake::{InputError, ParsedEvent};
use crate::telemetry::Metric;

/// A request in whose name events are made.
pub(super) struct Maker<'a> {
    pub(super) app: &'a Arc<AppEntry>,
    pub(super) entry: &'a HookEntry,
    pub(super) trace_id: &'a str,
    pub(super) received_at: EpochMs,
}

/// An event on its way in, and what is needed should it be known.
struct Sent {
    /// Its place among the items.
    place: usize,
    /// Of an assignment: the event once more, under its order, with the time of the call.
    assigns: Option<Box<Assignment>>,
}

/// Whose world a hook's event is in: in shadow mode a station's share decides, the same for it every time. A larger share has
/// every station that a smaller one had.
pub(super) fn key_mode(hook: &Hook, station: Option<&str>) -> KeyMode {
    match hook.mode {
        HookMode::Live => KeyMode::Live,
        HookMode::Shadow if share(&hook.id, station.unwrap_or_default()) < hook.live_percent => KeyMode::Live,
        HookMode::Shadow => KeyMode::Test,
    }
}

/// 0 to 99.
fn share(hook: &HookId, station: &str) -> u8 {
    let hash = digest::digest(&digest::SHA256, format!("{hook}\n{station}").as_bytes());
    let number = hash.as_ref().iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    u8::try_from(number % 100).unwrap_or_default()
}

impl Dispatch {
    /// Makes events of what was read.
    ///
    /// # Errors
    /// [`TooMany`] if the app has had its events of this moment: nothing was done then.
    pub(super) async fn make_of_hook(
        self: &Arc<Self>,
        maker: &Maker<'_>,
        items: Vec<ItemReading>,
    ) -> Result<HookReport, TooMany> {
        let (mut reports, mut riders) = (Vec::with_capacity(items.len()), Vec::new());
        let (mut sent, mut arrivals) = (Vec::new(), Vec::new());
        for (place, item) in items.into_iter().enumerate() {
            let mut report = ItemReport::new(ItemOutcome::Filtered);
            match item {
                ItemReading::Event(event) => {
                    match self.arrival_of_hook(maker, &event, &mut report, &mut riders) {
                        Ok((arrival, assigns)) => {
                            sent.push(Sent { place, assigns });
                            arrivals.push(arrival);
                        }
                        Err(error) => report.refuse(&error),
                    }
                    report.left_out = event.dropped;
                }
                ItemReading::Ignored { why, status } => {
                    report =
                        ItemReport { outcome: ItemOutcome::Ignored, ..ItemReport::unmapped(why, &status) };
                }
                ItemReading::Filtered => {}
                ItemReading::Unmapped { error, detail } => report = ItemReport::unmapped(error, &detail),
            }
            reports.push(report);
        }
        if !arrivals.is_empty() {
            self.admit_events(maker.app, u32::try_from(arrivals.len()).unwrap_or(u32::MAX))?;
            self.accept_of_hook(maker, sent, arrivals, &mut reports).await;
        }
        for report in &reports {
            let labels = [("hook", maker.entry.hook.name()), ("outcome", report.outcome.as_str())];
            self.telemetry.counter_named(Metric::HookEvents, &labels).increment(1);
        }
        Ok(HookReport::of(reports, riders))
    }

    fn arrival_of_hook(
        &self,
        maker: &Maker<'_>,
        event: &HookEvent,
        report: &mut ItemReport,
        riders: &mut Vec<RiderId>,
    ) -> Result<(Arrival, Option<Box<Assignment>>), InputError> {
        let key_mode = key_mode(&maker.entry.hook, event.station.as_deref());
        report.kind = event.canonical.get("kind").and_then(|kind| kind.as_str()).map(ToOwned::to_owned);
        report.test = key_mode.is_test();
        let parsed = event.parsed(&self.kinds)?;
        report.event_id = Some(parsed.event.id.clone());
        riders.extend(parsed.event.target.riders.iter().cloned());
        riders.extend(parsed.event.previous_rider.clone());
        let assigns = self.kinds.get(&parsed.event.kind).is_some_and(|kind| kind.order.assigns);
        let assignment = assigns.then(|| Assignment::of(&parsed, event.called_at, key_mode)).flatten();
        Ok((maker.arrival(key_mode, parsed), assignment))
    }

    async fn accept_of_hook(
        self: &Arc<Self>,
        maker: &Maker<'_>,
        sent: Vec<Sent>,
        arrivals: Vec<Arrival>,
        reports: &mut [ItemReport],
    ) {
        let mut answers = match self.accept_all(Arc::clone(maker.app), arrivals).await {
            Ok(answers) => answers.into_iter(),
            Err(error) => {
                maker.entry.warn(&error);
                Vec::new().into_iter()
            }
        };
        for Sent { place, assigns } in sent {
            let Some(report) = reports.get_mut(place) else { continue };
            let known = match answers.next() {
                Some(Ok(answer)) => {
                    report.tell(&answer);
                    answer.duplicate.then_some(Known::Whole)
                }
                Some(Err(AcceptError::Conflict)) => {
                    report.outcome = ItemOutcome::Conflict;
                    Some(Known::ByIdAlone)
                }
                Some(Err(AcceptError::Input(error))) => {
                    report.refuse(&error);
                    None
                }
                Some(Err(AcceptError::Store(error))) => {
                    maker.entry.warn(&error);
                    report.outcome = ItemOutcome::Failed;
                    None
                }
                None => {
                    report.outcome = ItemOutcome::Failed;
                    None
                }
            };
            if let (Some(assignment), Some(known)) = (assigns, known)
                && let Err(error) = self.give_back(maker, *assignment, known, report).await
            {
                maker.entry.warn(&error);
                report.outcome = ItemOutcome::Failed;
            }
        }
    }
}

impl Maker<'_> {
    pub(super) fn arrival(&self, key_mode: KeyMode, parsed: ParsedEvent) -> Arrival {
        Arrival {
            source: source_of(&self.entry.hook.id).into(),
            key_mode,
            parsed,
            trace_id: self.trace_id.to_owned(),
            received_at: self.received_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_share_has_every_station_of_a_smaller_one() {
        let hook = |live_percent| Hook {
            id: HookId::new("dada", [1; 20]).unwrap(),
            app: crate::domain::AppId::new(EpochMs(1), [1; 10]),
            preset: None,
            profile: String::new(),
            params: std::collections::BTreeMap::new(),
            secrets: std::collections::BTreeMap::new(),
            mode: HookMode::Shadow,
            live_percent,
            created_at: EpochMs(1),
            updated_at: EpochMs(1),
            version: 1,
        };
        let live = |percent| {
            let stations = (0..1_000).map(|number| format!("station-{number}"));
            let live = stations.filter(|station| key_mode(&hook(percent), Some(station)) == KeyMode::Live);
            live.collect::<Vec<_>>()
        };
        let (none, some, more, all) = (live(0), live(20), live(60), live(100));
        assert_eq!((none.len(), all.len()), (0, 1_000));
        assert!((130..270).contains(&some.len()) && (500..700).contains(&more.len()));
        assert!(some.iter().all(|station| more.contains(station)));
        let switched_on = Hook { mode: HookMode::Live, ..hook(0) };
        assert_eq!(key_mode(&switched_on, None), KeyMode::Live);
    }
}

//! The rules of callbacks: whatever fails, each end of a delivery is told once to a target that wants everything, behind the
//! steps that came before it. A target is there in two worlds of three, for single callbacks or for many in a request.

use std::collections::BTreeSet;

use futures_util::FutureExt;
use orderbell::domain::callback::{CallbackTarget, TargetState, WantedKinds};
use orderbell::domain::{AlertId, CallbackTargetId, Delivery, EpochMs};
use orderbell::store::{CallbackFilter, CallbackRecord, CallbackStore};

use crate::simulation::ledger::{Broken, Ledger};
use crate::simulation::node::APP;

/// The steps of a delivery, in their order.
const STEPS: [&str; 3] = ["delivery.sent", "delivery.received", "delivery.played"];

/// The target of a world, if it has one.
pub(crate) fn target(seed: u64) -> Option<CallbackTarget> {
    let batch_max = [None, Some(1), Some(10)][usize::try_from(seed % 3).unwrap()]?;
    Some(CallbackTarget {
        id: CallbackTargetId::new(EpochMs(1), [1; 10]),
        app: *APP,
        url: "https://backend.example/callbacks".to_owned(),
        kinds: WantedKinds::All,
        batch_max,
        state: TargetState::Active,
        created_at: EpochMs(1),
    })
}

impl Ledger {
    /// Judges what a world's target is told, at its end.
    pub(crate) fn judge_told(&self) {
        let targets = self.store.callback_targets(*APP).now_or_never().unwrap().unwrap();
        let Some(target) = targets.first() else { return };
        let alerts: BTreeSet<AlertId> = self.seen().known.keys().map(|(alert, _)| *alert).collect();
        for alert in alerts {
            let (target, alert_id) = (Some(target.id), Some(alert));
            let filter = CallbackFilter { alert: alert_id, target, ..CallbackFilter::default() };
            let mut told =
                self.store.callbacks(*APP, filter, None, u32::MAX).now_or_never().unwrap().unwrap();
            told.reverse();
            for delivery in self.record(alert).into_iter().flat_map(|record| record.deliveries) {
                self.judge_told_of(&delivery, &told);
            }
        }
    }

    fn judge_told_of(&self, delivery: &Delivery, told: &[CallbackRecord]) {
        let id = delivery.id.to_string();
        let of_it = told.iter().filter(|record| {
            record.callback.data.get("delivery_id").is_some_and(|told| *told == id)
                && record.callback.kind.starts_with("delivery.")
        });
        let of_it: Vec<&CallbackRecord> = of_it.collect();
        let end = format!("delivery.{}", delivery.state.as_str());
        let ends: Vec<usize> = (0..of_it.len())
            .filter(|place| {
                let callback = &of_it[*place].callback;
                callback.kind == end && callback.data.contains_key("reason")
            })
            .collect();
        let expected = usize::from(delivery.ended_at.is_some());
        if ends.len() != expected {
            let (rider, count) = (&delivery.rider, ends.len());
            self.broken(Broken::ToldWrong, format_args!("{end} of {id} for {rider} is told {count} times"));
        }
        let steps =
            of_it.iter().filter_map(|record| STEPS.iter().position(|step| *step == record.callback.kind));
        let steps: Vec<usize> = steps.collect();
        if !steps.windows(2).all(|pair| pair[0] < pair[1]) {
            self.broken(Broken::ToldWrong, format_args!("steps of {id} are told as {steps:?}"));
        }
    }
}

//! Many new orders at once, told in one sentence: the first goes out, those that follow at once wait for company.
//! When the window closes one that is alone goes out as it is; several become one alert that takes their place.

use super::{Book, Context, Ended, FirstDelivery};
use crate::domain::app::KeyMode;
use crate::domain::delivery::{Change, EndReason};
use crate::domain::kind::OrderPolicy;
use crate::domain::order::Stamp;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::{EpochMs, Head, RiderKey};

/// What became of what was held for a rider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Merged {
    /// It was told as one alert, with this delivery; these ended.
    Together(FirstDelivery, Vec<Ended>),
    /// It goes out as it is: there is only one, or something has changed meanwhile.
    Released,
    /// Nothing was held any more.
    Nothing,
}

impl Book {
    /// Tells what is held for `rider` and due. `together` is the alert drafted for exactly `count` of them.
    pub fn merge(
        &mut self,
        rider: &RiderKey,
        together: Option<(&Head, usize)>,
        context: &Context<'_>,
    ) -> Merged {
        let waiting = self.held(rider, context.at);
        let of_one_world = self.world_of(&waiting);
        match (together, of_one_world) {
            _ if waiting.is_empty() => Merged::Nothing,
            (Some((head, count)), Some(key_mode)) if count == waiting.len() && count > 1 => {
                self.add_head(Head { key_mode, ..head.clone() }, context.at);
                let mut ended = self.end_all(&waiting, &Change::Withdrawn(EndReason::Merged), context.at);
                let (stamp, policy) = (Stamp::default(), OrderPolicy::default());
                // What it stands for was let in: nothing holds this one back.
                let rules = Rules { alerts_per_minute: 0, quiet: Quiet::No, ..context.rules };
                let exempt = Context { rules, ..*context };
                let told = self.deliver(head.id, &rider.rider, stamp, &policy, &exempt, &mut ended);
                let reached = self.reached(head.id, std::slice::from_ref(&rider.rider), context);
                self.finish_telling(head.id, reached, context);
                told.map_or(Merged::Released, |first| Merged::Together(first, ended))
            }
            (Some(_) | None, _) => {
                for place in waiting {
                    self.change(place, &Change::Released, context.at);
                    if self.riders.contains_key(rider) {
                        self.rider_mut(rider, context.at).pace.count_one(context.at);
                    }
                }
                Merged::Released
            }
        }
    }

    /// The world that all of these are in; tests and what is real are not told in one sentence.
    fn world_of(&self, places: &[usize]) -> Option<KeyMode> {
        let mut modes = places.iter().map(|place| {
            let alert = self.deliveries.get(*place)?.row.alert;
            Some(self.head(alert)?.key_mode)
        });
        let first = modes.next()??;
        modes.all(|mode| mode == Some(first)).then_some(first)
    }

    fn held(&self, rider: &RiderKey, at: EpochMs) -> Vec<usize> {
        self.open_places(|delivery, _| {
            delivery.app == rider.app
                && delivery.rider == rider.rider
                && delivery.held_until.is_some_and(|until| until <= at)
        })
    }
}

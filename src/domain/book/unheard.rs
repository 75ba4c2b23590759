//! Riders who cannot hear what is open for them, and may be reached by a message instead.
//! The book says who they are, in the write that finds it out; which of them has agreed to a message is in the rows.

use std::sync::Arc;

use super::{Book, Context};
use crate::domain::wechat::Messaging;
use crate::domain::{AlertId, AlertState, Delivery, EpochMs, RiderId, RiderKey};

/// A rider who cannot hear an alert that is open for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unheard {
    /// The alert.
    pub alert: AlertId,
    /// The rider.
    pub rider: RiderKey,
    /// What a consent of theirs may be spent on.
    pub messaging: Arc<Messaging>,
    /// Since when.
    pub at: EpochMs,
}

/// Most riders of an alert that messages are sent for. What more of them have is a call to a crowd, and worth nobody's last
/// consent; nor is it looked up whole whenever one of them leaves.
pub const UNHEARD_MAX: u64 = 100;

impl Unheard {
    /// When a message is to go out, unless the rider has come back by then.
    #[must_use]
    pub fn due_at(&self) -> EpochMs {
        self.at.plus_ms(self.messaging.wait_ms)
    }
}

impl Book {
    /// Who cannot hear what is open for them; taken out of the book.
    pub fn take_unheard(&mut self) -> Vec<Unheard> {
        std::mem::take(&mut self.unheard)
    }

    /// A rider can no longer be heard: notes their alerts that nobody else hears either. All open deliveries of those
    /// that few riders have must be here.
    pub fn rider_fell_silent(&mut self, rider: &RiderKey, context: &Context<'_>) {
        let theirs = self.open_of_rider(rider, |head| head.state == AlertState::Active);
        let alerts = theirs.into_iter().map(|place| self.deliveries[place].row.alert);
        for alert in alerts.collect::<Vec<_>>() {
            let heard = self.open_of(alert).into_iter().any(|place| {
                let Delivery { app, rider, .. } = &self.deliveries[place].row;
                context.presence.is_audible(*app, rider)
            });
            if !heard {
                self.note_unheard(alert, context);
            }
        }
    }

    /// Notes everyone who has an alert and does not know of it, when nobody can hear it.
    pub(super) fn note_unheard(&mut self, alert: AlertId, context: &Context<'_>) {
        if context.messaging.templates.is_empty() {
            return;
        }
        let open = self.open_of(alert);
        let few = |count: u64| count <= UNHEARD_MAX && count == open.len() as u64;
        if !self.head(alert).is_some_and(|head| few(head.open_count)) {
            return;
        }
        for place in open {
            let Delivery { app, rider, received_at: None, .. } = &self.deliveries[place].row else {
                continue;
            };
            let rider = RiderKey { app: *app, rider: RiderId::clone(rider) };
            let messaging = Arc::clone(context.messaging);
            self.unheard.push(Unheard { alert, rider, messaging, at: context.at });
        }
    }
}

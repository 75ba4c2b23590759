//! Bursts of new orders: what was held for company goes out when its two seconds are over.
//! Several become one sentence; if anything has changed meanwhile each goes out by itself, which is never wrong.

use std::sync::Arc;

use tracing::info;

use super::Dispatch;
use super::directory::AppEntry;
use super::draft;
use crate::domain::kind::MERGED;
use crate::domain::{Alert, AlertId, EpochMs, RiderKey};
use crate::hub::Ring;
use crate::store::{Merged, StoreResult};

impl Dispatch {
    /// Tells what has waited for company long enough.
    pub(super) async fn tell_bursts(self: &Arc<Self>, now: EpochMs) -> StoreResult<()> {
        for (rider, count) in self.store.due_bursts(now, self.limits.sweep_batch).await? {
            let Some(app) = self.accounts.app(rider.app).await? else { continue };
            let together = self.together(&app, count, now).await;
            let told = together.as_ref().map(|alert| (alert.clone(), count));
            let world = self.world(&app, now);
            match self.store.merge(rider.clone(), told, world, self.wall()).await? {
                Merged::Together(_, ended) => {
                    info!(merged = count, "New orders told together.");
                    self.tell_ended(&ended);
                    if let Some(alert) = together {
                        self.see_to_sound(Arc::new(alert), vec![rider]);
                    }
                }
                Merged::Released => self.hub.ring(&rider, Ring::Look),
                Merged::Nothing => {}
            }
        }
        Ok(())
    }

    /// The alert that tells of `count` new orders at once; `None` if there is nothing to tell together.
    async fn together(&self, app: &AppEntry, count: usize, now: EpochMs) -> Option<Alert> {
        if count < 2 {
            return None;
        }
        let kind = self.kinds.get(MERGED)?;
        let id = AlertId::new(now, self.clock.entropy());
        let mut alert = draft::merged(kind, app, self.speech.phrases(), id, now, count)?;
        self.find_sound(&mut alert, app, now).await;
        Some(alert)
    }

    /// Rings for an alert that has its sound; sees to the sound of one that has not.
    pub(super) fn see_to_sound(self: &Arc<Self>, alert: Arc<Alert>, riders: Vec<RiderKey>) {
        if alert.sound.is_some() {
            self.ring_all_of(&riders);
        } else if !riders.is_empty() {
            self.announce(alert, super::announce::Audience::Told(riders));
        }
    }
}

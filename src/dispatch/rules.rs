//! The rules of one write: what the app has set, what the configuration says, and what the clock on the wall says there.
//! Put together anew for every write, so that a change of settings holds at once.

use std::sync::Arc;

use super::Dispatch;
use super::directory::AppEntry;
use crate::domain::settings::{Quiet, Rules};
use crate::domain::{AppId, EpochMs, Presence};
use crate::store::{StoreResult, World};

impl Dispatch {
    /// What a write for this app goes by at `at`.
    pub(super) fn world(&self, app: &AppEntry, at: EpochMs) -> World {
        let settings = &app.app.settings;
        let quiet = settings.quiet_hours.is_some_and(|hours| hours.holds(app.zone.minute_of_day(at)));
        let rules = Rules {
            alerts_per_minute: settings.alerts_per_minute.unwrap_or(self.limits.alerts_per_minute),
            quiet: if quiet { Quiet::Yes } else { Quiet::No },
            merge_ms: if settings.merge { self.limits.merge_ms } else { 0 },
            tombstone_ms: self.limits.tombstone_ms,
            settle_ms: self.limits.settle_ms,
            unresponsive_after: self.limits.unresponsive_after,
        };
        let clock = Arc::clone(&self.clock);
        let presence: Arc<dyn Presence> = Arc::clone(&self.hub) as Arc<dyn Presence>;
        World { rules, presence, messaging: self.messaging(app), entropy: Arc::new(move || clock.entropy()) }
    }

    /// The same for an app by its id; `None` if there is none (any more).
    pub(super) async fn world_of(&self, app: AppId) -> StoreResult<Option<World>> {
        let entry = self.accounts.app(app).await?;
        Ok(entry.map(|entry| self.world(&entry, self.wall())))
    }
}

//! What has become too old is deleted: of each app by its own ages, a slice at a time.
//! Who calls pauses between slices, so that orders never wait.

use tracing::{info, warn};

use super::Dispatch;
use crate::domain::{Aged, Ages, AppId, EpochMs};
use crate::store::{Gone, StoreResult};
use crate::telemetry::Metric;

/// What an app's rows are judged by, unless it says otherwise, and how many go at once.
#[derive(Clone, Debug, Default)]
pub struct Retention {
    /// The server's ages.
    pub ages: Ages,
    /// Rows of one transaction.
    pub slice: u32,
}

/// One look at everything that may have become too old.
#[derive(Debug)]
pub struct AgeingRound {
    /// What is left to look at, the last first.
    left: Vec<Chore>,
    gone: Gone,
}

/// A piece of a round: done until nothing goes any more.
#[derive(Clone, Copy, Debug)]
enum Chore {
    Tidy { before: EpochMs },
    Hooks { before: EpochMs },
    Strangers { before: EpochMs },
    Age { app: AppId, what: Aged, before: EpochMs },
}

/// Marks of riders who were erased are kept for as long as a token may live, and an hour.
const MARKS_KEPT_MS: i64 = 90_000_000;

impl Dispatch {
    /// Begins a round.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_ageing(&self) -> StoreResult<AgeingRound> {
        let now = self.wall();
        let mut left = vec![
            Chore::Tidy { before: now.plus_ms(-MARKS_KEPT_MS) },
            Chore::Hooks { before: now.plus_ms(-self.limits.hooks.deliveries_age_ms) },
            Chore::Strangers { before: now.plus_ms(-self.limits.wechat.unbound_age_ms) },
        ];
        for app in self.store.apps().await? {
            let too_old = |what| app.settings.retention.too_old(what, &self.limits.retention.ages, now);
            // Answers to events are told from the alerts they made, for as long as their ids are remembered.
            let alerts = too_old(Aged::Alerts).map(|at| at.min(now.plus_ms(-self.limits.event_memory_ms)));
            for what in Aged::ALL {
                let before = match what {
                    Aged::Alerts => alerts,
                    // No text is kept longer than its alert.
                    Aged::Texts => too_old(what).max(alerts),
                    Aged::Notices | Aged::Calls | Aged::Callbacks | Aged::DeadCallbacks | Aged::Checks => {
                        too_old(what)
                    }
                };
                left.extend(before.map(|before| Chore::Age { app: app.id, what, before }));
            }
        }
        left.reverse();
        Ok(AgeingRound { left, gone: Gone::default() })
    }

    /// Deletes one slice; how many rows. `None` when the round is over; what it has deleted is in the log then.
    pub async fn age_slice(&self, round: &mut AgeingRound) -> Option<u64> {
        let Some(chore) = round.left.last().copied() else {
            round.tell();
            return None;
        };
        let slice = self.limits.retention.slice;
        let gone = match chore {
            Chore::Tidy { before } => self.store.tidy(before, slice).await,
            Chore::Hooks { before } => {
                let forgetting = self.store.forget_hook_deliveries(before, slice).await;
                forgetting.map(|rows| Gone::of("hook_deliveries", rows))
            }
            Chore::Strangers { before } => {
                let forgetting = self.store.forget_identities(before, slice).await;
                forgetting.map(|rows| Gone::of("wechat_identities", rows))
            }
            Chore::Age { app, what, before } => self.store.age(app, what, before, slice).await,
        };
        let gone = gone.unwrap_or_else(|error| {
            warn!(
                error = &error as &dyn std::error::Error,
                "Old rows were not deleted; the next round does."
            );
            Gone::default()
        });
        if gone.rows() == 0 {
            round.left.pop();
        }
        for (table, rows) in gone.by_table() {
            self.telemetry.counter(Metric::RowsAged, &[("table", table)]).increment(rows);
        }
        round.gone.add_all(&gone);
        Some(gone.rows())
    }
}

impl AgeingRound {
    fn tell(&self) {
        if self.gone.rows() > 0 {
            let tables: Vec<String> =
                self.gone.by_table().map(|(table, rows)| format!("{table} {rows}")).collect();
            info!(rows = self.gone.rows(), tables = tables.join(", "), "What was too old is gone.");
        }
    }
}

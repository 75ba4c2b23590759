//! What an app may use, and what it does use: events by the second, sessions, characters of speech by the day.
//! Rates are kept in memory: a restart forgives a second of events. Speech is kept in the store.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Rate, RateLimiter};

use super::{AppEntry, Dispatch, TokenRider};
use crate::clock::{Clock, EpochMs, Ticks};
use crate::domain::app::Quota;
use crate::domain::{AppId, Presence};
use crate::store::StoreResult;

/// More than the app may have now; in so many seconds it may again.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many; in {retry_after_s} s again")]
pub struct TooMany {
    /// At least one.
    pub retry_after_s: u64,
}

/// What an app uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Events that were let in within the last minute.
    pub events_last_minute: u32,
    /// Rider sessions on this server now.
    pub sessions: usize,
    /// Characters that engines were asked to speak today, in the app's own time zone.
    pub speech_characters_today: u64,
}

/// The rates of all apps: one meter for each app that has posted since the start.
#[derive(Default)]
pub(super) struct Quotas {
    // Std mutex: one look-up a section.
    meters: Mutex<HashMap<AppId, Meter>>,
}

struct Meter {
    quota: Quota,
    bucket: Option<Arc<Bucket>>,
    minute: LastMinute,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Nanos>>;

/// Counts of the last sixty seconds.
struct LastMinute {
    counts: [u32; SECONDS],
    at_s: i64,
}

const SECONDS: usize = 60;

impl Dispatch {
    /// What holds for an app here.
    #[must_use]
    pub fn quota(&self, app: &AppEntry) -> Quota {
        app.app.limits.over(self.limits.quota)
    }

    /// Lets so many events of an app in, or none of them. What is larger than a whole burst waits for one.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn admit_events(&self, app: &AppEntry, count: u32) -> Result<(), TooMany> {
        let quota = self.quota(app);
        let now_s = self.clock.now().mono_ms.div_euclid(1_000);
        let mut meters = self.quotas.lock();
        let meter = meters.entry(app.app.id).or_insert_with(|| Meter::new(quota, &self.clock));
        if meter.quota != quota {
            // The operator has changed it: a fresh bucket is full.
            meter.bucket = bucket(quota, &self.clock);
            meter.quota = quota;
        }
        if let Some(bucket) = &meter.bucket {
            take(bucket, quota, count)?;
        }
        meter.minute.add(now_s, count);
        Ok(())
    }

    /// Whether a rider who is not here yet would be one too many.
    #[must_use]
    pub fn is_full_for(&self, rider: &TokenRider) -> bool {
        let most = self.sessions_max(&rider.app);
        self.hub.sessions_in(rider.rider.app) >= most
            && !self.hub.is_online(rider.rider.app, &rider.rider.rider)
    }

    /// Most sessions of an app.
    #[must_use]
    pub fn sessions_max(&self, app: &AppEntry) -> usize {
        match self.quota(app).sessions {
            0 => usize::MAX,
            most => most as usize,
        }
    }

    /// What an app uses.
    ///
    /// # Errors
    /// The store's.
    pub async fn usage(&self, app: &AppEntry) -> StoreResult<Usage> {
        let now = self.clock.now();
        let events_last_minute = {
            let mut meters = self.quotas.lock();
            let minute = meters.get_mut(&app.app.id).map(|meter| &mut meter.minute);
            minute.map_or(0, |minute| minute.sum(now.mono_ms.div_euclid(1_000)))
        };
        let today = app.zone.day(now.wall);
        let spoken = self.store.speech_use(app.app.id).await?.filter(|spoken| spoken.day >= today);
        Ok(Usage {
            events_last_minute,
            sessions: self.hub.sessions_in(app.app.id),
            speech_characters_today: spoken.map_or(0, |spoken| spoken.characters),
        })
    }
}

impl Quotas {
    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Meter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn new(quota: Quota, clock: &Arc<dyn Clock>) -> Self {
        Self { quota, bucket: bucket(quota, clock), minute: LastMinute { counts: [0; SECONDS], at_s: 0 } }
    }
}

/// None where there is no limit.
fn bucket(quota: Quota, clock: &Arc<dyn Clock>) -> Option<Arc<Bucket>> {
    let rate = NonZeroU32::new(quota.events_per_s)?;
    let rate = Rate::per_second(rate).allow_burst(burst(quota)?);
    Some(Arc::new(RateLimiter::direct_with_clock(rate, Ticks::of(Arc::clone(clock)))))
}

/// A burst is never less than what comes in a second anyway.
fn burst(quota: Quota) -> Option<NonZeroU32> {
    NonZeroU32::new(quota.burst.max(quota.events_per_s))
}

fn take(bucket: &Bucket, quota: Quota, count: u32) -> Result<(), TooMany> {
    // A batch larger than the burst could never pass: it waits for a full bucket and empties it.
    let wanted = burst(quota).map_or(count, |burst| count.min(burst.get()));
    let Some(wanted) = NonZeroU32::new(wanted) else { return Ok(()) };
    match bucket.check_n(wanted) {
        Ok(Ok(())) | Err(_) => Ok(()),
        Ok(Err(not_until)) => {
            let wait = not_until.wait_time_from(bucket.clock().now());
            Err(TooMany { retry_after_s: wait.as_secs() + 1 })
        }
    }
}

impl LastMinute {
    fn add(&mut self, now_s: i64, count: u32) {
        self.advance(now_s);
        let slot = &mut self.counts[slot(now_s)];
        *slot = slot.saturating_add(count);
    }

    fn sum(&mut self, now_s: i64) -> u32 {
        self.advance(now_s);
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Empties the seconds that have passed since the last look.
    fn advance(&mut self, now_s: i64) {
        let passed = usize::try_from(now_s - self.at_s).unwrap_or_default().min(SECONDS);
        for back in 0..passed {
            self.counts[slot(now_s - i64::try_from(back).unwrap_or_default())] = 0;
        }
        self.at_s = self.at_s.max(now_s);
    }
}

fn slot(second: i64) -> usize {
    usize::try_from(second.rem_euclid(60)).unwrap_or_default()
}

/// Seconds until the day ends for an app, at least one.
pub(super) fn until_midnight(app: &AppEntry, at: EpochMs) -> TooMany {
    let seconds = app.zone.ms_to_next_day(at).div_euclid(1_000) + 1;
    TooMany { retry_after_s: u64::try_from(seconds).unwrap_or(1) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{LastMinute, Meter, SECONDS, TooMany, take};
    use crate::clock::{Clock, EpochMs, ManualClock};
    use crate::domain::app::Quota;

    const QUOTA: Quota = Quota { events_per_s: 10, burst: 50, sessions: 0, speech_characters_per_day: 0 };

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let clock = Arc::new(ManualClock::at(EpochMs(0)));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let meter = Meter::new(QUOTA, &shared);
        let bucket = meter.bucket.unwrap();
        for _ in 0..50 {
            assert_eq!(take(&bucket, QUOTA, 1), Ok(()));
        }
        assert_eq!(take(&bucket, QUOTA, 1), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(take(&bucket, QUOTA, 35), Err(TooMany { retry_after_s: 4 }), "all or nothing");
        clock.advance_ms(1_000);
        assert_eq!(take(&bucket, QUOTA, 10), Ok(()));
        assert_eq!(take(&bucket, QUOTA, 1), Err(TooMany { retry_after_s: 1 }));
        clock.advance_ms(5_000);
        assert_eq!(take(&bucket, QUOTA, 500), Ok(()), "more than ever fits takes all there is");
        assert!(take(&bucket, QUOTA, 1).is_err());
    }

    #[test]
    fn no_limit_has_no_bucket() {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(EpochMs(0)));
        assert!(Meter::new(Quota { events_per_s: 0, ..QUOTA }, &clock).bucket.is_none());
    }

    #[test]
    fn a_minute_forgets_second_by_second() {
        let mut minute = LastMinute { counts: [0; SECONDS], at_s: 0 };
        minute.add(1_000, 3);
        minute.add(1_030, 4);
        assert_eq!(
            [minute.sum(1_059), minute.sum(1_060), minute.sum(1_089), minute.sum(1_090)],
            [7, 4, 4, 0]
        );
        minute.add(1_090, 1);
        assert_eq!((minute.sum(1_090), minute.sum(9_000)), (1, 0));
    }
}

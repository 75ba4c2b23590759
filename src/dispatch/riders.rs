//! Riders: described, on and off duty, seen; and what follows at once for what is open for them.
//! A rider who cannot be heard any more may make a fallback step due.

use tracing::warn;

use super::Dispatch;
use crate::domain::book::{Admission, Duty};
use crate::domain::{Rider, RiderKey};
use crate::hub::Ring;
use crate::store::{RiderPatch, StoreResult};

impl Dispatch {
    /// Sets duty; going off duty ends what asks for duty.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_duty(&self, rider: RiderKey, duty: Duty) -> StoreResult<usize> {
        let ended = self.store.set_duty(rider, duty, self.wall()).await?;
        Ok(self.tell_ended(&ended))
    }

    /// Notes that a session of the rider opened; the rider is known from now on. Where that cannot be written
    /// (a full disk), a rider who is known already is let in all the same: what is open for them can still be heard.
    ///
    /// # Errors
    /// The store's.
    pub async fn touch(&self, rider: RiderKey) -> StoreResult<Rider> {
        match self.store.touch_rider(rider.clone(), self.wall()).await {
            Ok(stored) => Ok(stored),
            Err(error) => match self.store.rider(rider).await {
                Ok(Some(stored)) if stored.known => {
                    warn!(error = &error as &dyn std::error::Error, "A rider's session is not noted.");
                    Ok(stored)
                }
                Ok(_) | Err(_) => Err(error),
            },
        }
    }

    /// Creates or changes a rider.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_rider(&self, rider: RiderKey, patch: RiderPatch) -> StoreResult<Rider> {
        let revokes = patch.not_before.is_some();
        let duty = patch.on_duty;
        let patch = RiderPatch { on_duty: None, ..patch };
        let mut stored = self.store.put_rider(rider.clone(), patch, self.wall()).await?;
        if let Some(on_duty) = duty {
            // By its own way, so that going off duty ends what asks for duty.
            self.set_duty(rider.clone(), if on_duty { Duty::On } else { Duty::Off }).await?;
            (stored.on_duty, stored.duty_at) = (on_duty, Some(self.wall()));
        }
        if revokes {
            self.hub.ring(&rider, Ring::Revoked);
        }
        Ok(stored)
    }

    /// Says whether a rider is there for tests; whether they are now.
    ///
    /// # Errors
    /// The store's.
    pub async fn admit(&self, rider: RiderKey, admission: Admission) -> StoreResult<bool> {
        let admitted = self.store.admit(rider, admission, self.wall()).await?;
        self.tell_ended(&admitted.ended);
        Ok(admitted.test)
    }
}

//! What an app sets for itself: checked, kept, and in force at once.
//! Ladders of an app's own are checked as those of an event are.

use super::{AppEntry, Dispatch};
use crate::clock::Zone;
use crate::domain::ladder::Act;
use crate::domain::{AppSettings, Ladder};
use crate::intake::InputError;
use crate::store::StoreError;

/// Why settings were not taken.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// They say something that cannot be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The store could not keep them.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Dispatch {
    /// Replaces an app's settings.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub async fn put_settings(&self, app: &AppEntry, settings: AppSettings) -> Result<(), SettingsError> {
        let wrong = |pointer: &str, detail: &str| InputError {
            error: "unknown_value",
            pointer: Some(pointer.to_owned()),
            detail: detail.to_owned(),
        };
        if Zone::named(&settings.time_zone).is_none() {
            return Err(wrong("/time_zone", "is no name of the IANA time zone database").into());
        }
        for (kind, ladder) in &settings.ladders {
            let pointer = format!("/ladders/{kind}");
            if self.kinds.get(kind).is_none() {
                return Err(wrong(&pointer, "there is no such kind").into());
            }
            self.check_ladder(ladder, &pointer)?;
        }
        self.store.put_settings(app.app.id, settings).await?;
        self.accounts.forget(app.app.id);
        Ok(())
    }

    /// Whether the calls of a ladder may be made.
    pub(super) fn check_ladder(&self, ladder: &Ladder, pointer: &str) -> Result<(), InputError> {
        for (place, step) in ladder.steps().iter().enumerate() {
            if let Act::Http(call) = &step.act {
                self.caller.check_call(call, &format!("{pointer}/{place}/http"))?;
            }
        }
        Ok(())
    }
}

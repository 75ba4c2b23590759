//! Where an app has its callbacks sent, and what its operators do about them: tests, stops, sending once more.
//! What is sent, and when, is the worker's; this is what a backend asks for.

use tracing::info;

use super::Dispatch;
use crate::domain::app::KeyMode;
use crate::domain::callback::{CallbackState, CallbackTarget, Fact, TargetState, WantedKinds};
use crate::domain::{AppId, CallbackId, CallbackTargetId};
use crate::intake::InputError;
use crate::store::{CallbackFilter, CallbackRecord, StoreError, StoreResult};

/// What an app says of a target.
#[derive(Clone, Debug)]
pub struct TargetWish {
    /// Where to send.
    pub url: String,
    /// Which kinds.
    pub kinds: WantedKinds,
    /// Most callbacks in one request, 1 to 100.
    pub batch_max: u32,
}

/// Why a target was not kept, tested, or sent to.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// It says something that cannot be.
    #[error(transparent)]
    Input(#[from] InputError),
    /// There is none with this id.
    #[error("there is no such target")]
    Unknown,
    /// The app has as many as it may.
    #[error("the app has as many targets as it may")]
    Full,
    /// It is stopped: nothing is sent to it.
    #[error("the target is stopped")]
    Stopped,
    /// The store could not; it may be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a callback is not sent once more.
#[derive(Debug, thiserror::Error)]
pub enum RedeliverError {
    /// There is none with this id.
    #[error("there is no such callback")]
    Unknown,
    /// It has not ended: it is sent anyway.
    #[error("the callback has not ended")]
    Waiting,
    /// Its target was removed.
    #[error("the target of the callback is gone")]
    TargetGone,
    /// The store could not; it may be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Callbacks that one request sends once more: one write of some hundred milliseconds, and what a backend of one process has
/// taken within a minute.
pub const REDELIVER_MAX: u32 = 1_000;
/// The kind of what a test sends.
const TEST: &str = "callback.test";

impl Dispatch {
    /// An app's targets, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn callback_targets(&self, app: AppId) -> StoreResult<Vec<CallbackTarget>> {
        self.store.callback_targets(app).await
    }

    /// One of them.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
    ) -> Result<CallbackTarget, TargetError> {
        let targets = self.store.callback_targets(app).await?;
        targets.into_iter().find(|target| target.id == id).ok_or(TargetError::Unknown)
    }

    /// Makes a target.
    ///
    /// # Errors
    /// `Input` for a URL that may not be called; `Full`; the store's.
    pub async fn add_callback_target(
        &self,
        app: AppId,
        wish: TargetWish,
    ) -> Result<CallbackTarget, TargetError> {
        let at = self.wall();
        let id = CallbackTargetId::new(at, self.clock.entropy());
        let target = self.judged(app, id, wish)?;
        self.kept(CallbackTarget { state: TargetState::Active, created_at: at, ..target }).await
    }

    /// Says anew what a target is; whether it is stopped stays as it is.
    ///
    /// # Errors
    /// `Unknown`; `Input` for a URL that may not be called; the store's.
    pub async fn put_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
        wish: TargetWish,
    ) -> Result<CallbackTarget, TargetError> {
        let before = self.callback_target(app, id).await?;
        let target = self.judged(app, id, wish)?;
        self.kept(CallbackTarget { state: before.state, created_at: before.created_at, ..target }).await
    }

    /// Removes a target; what waits for it is given up.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn delete_callback_target(&self, app: AppId, id: CallbackTargetId) -> Result<(), TargetError> {
        if !self.store.delete_callback_target(app, id, self.wall()).await? {
            return Err(TargetError::Unknown);
        }
        info!(callback.target = %id, "Callback target removed.");
        Ok(())
    }

    /// Stops a target: what comes up from now on is not kept for it.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn stop_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
    ) -> Result<CallbackTarget, TargetError> {
        // Stopping what is stopped says nothing new, not even since when.
        match self.callback_target(app, id).await?.state {
            TargetState::Stopped { .. } => {}
            TargetState::Active => {
                let state = TargetState::Stopped { at: self.wall() };
                self.set_state(app, id, state).await?;
            }
        }
        self.callback_target(app, id).await
    }

    /// Lets a target that was stopped go on.
    ///
    /// # Errors
    /// `Unknown`, or the store's.
    pub async fn resume_callback_target(
        &self,
        app: AppId,
        id: CallbackTargetId,
    ) -> Result<CallbackTarget, TargetError> {
        self.set_state(app, id, TargetState::Active).await?;
        self.ring_callbacks();
        self.callback_target(app, id).await
    }

    /// Has a callback sent that tells of nothing; its id.
    ///
    /// # Errors
    /// `Unknown`, `Stopped`, or the store's.
    pub async fn test_callback_target(
        &self,
        app: AppId,
        by: KeyMode,
        id: CallbackTargetId,
    ) -> Result<CallbackId, TargetError> {
        let at = self.wall();
        let fact = Fact {
            app,
            key_mode: by,
            kind: TEST.to_owned(),
            alert: None,
            order: None,
            rider: None,
            at,
            data: serde_json::Map::new(),
        };
        let callback = CallbackId::new(at, self.clock.entropy());
        if self.store.add_callback(callback, fact, id).await? {
            self.ring_callbacks();
            return Ok(callback);
        }
        self.callback_target(app, id).await?;
        Err(TargetError::Stopped)
    }

    /// One callback with its last tries.
    ///
    /// # Errors
    /// The store's.
    pub async fn callback(&self, app: AppId, id: CallbackId) -> StoreResult<Option<CallbackRecord>> {
        self.store.callback(app, id).await
    }

    /// Sends a callback that has ended once more, under the same id.
    ///
    /// # Errors
    /// [`RedeliverError`].
    pub async fn redeliver_callback(&self, app: AppId, id: CallbackId) -> Result<(), RedeliverError> {
        if self.store.redeliver_callback(app, id, self.wall()).await? {
            self.ring_callbacks();
            return Ok(());
        }
        let record = self.store.callback(app, id).await?.ok_or(RedeliverError::Unknown)?;
        match record.state {
            CallbackState::Waiting => Err(RedeliverError::Waiting),
            CallbackState::Delivered | CallbackState::Dead => Err(RedeliverError::TargetGone),
        }
    }

    /// Sends what has ended for a target once more, at most [`REDELIVER_MAX`]; how many.
    ///
    /// # Errors
    /// `Unknown`, `Stopped`, or the store's.
    pub async fn redeliver_callbacks(
        &self,
        app: AppId,
        id: CallbackTargetId,
        filter: CallbackFilter,
    ) -> Result<u64, TargetError> {
        match self.callback_target(app, id).await?.state {
            TargetState::Active => {}
            TargetState::Stopped { .. } => return Err(TargetError::Stopped),
        }
        let filter = CallbackFilter { target: Some(id), ..filter };
        let sent = self.store.redeliver_callbacks(app, filter, self.wall(), REDELIVER_MAX).await?;
        self.ring_callbacks();
        info!(callback.target = %id, callbacks = sent, "Callbacks are sent once more.");
        Ok(sent)
    }

    async fn set_state(
        &self,
        app: AppId,
        id: CallbackTargetId,
        state: TargetState,
    ) -> Result<(), TargetError> {
        let set = self.store.set_callback_target_state(app, id, state).await?;
        if set { Ok(()) } else { Err(TargetError::Unknown) }
    }

    /// The target of a wish, if its URL may be called.
    fn judged(
        &self,
        app: AppId,
        id: CallbackTargetId,
        wish: TargetWish,
    ) -> Result<CallbackTarget, TargetError> {
        let TargetWish { url, kinds, batch_max } = wish;
        self.caller.check_url(&url, "/url")?;
        let (state, created_at) = (TargetState::Active, self.wall());
        Ok(CallbackTarget { id, app, url, kinds, batch_max, state, created_at })
    }

    async fn kept(&self, target: CallbackTarget) -> Result<CallbackTarget, TargetError> {
        if !self.store.put_callback_target(target.clone()).await? {
            return Err(TargetError::Full);
        }
        info!(callback.target = %target.id, app.id = %target.app, "Callback target kept.");
        Ok(target)
    }
}

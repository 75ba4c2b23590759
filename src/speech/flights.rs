//! Work that several ask for at one moment and that is done once.
//! It is a task of its own: who asked first may leave, and the others still get it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::error::PartError;
use crate::audio::library::ClipName;
use crate::lifecycle::Lifecycle;

/// The work under way, by the name of what it makes. Each ends within its own limits, which bounds their number.
pub(super) struct Flights<T> {
    open: Mutex<HashMap<ClipName, Flight<T>>>,
}

/// The end of one piece of work, for whoever waits for it. An error is shared as well, and forgotten with it.
pub(super) type Flight<T> = Shared<BoxFuture<'static, Result<T, Arc<PartError>>>>;

/// Takes the work off the list, however it ends.
struct Landing<T> {
    flights: Arc<Flights<T>>,
    name: ClipName,
}

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { open: Mutex::default() })
    }

    /// Joins the work for this name, or begins it.
    pub(super) fn join<F>(self: &Arc<Self>, lifecycle: &Lifecycle, name: ClipName, work: F) -> Flight<T>
    where
        F: Future<Output = Result<T, Arc<PartError>>> + Send + 'static,
    {
        let mut open = self.lock();
        if let Some(flight) = open.get(&name) {
            return flight.clone();
        }
        let landing = Landing { flights: Arc::clone(self), name };
        let task = lifecycle.spawn(async move {
            let result = work.await;
            drop(landing);
            result
        });
        let flight =
            async move { task.await.unwrap_or_else(|error| Err(Arc::new(error.into()))) }.boxed().shared();
        open.insert(name, flight.clone());
        flight
    }
}

impl<T> Flights<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<ClipName, Flight<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.name);
    }
}

//! How many calls are under way, in all and to one origin.
//! One slow service must not hold all places while another's answers decide who gets an order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    /// Only origins that are being called or waited for. The lock is held for one look into the map, never across
    /// a wait.
    origins: Mutex<HashMap<String, Arc<Semaphore>>>,
    per_origin: usize,
}

/// A place that is taken until it is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    origin: String,
    permits: Option<[OwnedSemaphorePermit; 2]>,
}

impl Places {
    pub(super) fn new(all: usize, per_origin: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), origins: Mutex::default(), per_origin }
    }

    /// Waits for a place: first among the calls to this origin, then among all.
    pub(super) async fn take(&self, origin: String) -> Place<'_> {
        let own = {
            let mut origins = self.origins.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Semaphore::new(self.per_origin));
            Arc::clone(origins.entry(origin.clone()).or_insert_with(fresh))
        };
        // Made before the waits, so that a caller who gives up is tidied up after as well.
        let mut place = Place { places: self, origin, permits: None };
        // Neither is ever closed, so neither wait fails.
        if let (Ok(own), Ok(all)) = (own.acquire_owned().await, Arc::clone(&self.all).acquire_owned().await) {
            place.permits = Some([own, all]);
        }
        place
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.permits = None;
        let mut origins = self.places.origins.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own pointer is the last one: nobody calls it and nobody waits.
        if origins.get(&self.origin).is_some_and(|own| Arc::strong_count(own) == 1) {
            origins.remove(&self.origin);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Places;

    async fn is_full(places: &Places, origin: &str) -> bool {
        let wait = places.take(origin.to_owned());
        tokio::time::timeout(Duration::from_millis(20), wait).await.is_err()
    }

    #[tokio::test]
    async fn one_origin_cannot_hold_all_places() {
        let places = Places::new(3, 2);
        let slow = (places.take("slow".to_owned()).await, places.take("slow".to_owned()).await);
        assert!(is_full(&places, "slow").await);
        let quick = places.take("quick".to_owned()).await;
        assert!(is_full(&places, "third").await, "three in all");
        drop(quick);
        assert!(!is_full(&places, "third").await);
        drop(slow);
        assert!(!is_full(&places, "slow").await);
    }

    #[tokio::test]
    async fn origins_are_forgotten_when_nobody_calls_them() {
        let places = Places::new(1, 1);
        let place = places.take("a".to_owned()).await;
        assert!(is_full(&places, "a").await);
        assert!(is_full(&places, "b").await);
        drop(place);
        assert!(places.origins.lock().unwrap().is_empty());
    }
}

//! Who is there for tests: made so by name, or on first sight by a test key, never by the way.
//! What a test key says ends for everybody else before it begins, and no frame of it is chosen for them.

use super::{Book, Ended, Guard};
use crate::domain::delivery::{Change, EndReason};
use crate::domain::{EpochMs, Head, RiderKey};

/// What a rider is to be from now on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// A test rider, whatever they were.
    AsTest,
    /// A rider like any other: what is open of tests for them ends.
    AsReal,
    /// A test rider, if they are one already or nobody has heard of them: what a test key may ask for.
    IfNew,
}

/// What a rider is now.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Admitted {
    /// Whether they are a test rider.
    pub test: bool,
    /// Deliveries it has ended.
    pub ended: Vec<Ended>,
}

impl Book {
    /// Says whether a rider is there for tests. The book has the rider's open deliveries.
    pub fn admit(&mut self, rider: &RiderKey, admission: Admission, at: EpochMs) -> Admitted {
        let is_test = self.rider(rider).is_some_and(|row| row.test);
        let test = match admission {
            Admission::AsTest => true,
            Admission::AsReal => false,
            Admission::IfNew => is_test || self.is_new(rider),
        };
        let ended = if is_test && !test { self.end_tests(rider, at) } else { Vec::new() };
        if admission != Admission::IfNew {
            let row = self.rider_mut(rider, at);
            (row.known, row.test) = (true, test);
        } else if test && !is_test {
            self.rider_mut(rider, at).test = true;
        }
        Admitted { test, ended }
    }

    /// Nobody has described the rider, no token of theirs was used, and nothing real waits for them.
    fn is_new(&self, rider: &RiderKey) -> bool {
        let known = self.rider(rider).is_some_and(|row| row.known);
        !known && self.open_of_rider(rider, |head| !head.key_mode.is_test()).is_empty()
    }

    fn end_tests(&mut self, rider: &RiderKey, at: EpochMs) -> Vec<Ended> {
        let open = self.open_of_rider(rider, |head| head.key_mode.is_test());
        self.end_all(&open, &Change::Withdrawn(EndReason::TestMode), at)
    }

    /// Whether a frame of this alert may be chosen for this rider. `deliver` has seen to it; a fault there must not ring.
    #[must_use]
    pub fn may_be_sent(&self, head: &Head, rider: &RiderKey) -> bool {
        head.is_for(self.rider(rider)) || !self.looks_at(Guard::TestFrames)
    }
}

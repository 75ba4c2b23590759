//! Which statements a test has run, in the order of their words: so that the plan of each can be looked at.
//! Each thread hears its own, and a test's runtime is one thread.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static HEARD: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes a statement that is about to run.
pub(super) fn note(text: &'static str) {
    HEARD.with_borrow_mut(|heard| heard.insert(text));
}

/// What this thread has run since it was last asked.
pub(in crate::store) fn taken() -> BTreeSet<&'static str> {
    HEARD.take()
}

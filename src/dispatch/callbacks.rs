//! Callbacks on their way to backends: claimed, signed, sent, and tried again until they are there or given up.
//! The store says what is due and in which order; a crash in between sends once more, with the same id.

pub(super) mod body;

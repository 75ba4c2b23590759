//! The checks that the targets call: those of `tests/hook_mutations`, so that both look for the same.

#[path = "../../tests/hook_mutations/checks.rs"]
pub mod checks;

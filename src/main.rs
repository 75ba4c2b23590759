//! The orderbell command.
fn main() {}

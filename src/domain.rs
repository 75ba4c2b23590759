//! The vocabulary: pure values and transitions, without async, clock or I/O.

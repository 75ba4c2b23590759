//! See `checks::expression`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::expression(data));

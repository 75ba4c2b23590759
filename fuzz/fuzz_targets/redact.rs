//! See `checks::redacted`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::redacted(data));

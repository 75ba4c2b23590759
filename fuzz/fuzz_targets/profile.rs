//! See `checks::profile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::profile(data));

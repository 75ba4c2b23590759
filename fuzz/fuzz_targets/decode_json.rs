//! See `checks::decode_json`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::decode_json(data));

//! See `checks::decode_embedded`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::decode_embedded(data));

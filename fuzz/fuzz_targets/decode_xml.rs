//! See `checks::decode_xml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| orderbell_fuzz::checks::decode_xml(data));

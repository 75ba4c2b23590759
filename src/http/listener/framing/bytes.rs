//! Which bytes may stand where in a request (RFC 9110 section 5.6.2, RFC 9112 sections 3 and 5).
//! Tables, because every byte of every head is asked.

const TOKEN: [bool; 256] = table(b"!#$%&'*+-.^_`|~");
/// What a URI is made of, and the brackets, bars and braces that careless clients leave as they are. Not `"#<>\^` and
/// the back-tick: a target with these is cut or refused by others.
const TARGET: [bool; 256] = table(b"-._~:/?[]@!$&'()*+,;=%|{}");
const HOST: [bool; 256] = table(b"-._");

/// A byte of a method or a header's name.
pub(super) fn is_token(byte: u8) -> bool {
    TOKEN[usize::from(byte)]
}

/// A byte of a request target.
pub(super) fn is_target(byte: u8) -> bool {
    TARGET[usize::from(byte)]
}

/// A byte of a host's name.
pub(super) fn is_host(byte: u8) -> bool {
    HOST[usize::from(byte)]
}

/// A byte of a header's value: no control character but the tabulator.
pub(super) fn is_value(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// These bytes, letters and digits.
const fn table(bytes: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    let mut byte = 0u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() {
            table[byte as usize] = true;
        }
        byte += 1;
    }
    table
}

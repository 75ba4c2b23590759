//! Bodies of real senders, mutated: whatever becomes of them, decoders, redaction, verifiers, expressions and profiles hold.
//! The same checks run for hours under `make fuzz`; here each has a number of cases that takes a second or two.
#![expect(unreachable_pub, reason = "the crate in fuzz/ calls the same checks")]
#![expect(clippy::expect_used, reason = "a test; what does not hold ends it")]

#[path = "hook_mutations/checks.rs"]
mod checks;
#[path = "hook_mutations/seeds.rs"]
mod seeds;

use std::path::Path;

/// Cases of one check.
const CASES: usize = 3_000;
/// What makes parsers stumble.
const PIECES: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\u0000",
    b"\\",
    b"%",
    b"%25",
    b"&",
    b"=",
    b"[]",
    b"<",
    b"</a>",
    b"<![CDATA[",
    b"&a;",
    b"99999999999999999999",
    b"1e9",
    b"\xff",
    b"\xb2\xe2",
    b"{{",
    b"{%",
    b"|",
    b"+86",
];

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

fn mutated(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut data = seeds.get(dice.below(seeds.len())).cloned().unwrap_or_default();
    for _ in 0..=dice.below(6) {
        let at = dice.below(data.len());
        match dice.below(6) {
            0 if !data.is_empty() => data[at] ^= 1 << dice.below(8),
            1 => drop(data.drain(at..(at + dice.below(20)).min(data.len()))),
            2 => data.truncate(at),
            3 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len());
                data.splice(at..at, other[from..].iter().copied().take(200));
            }
            4 => {
                let piece = PIECES[dice.below(PIECES.len())].repeat(1 + dice.below(3) * dice.below(20));
                data.splice(at..at, piece);
            }
            _ => {
                let again = data[at..].iter().copied().take(dice.below(60)).collect::<Vec<_>>();
                data.splice(at..at, again);
            }
        }
    }
    data
}

fn hold(name: &str, check: fn(&[u8])) {
    let seeds = seeds::seeds(Path::new(env!("CARGO_MANIFEST_DIR")), name);
    assert!(!seeds.is_empty());
    for seed in &seeds {
        check(seed);
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for case in 0..CASES {
        let data = mutated(&mut dice, &seeds);
        let held = std::panic::catch_unwind(|| check(&data));
        assert!(held.is_ok(), "{name}, case {case}: {:?}", String::from_utf8_lossy(&data));
    }
}

#[test]
fn decoders_hold() {
    hold("decode_json", checks::decode_json);
    hold("decode_form", checks::decode_form);
    hold("decode_xml", checks::decode_xml);
    hold("decode_embedded", checks::decode_embedded);
}

#[test]
fn redaction_holds() {
    hold("redacted", checks::redacted);
}

#[test]
fn verifiers_hold() {
    hold("verified", checks::verified);
}

#[test]
fn expressions_hold() {
    hold("expression", checks::expression);
}

#[test]
fn profiles_hold() {
    hold("profile", checks::profile);
}

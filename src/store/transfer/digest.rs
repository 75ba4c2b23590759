//! A table in 32 bytes: equal for equal rows, in whatever order they are read.

use aws_lc_rs::digest::{Context, SHA256};

use super::value::{Row, Value};

/// The sum of the rows' own digests, and how many there are. It finds mistakes; nobody forges a copy of their own.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Digest {
    rows: u64,
    sum: [u64; 4],
}

impl Digest {
    /// One row more.
    pub(super) fn add(&mut self, row: &Row) {
        let mut context = Context::new(&SHA256);
        for value in row {
            // Type, length, content: no two rows are written alike.
            let (mark, bytes) = match value {
                Value::Null => (0_u8, &[][..]),
                Value::Int(number) => (1, &number.to_be_bytes()[..]),
                Value::Text(text) => (2, text.as_bytes()),
                Value::Bytes(bytes) => (3, &bytes[..]),
            };
            context.update(&[mark]);
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        }
        let digest = context.finish();
        for (sum, part) in self.sum.iter_mut().zip(digest.as_ref().chunks_exact(8)) {
            *sum = sum.wrapping_add(part.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        }
        self.rows += 1;
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::{Digest, Value};

    fn of(rows: &[Vec<Value>]) -> Digest {
        let mut digest = Digest::default();
        for row in rows {
            digest.add(row);
        }
        digest
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let text = |text: &str| Value::Text(text.to_owned());
        let (a, b) = (vec![text("a"), Value::Null], vec![text("b"), Value::Int(0)]);
        assert_eq!(of(&[a.clone(), b.clone()]), of(&[b.clone(), a.clone()]));
        for other in [
            vec![a.clone()],
            vec![a.clone(), a.clone()],
            vec![a.clone(), vec![text("b"), Value::Null]],
            vec![a.clone(), vec![text(""), text("b"), Value::Int(0)]],
            vec![a.clone(), vec![Value::Bytes(b"b".to_vec()), Value::Int(0)]],
        ] {
            assert_ne!(of(&other), of(&[a.clone(), b.clone()]), "{other:?}");
        }
        assert_ne!(of(&[vec![text("ab"), text("c")]]), of(&[vec![text("a"), text("bc")]]));
    }
}

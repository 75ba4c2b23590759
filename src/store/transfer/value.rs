//! What a column holds, in neither database's own types.

use crate::store::{StoreError, StoreResult};

/// What stands in one column of one row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Null,
    /// A whole number; a truth is 1 or 0.
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A row: its values in the order of the table's columns.
pub(super) type Row = Vec<Value>;

/// What a column may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Int,
    /// PostgreSQL's own type for truths.
    Bool,
    Text,
    Bytes,
}

impl Kind {
    /// By the name of its type in either database.
    pub(super) fn of(kind: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().as_str() {
            "integer" | "bigint" | "smallint" => Some(Self::Int),
            "boolean" => Some(Self::Bool),
            "text" => Some(Self::Text),
            "blob" | "bytea" => Some(Self::Bytes),
            _ => None,
        }
    }
}

/// Writes a value as `COPY … FROM STDIN` takes it.
pub(super) fn write_copy(line: &mut Vec<u8>, value: &Value, kind: Kind) -> StoreResult<()> {
    match value {
        Value::Null => line.extend(b"\\N"),
        Value::Int(truth @ (0 | 1)) if kind == Kind::Bool => line.push(if *truth == 1 { b't' } else { b'f' }),
        Value::Int(number) if kind == Kind::Bool => {
            return Err(StoreError::Unusable(format!("{number} is neither true nor false")));
        }
        Value::Int(number) => line.extend(number.to_string().bytes()),
        Value::Text(text) => {
            for byte in text.bytes() {
                match byte {
                    0 => {
                        let why = "a text holds a NUL character, which PostgreSQL cannot keep";
                        return Err(StoreError::Unusable(why.to_owned()));
                    }
                    b'\\' => line.extend(b"\\\\"),
                    b'\t' => line.extend(b"\\t"),
                    b'\n' => line.extend(b"\\n"),
                    b'\r' => line.extend(b"\\r"),
                    plain => line.push(plain),
                }
            }
        }
        Value::Bytes(bytes) => {
            line.extend(b"\\\\x");
            line.extend(bytes.iter().flat_map(|byte| [hex(byte >> 4), hex(byte & 0xf)]));
        }
    }
    Ok(())
}

fn hex(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Value, write_copy};

    fn written(value: &Value, kind: Kind) -> Option<String> {
        let mut line = Vec::new();
        write_copy(&mut line, value, kind).ok()?;
        String::from_utf8(line).ok()
    }

    #[test]
    fn what_means_something_in_a_line_is_written_as_its_code() {
        let text = |text: &str| written(&Value::Text(text.to_owned()), Kind::Text);
        assert_eq!(text("a\\N\tb\nc\rd店").unwrap(), "a\\\\N\\tb\\nc\\rd店");
        assert_eq!(text("").unwrap(), "");
        assert_eq!(text("a\0b"), None);
        assert_eq!(written(&Value::Null, Kind::Text).unwrap(), "\\N");
        assert_eq!(written(&Value::Bytes(vec![0, 0x1f, 0xff]), Kind::Bytes).unwrap(), "\\\\x001fff");
        assert_eq!(written(&Value::Int(i64::MIN), Kind::Int).unwrap(), "-9223372036854775808");
        assert_eq!(written(&Value::Int(1), Kind::Bool).unwrap(), "t");
        assert_eq!(written(&Value::Int(2), Kind::Bool), None);
    }
}

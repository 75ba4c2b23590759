//! Arguments of statements: of four types, each with its NULL.
//! PostgreSQL must know the type of a NULL, so that an argument says its type even where there is none.

/// An argument.
pub(in crate::store) enum Arg {
    /// A text.
    Text(Option<String>),
    /// A whole number; `BIGINT` in PostgreSQL.
    Int(Option<i64>),
    /// A truth; `BOOLEAN` in PostgreSQL, 0 or 1 in SQLite.
    Bool(Option<bool>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
}

/// Types that become an argument, alone or as an option.
macro_rules! args {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(
            impl From<$type> for Arg {
                fn from(value: $type) -> Self {
                    Self::$variant(Some(value.into()))
                }
            }

            impl From<Option<$type>> for Arg {
                fn from(value: Option<$type>) -> Self {
                    Self::$variant(value.map(Into::into))
                }
            }
        )*
    };
}

args! {
    &str => Text,
    &String => Text,
    String => Text,
    i64 => Int,
    u32 => Int,
    u16 => Int,
    u8 => Int,
    bool => Bool,
    &[u8] => Bytes,
    [u8; 32] => Bytes,
    Vec<u8> => Bytes,
}

//! Ids: ours (a prefix and a UUID v7 built from the clock's reading) and those that backends give us.
//! Foreign ids are kept exactly as written, within bounds that keep them printable; no id of ours contains a colon.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use uuid::Uuid;

use super::EpochMs;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// More than 128 characters.
    #[error("must be at most {MAX_FOREIGN_CHARS} characters")]
    TooLong,
    /// White space or a control character.
    #[error("must not contain white space or control characters")]
    BadCharacter,
    /// Not one of ours.
    #[error("is not an id of ours")]
    Malformed,
}

/// Longest id a backend may use, in characters.
pub const MAX_FOREIGN_CHARS: usize = 128;

/// No white space and no control characters, as a regular expression: what `check_foreign` says, for other people's programs.
const FOREIGN_PATTERN: &str =
    r"^[^\u0000-\u0020\u007F-\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]+$";

/// Ten random bytes, given by the caller, that make an id unguessable.
pub type IdEntropy = crate::clock::Entropy;

macro_rules! own_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, sortable by the moment it was made.
            #[must_use]
            pub fn new(at: EpochMs, entropy: IdEntropy) -> Self {
                let ms = u64::try_from(at.0).unwrap_or_default();
                Self(uuid::Builder::from_unix_timestamp_millis(ms, &entropy).into_uuid())
            }

            /// Its 32 hexadecimal digits: the trace of what is done for it alone.
            #[must_use]
            pub fn hex(&self) -> String {
                self.0.simple().to_string()
            }

            /// The moment it was made at, as its first 48 bits keep it.
            #[must_use]
            pub fn made_at(&self) -> EpochMs {
                let ms = u64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
                EpochMs(i64::try_from(ms).unwrap_or_default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let hex = text.strip_prefix(concat!($prefix, "_")).ok_or(IdError::Malformed)?;
                let canonical = hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if !canonical {
                    return Err(IdError::Malformed);
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| IdError::Malformed)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let pattern = concat!("^", $prefix, "_[0-9a-f]{32}$");
                ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

macro_rules! foreign_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(Box<str>);

        impl $name {
            /// The id as the backend wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                check_foreign(text).map(|()| Self(text.into()))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(FOREIGN_PATTERN));
                text.min_length(Some(1)).max_length(Some(MAX_FOREIGN_CHARS)).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}

own_id!(
    /// One tenant.
    AppId, "app"
);
own_id!(
    /// One API key (not its secret).
    KeyId, "key"
);
own_id!(
    /// One alert: what one event says.
    AlertId, "alr"
);
own_id!(
    /// One delivery: an alert for one rider.
    DeliveryId, "dlv"
);
own_id!(
    /// One rider connection.
    SessionId, "ses"
);
own_id!(
    /// One request that a ladder step asks for.
    CallId, "cll"
);
own_id!(
    /// One job that makes speech before it is needed.
    WarmId, "wrm"
);
own_id!(
    /// One recurring event.
    ScheduleId, "sch"
);
own_id!(
    /// One thing that a backend is told: the `webhook-id` of its request.
    CallbackId, "cbk"
);
own_id!(
    /// One address that an app has its callbacks sent to.
    CallbackTargetId, "cbt"
);
own_id!(
    /// One request that a hook was sent.
    HookDeliveryId, "hkd"
);

foreign_id!(
    /// A rider, as the backend names them. Unique within an app only.
    RiderId
);
foreign_id!(
    /// A station, zone or channel of riders, as the backend names it.
    GroupId
);
foreign_id!(
    /// The backend's own id of an event: the idempotency key.
    EventId
);

impl EventId {
    /// A new id for an event whose sender gave it none.
    #[must_use]
    pub fn fresh(at: EpochMs, entropy: IdEntropy) -> Self {
        let made = AlertId::new(at, entropy);
        Self(format!("evt_{}", made.0.simple()).into())
    }
}
foreign_id!(
    /// The backend's id of an order.
    OrderId
);

impl RiderId {
    /// A name for what is left of a rider who is erased, made of chance alone.
    #[must_use]
    pub fn pseudonym(entropy: IdEntropy) -> Self {
        let number = entropy.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        Self(format!("erased_{number:020x}").into())
    }
}

fn check_foreign(text: &str) -> Result<(), IdError> {
    if text.is_empty() {
        return Err(IdError::Empty);
    }
    if text.chars().nth(MAX_FOREIGN_CHARS).is_some() {
        return Err(IdError::TooLong);
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(IdError::BadCharacter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{AlertId, IdError, RiderId};
    use crate::domain::EpochMs;

    #[test]
    fn our_ids_round_trip_and_sort_by_time() {
        let early = AlertId::new(EpochMs(1_000), [255; 10]);
        let late = AlertId::new(EpochMs(2_000), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(early.to_string().parse(), Ok(early));
        assert!(!early.to_string().contains(':'));
        assert_eq!((early.made_at(), late.made_at()), (EpochMs(1_000), EpochMs(2_000)));
    }

    #[test]
    fn another_prefix_or_spelling_is_refused() {
        let id = AlertId::new(EpochMs(1_000), [7; 10]).to_string();
        assert_eq!(id.replace("alr_", "dlv_").parse::<AlertId>(), Err(IdError::Malformed));
        assert_eq!(id.to_uppercase().parse::<AlertId>(), Err(IdError::Malformed));
        assert_eq!("alr_{0}".parse::<AlertId>(), Err(IdError::Malformed));
    }

    #[test]
    fn foreign_ids_are_kept_exactly_or_refused() {
        for kept in ["r_1001", "骑手/7", "../x", "900719925474099312", "a:b"] {
            assert_eq!(kept.parse::<RiderId>().unwrap().as_str(), kept);
        }
        assert_eq!("".parse::<RiderId>(), Err(IdError::Empty));
        assert_eq!("a b".parse::<RiderId>(), Err(IdError::BadCharacter));
        assert_eq!("a\u{0}".parse::<RiderId>(), Err(IdError::BadCharacter));
        assert_eq!("x".repeat(129).parse::<RiderId>(), Err(IdError::TooLong));
        assert!("骑".repeat(128).parse::<RiderId>().is_ok());
    }
}

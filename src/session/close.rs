//! Why a session is closed, and what the client may do then: the codes are a contract (docs/protocol.md).
//! 4000 to 4099 do not come back by themselves; 4100 to 4199 do, with back-off.

/// Why the server closes a session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// The token is missing, wrong or revoked.
    BadToken,
    /// Another device of this rider took over.
    Replaced,
    /// The rider was erased or barred.
    Banned,
    /// This node drains; another one, or this one again, takes over.
    Draining,
    /// The client reads too slowly.
    Slow,
    /// Nothing was heard for too long.
    HeartbeatLost,
    /// Too many sessions or connections.
    TooMany,
    /// Too many frames that are not protocol v1, or no hello in time.
    Protocol,
    /// The token came to its end: get a fresh one first.
    TokenExpired,
}

impl Close {
    /// The close code.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::BadToken => 4000,
            Self::Replaced => 4001,
            Self::Banned => 4002,
            Self::Draining => 4100,
            Self::Slow => 4101,
            Self::HeartbeatLost => 4102,
            Self::TooMany => 4103,
            Self::Protocol => 4104,
            Self::TokenExpired => 4105,
        }
    }

    /// The stable word in the close frame, in logs and in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::BadToken => "bad_token",
            Self::Replaced => "replaced",
            Self::Banned => "banned",
            Self::Draining => "draining",
            Self::Slow => "slow",
            Self::HeartbeatLost => "heartbeat_lost",
            Self::TooMany => "too_many",
            Self::Protocol => "protocol",
            Self::TokenExpired => "token_expired",
        }
    }

    /// Every reason, by its code.
    pub const ALL: [Self; 9] = [
        Self::BadToken,
        Self::Replaced,
        Self::Banned,
        Self::Draining,
        Self::Slow,
        Self::HeartbeatLost,
        Self::TooMany,
        Self::Protocol,
        Self::TokenExpired,
    ];

    /// What it means, for people.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::BadToken => "The token is missing, wrong or revoked: sign in again (try one fresh token).",
            Self::Replaced => "Another device of this rider took over.",
            Self::Banned => "The rider was barred.",
            Self::Draining => "This node stops: come back after `retry_after_ms`.",
            Self::Slow => "The client reads too slowly; everything open comes again.",
            Self::HeartbeatLost => "Nothing was heard for too long.",
            Self::TooMany => "Too many sessions or connections: come back later.",
            Self::Protocol => {
                "Too many frames that are not of this protocol, or no hello in time: a defect of the client."
            }
            Self::TokenExpired => "The token came to its end: get a fresh one first.",
        }
    }

    /// Whether the client may come back by itself.
    #[must_use]
    pub fn may_return(self) -> bool {
        self.code() >= 4100
    }
}

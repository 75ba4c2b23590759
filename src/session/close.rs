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

    /// Whether the client may come back by itself.
    #[must_use]
    pub fn may_return(self) -> bool {
        self.code() >= 4100
    }
}

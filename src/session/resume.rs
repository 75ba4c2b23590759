//! What a session begins with: what the store knows of its rider at that moment.

use crate::domain::{AlertId, EpochMs, SessionId, SoundProfile};

/// What the store said for `welcome`.
pub struct Resume {
    /// The session.
    pub session: SessionId,
    /// Highest seq given to this rider.
    pub seq: i64,
    /// Open alerts with their ring.
    pub open: Vec<(AlertId, u32)>,
    /// End of the token.
    pub token_expires_at: EpochMs,
    /// For what ears this rider's clips are levelled.
    pub profile: SoundProfile,
}

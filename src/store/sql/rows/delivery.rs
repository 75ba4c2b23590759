//! Rows of deliveries.
//! They are read in the order of their columns, and found again by alert and rider.

use super::Fields;
use crate::domain::delivery::EndReason;
use crate::domain::{Answer, Delivery, DeliveryState, FirstStatus, Need};
use crate::store::StoreResult;

/// Columns of a delivery, for [`delivery`]; the table goes by the name `d`.
macro_rules! delivery_columns {
    () => {
        "d.id, d.alert_id, d.app_id, d.rider_id, d.seq, d.need, d.expires_at, d.first_status, d.state, \
         d.reason, d.ring, d.attempts, d.plays, d.sent_ring, d.rung_at, d.held_until, d.answer, d.late_answer, \
         d.ask_due_at, d.trouble, d.sent_at, d.received_at, d.playing_at, d.played_at, d.answered_at, \
         d.ended_at"
    };
}

pub(in crate::store::sql) fn delivery(fields: &mut Fields<'_>) -> StoreResult<Delivery> {
    Ok(Delivery {
        id: fields.parsed()?,
        alert: fields.parsed()?,
        app: fields.parsed()?,
        rider: fields.parsed()?,
        seq: fields.take()?,
        need: fields.word(Need::parse)?,
        expires_at: fields.moment()?,
        first_status: fields.word(FirstStatus::parse)?,
        state: fields.word(DeliveryState::parse)?,
        reason: fields.word_or_null(EndReason::parse)?,
        ring: fields.take()?,
        attempts: fields.take()?,
        plays: fields.take()?,
        sent_ring: fields.take()?,
        rung_at: fields.moment_or_null()?,
        held_until: fields.moment_or_null()?,
        answer: fields.word_or_null(Answer::parse)?,
        late_answer: fields.word_or_null(Answer::parse)?,
        ask_due_at: fields.moment_or_null()?,
        trouble: fields.take()?,
        sent_at: fields.moment_or_null()?,
        received_at: fields.moment_or_null()?,
        playing_at: fields.moment_or_null()?,
        played_at: fields.moment_or_null()?,
        answered_at: fields.moment_or_null()?,
        ended_at: fields.moment_or_null()?,
    })
}

pub(in crate::store::sql) use delivery_columns;

//! Rows of alerts: their head alone, for decisions, or all of them, to be shown and heard.
//! The head's columns come first in both, so that there is one function for them.

use super::Fields;
use crate::domain::app::KeyMode;
use crate::domain::target::DutyRule;
use crate::domain::{Alert, AlertState, Arbiter, Head, Mode, Need, Repeat, Said};
use crate::store::StoreResult;

/// Columns of an alert's head, for [`head`]; the table goes by the name `a`.
macro_rules! head_columns {
    () => {
        "a.id, a.app_id, a.order_id, a.kind, a.urgency, a.need, a.mode, a.arbiter, a.duty, a.collapse_key, \
         a.created_at, a.starts_at, a.expires_at, a.answer_ms, a.ladder, a.candidates, a.state, a.ended_at, \
         a.winner, a.steps_done, a.step_due_at, a.ladder_late_ms, \
         a.candidates_asked, a.open_count, a.unrolling, a.key_mode"
    };
}

pub(in crate::store::sql) fn head(fields: &mut Fields<'_>) -> StoreResult<Head> {
    Ok(Head {
        id: fields.parsed()?,
        app: fields.parsed()?,
        order_id: fields.parsed_or_null()?,
        kind: fields.take()?,
        urgency: fields.urgency()?,
        need: fields.word(Need::parse)?,
        mode: fields.word(Mode::parse)?,
        arbiter: fields.word(Arbiter::parse)?,
        duty: fields.word(DutyRule::parse)?,
        collapse_key: fields.take()?,
        created_at: fields.moment()?,
        starts_at: fields.moment()?,
        expires_at: fields.moment()?,
        answer_ms: fields.take()?,
        ladder: fields.list()?,
        candidates: fields.list()?,
        state: fields.word(AlertState::parse)?,
        ended_at: fields.moment_or_null()?,
        winner: fields.parsed_or_null()?,
        steps_done: fields.take()?,
        step_due_at: fields.moment_or_null()?,
        ladder_late_ms: fields.take()?,
        candidates_asked: fields.take()?,
        open_count: fields.count()?,
        unrolling: fields.take()?,
        key_mode: fields.word(KeyMode::parse)?,
    })
}

/// Columns of an alert, for [`alert`]; the table goes by the name `a`.
macro_rules! alert_columns {
    () => {
        concat!(
            crate::store::sql::rows::head_columns!(),
            ", a.event_id, a.version, a.interrupt, a.repeat_count, a.repeat_gap_ms, a.lang, a.title, a.text, \
             a.said, a.card, a.ext, a.trace_id, a.callback_url, a.jitter_ms, a.stored_at, a.rendered_at, a.sound"
        )
    };
}

pub(in crate::store::sql) fn alert(fields: &mut Fields<'_>) -> StoreResult<Alert> {
    Ok(Alert {
        head: head(fields)?,
        event_id: fields.parsed()?,
        version: fields.take()?,
        interrupt: fields.take()?,
        repeat: Repeat { count: fields.take()?, gap_ms: fields.take()? },
        lang: fields.take()?,
        title: fields.take()?,
        text: fields.take()?,
        said: Said::decoded(&fields.take::<String>()?),
        card: fields.take()?,
        ext: fields.take()?,
        trace_id: fields.take()?,
        callback_url: fields.take()?,
        jitter_ms: fields.take()?,
        stored_at: fields.moment()?,
        rendered_at: fields.moment_or_null()?,
        sound: fields.json_or_null()?,
    })
}

pub(in crate::store::sql) use {alert_columns, head_columns};

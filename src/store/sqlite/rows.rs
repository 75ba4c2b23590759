//! Rows to domain values: columns are taken in the order of the lists below, and nonsense is `Inconsistent`.
//! Each list stands beside the function that reads it, so that the two cannot drift apart unseen.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{Decode, Row, Sqlite, Type};

use crate::domain::app::{ApiKey, App};
use crate::domain::delivery::EndReason;
use crate::domain::target::DutyRule;
use crate::domain::{
    Alert, AlertState, Answer, Delivery, DeliveryState, DevicePolicy, EpochMs, FirstStatus, Need, Repeat,
    Rider, Urgency,
};
use crate::store::{StoreError, StoreResult};

/// The columns of a row, one after the other.
pub(super) struct Fields<'r> {
    row: &'r SqliteRow,
    next: usize,
    table: &'static str,
}

impl<'r> Fields<'r> {
    /// A row of `table`, before its first column.
    pub(super) fn of(row: &'r SqliteRow, table: &'static str) -> Self {
        Self { row, next: 0, table }
    }

    /// The next column.
    pub(super) fn take<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> StoreResult<T> {
        let column = self.next;
        self.next += 1;
        self.row.try_get(column).map_err(|error| nonsense(self.table, error))
    }

    /// The next column, a text that parses.
    pub(super) fn parsed<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> StoreResult<T> {
        let text: &str = self.take()?;
        text.parse().map_err(|error| nonsense(self.table, error))
    }

    /// The next column, a text that parses, or nothing.
    pub(super) fn parsed_or_null<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
        &mut self,
    ) -> StoreResult<Option<T>> {
        let text: Option<&str> = self.take()?;
        text.map(str::parse).transpose().map_err(|error| nonsense(self.table, error))
    }

    /// The next column, one of the words of `parse`.
    pub(super) fn word<T>(&mut self, parse: fn(&str) -> Option<T>) -> StoreResult<T> {
        let word: &str = self.take()?;
        parse(word).ok_or_else(|| nonsense(self.table, format!("column {}: no such word", self.next)))
    }

    /// The next column, one of the words of `parse`, or nothing.
    pub(super) fn word_or_null<T>(&mut self, parse: fn(&str) -> Option<T>) -> StoreResult<Option<T>> {
        let Some(word) = self.take::<Option<&str>>()? else { return Ok(None) };
        let value = parse(word);
        value.map(Some).ok_or_else(|| nonsense(self.table, format!("column {}: no such word", self.next)))
    }

    /// The next column, a moment.
    pub(super) fn moment(&mut self) -> StoreResult<EpochMs> {
        self.take().map(EpochMs)
    }

    /// The next column, a moment or nothing.
    pub(super) fn moment_or_null(&mut self) -> StoreResult<Option<EpochMs>> {
        Ok(self.take::<Option<i64>>()?.map(EpochMs))
    }

    /// The next column, JSON.
    pub(super) fn json<T: DeserializeOwned>(&mut self) -> StoreResult<T> {
        let text: &str = self.take()?;
        serde_json::from_str(text).map_err(|error| nonsense(self.table, error))
    }

    /// The next column, a whole number that is never negative.
    pub(super) fn count(&mut self) -> StoreResult<u64> {
        let number: i64 = self.take()?;
        u64::try_from(number).map_err(|error| nonsense(self.table, error))
    }

    fn hash(&mut self) -> StoreResult<[u8; 32]> {
        let bytes: &[u8] = self.take()?;
        bytes.try_into().map_err(|error: std::array::TryFromSliceError| nonsense(self.table, error))
    }

    fn urgency(&mut self) -> StoreResult<Urgency> {
        let number: u8 = self.take()?;
        Urgency::try_from(number).map_err(|error| nonsense(self.table, error))
    }
}

pub(super) fn nonsense(
    table: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Inconsistent { table, source: source.into() }
}

/// A value as JSON: a column, or a list as one argument for `json_each`.
pub(super) fn json<T: serde::Serialize + ?Sized>(table: &'static str, value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|error| nonsense(table, error))
}

/// Columns of an app, for [`app`].
macro_rules! app_columns {
    () => {
        "id, name, lang, utc_offset_s, rider_secrets, created_at"
    };
}

pub(super) fn app(row: &SqliteRow) -> StoreResult<App> {
    let mut fields = Fields::of(row, "apps");
    Ok(App {
        id: fields.parsed()?,
        name: fields.take()?,
        lang: fields.take()?,
        utc_offset_s: fields.take()?,
        rider_secrets: fields.json()?,
        created_at: fields.moment()?,
    })
}

/// Columns of an API key, for [`api_key`].
macro_rules! key_columns {
    () => {
        "id, app_id, name, hash, scopes, created_at, revoked_at"
    };
}

pub(super) fn api_key(row: &SqliteRow) -> StoreResult<ApiKey> {
    let mut fields = Fields::of(row, "api_keys");
    Ok(ApiKey {
        id: fields.parsed()?,
        app: fields.parsed()?,
        name: fields.take()?,
        hash: fields.hash()?,
        scopes: fields.json()?,
        created_at: fields.moment()?,
        revoked_at: fields.moment_or_null()?,
    })
}

/// Columns of a rider, for [`rider`].
macro_rules! rider_columns {
    () => {
        "app_id, id, known, on_duty, lang, devices, not_before, seq, created_at, last_seen_at"
    };
}

pub(super) fn rider(row: &SqliteRow) -> StoreResult<Rider> {
    let mut fields = Fields::of(row, "riders");
    Ok(Rider {
        app: fields.parsed()?,
        id: fields.parsed()?,
        known: fields.take()?,
        on_duty: fields.take()?,
        lang: fields.take()?,
        devices: fields.word(DevicePolicy::parse)?,
        not_before: fields.moment()?,
        seq: fields.take()?,
        created_at: fields.moment()?,
        last_seen_at: fields.moment_or_null()?,
    })
}

/// Columns of a delivery, for [`delivery`]; the table goes by the name `d`.
macro_rules! delivery_columns {
    () => {
        "d.id, d.alert_id, d.app_id, d.rider_id, d.seq, d.need, d.expires_at, d.first_status, d.state, \
         d.reason, d.ring, d.attempts, d.plays, d.answer, d.trouble, d.sent_at, d.received_at, d.playing_at, \
         d.played_at, d.answered_at, d.ended_at"
    };
}

pub(super) fn delivery(fields: &mut Fields<'_>) -> StoreResult<Delivery> {
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
        answer: fields.word_or_null(Answer::parse)?,
        trouble: fields.take()?,
        sent_at: fields.moment_or_null()?,
        received_at: fields.moment_or_null()?,
        playing_at: fields.moment_or_null()?,
        played_at: fields.moment_or_null()?,
        answered_at: fields.moment_or_null()?,
        ended_at: fields.moment_or_null()?,
    })
}

/// Columns of an alert, for [`alert`]; the table goes by the name `a`.
macro_rules! alert_columns {
    () => {
        "a.id, a.app_id, a.event_id, a.order_id, a.version, a.kind, a.urgency, a.interrupt, a.repeat_count, \
         a.repeat_gap_ms, a.need, a.duty, a.lang, a.title, a.text, a.said, a.card, a.ext, a.trace_id, \
         a.created_at, a.stored_at, a.expires_at, a.rendered_at, a.sound, a.state, a.ended_at"
    };
}

pub(super) fn alert(fields: &mut Fields<'_>) -> StoreResult<Alert> {
    Ok(Alert {
        id: fields.parsed()?,
        app: fields.parsed()?,
        event_id: fields.parsed()?,
        order_id: fields.parsed_or_null()?,
        version: fields.take()?,
        kind: fields.take()?,
        urgency: fields.urgency()?,
        interrupt: fields.take()?,
        repeat: Repeat { count: fields.take()?, gap_ms: fields.take()? },
        need: fields.word(Need::parse)?,
        duty: fields.word(DutyRule::parse)?,
        lang: fields.take()?,
        title: fields.take()?,
        text: fields.take()?,
        said: fields.take()?,
        card: fields.take()?,
        ext: fields.take()?,
        trace_id: fields.take()?,
        created_at: fields.moment()?,
        stored_at: fields.moment()?,
        expires_at: fields.moment()?,
        rendered_at: fields.moment_or_null()?,
        sound: fields
            .take::<Option<&str>>()?
            .map(|json| serde_json::from_str(json).map_err(|error| nonsense("alerts", error)))
            .transpose()?,
        state: fields.word(AlertState::parse)?,
        ended_at: fields.moment_or_null()?,
    })
}

pub(super) use {alert_columns, app_columns, delivery_columns, key_columns, rider_columns};

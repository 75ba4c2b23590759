//! Rows to domain values: columns are taken in the order of the lists below, and nonsense is `Inconsistent`.
//! Each list stands beside the function that reads it, so that the two cannot drift apart unseen.

mod alert;
mod delivery;

use std::str::FromStr;

use serde::de::DeserializeOwned;

use super::db::{Column, Row};
use super::secrets;
use crate::domain::app::{ApiKey, App, KeyMode};
use crate::domain::rider::Pace;
use crate::domain::{DevicePolicy, EpochMs, Rider, RiderKey, SoundProfile, Urgency};
use crate::store::{StoreError, StoreResult};

pub(super) use alert::{alert, alert_columns, head, head_columns};
pub(super) use delivery::{delivery, delivery_columns};

/// The columns of a row, one after the other.
pub(super) struct Fields<'r> {
    row: &'r Row,
    next: usize,
    table: &'static str,
}

impl<'r> Fields<'r> {
    /// A row of `table`, before its first column.
    pub(super) fn of(row: &'r Row, table: &'static str) -> Self {
        Self { row, next: 0, table }
    }

    /// Passes over so many columns.
    pub(super) fn skip(&mut self, columns: usize) {
        self.next += columns;
    }

    /// The next column.
    pub(super) fn take<T: Column<'r>>(&mut self) -> StoreResult<T> {
        let column = self.next;
        self.next += 1;
        T::of(self.row, column).map_err(|error| nonsense(self.table, error))
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

    /// The next column, JSON or nothing.
    pub(super) fn json_or_null<T: DeserializeOwned>(&mut self) -> StoreResult<Option<T>> {
        let text: Option<&str> = self.take()?;
        text.map(serde_json::from_str).transpose().map_err(|error| nonsense(self.table, error))
    }

    /// The next column, a JSON list; most of them are empty.
    pub(super) fn list<T: DeserializeOwned + Default>(&mut self) -> StoreResult<T> {
        match self.take::<&str>()? {
            "[]" => Ok(T::default()),
            text => serde_json::from_str(text).map_err(|error| nonsense(self.table, error)),
        }
    }

    /// The next two columns, an app and a rider.
    pub(super) fn rider_key(&mut self) -> StoreResult<RiderKey> {
        Ok(RiderKey { app: self.parsed()?, rider: self.parsed()? })
    }

    /// The next column, a whole number that is never negative.
    pub(super) fn count(&mut self) -> StoreResult<u64> {
        let number: i64 = self.take()?;
        u64::try_from(number).map_err(|error| nonsense(self.table, error))
    }

    /// The next column, a SHA-256.
    pub(super) fn hash(&mut self) -> StoreResult<[u8; 32]> {
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
    ($dialect:ident) => {
        concat!("id, name, lang, created_at, settings, limits, ", secrets_of!($dialect "apps.id"))
    };
}

pub(super) fn app(row: &Row) -> StoreResult<App> {
    let mut fields = Fields::of(row, "apps");
    Ok(App {
        id: fields.parsed()?,
        name: fields.take()?,
        lang: fields.take()?,
        created_at: fields.moment()?,
        settings: fields.json()?,
        limits: fields.json()?,
        secrets: secrets::taken(&mut fields)?,
    })
}

/// Columns of an API key, for [`api_key`].
macro_rules! key_columns {
    ($dialect:ident) => {
        concat!(
            "id, app_id, name, scopes, mode, created_at, last_used_at, revoked_at, ",
            secrets_of!($dialect "api_keys.id")
        )
    };
}

pub(super) fn api_key(row: &Row) -> StoreResult<ApiKey> {
    let mut fields = Fields::of(row, "api_keys");
    Ok(ApiKey {
        id: fields.parsed()?,
        app: fields.parsed()?,
        name: fields.take()?,
        scopes: fields.json()?,
        mode: fields.word(KeyMode::parse)?,
        created_at: fields.moment()?,
        last_used_at: fields.moment_or_null()?,
        revoked_at: fields.moment_or_null()?,
        secrets: secrets::taken(&mut fields)?,
    })
}

/// Columns of a rider, for [`rider`].
macro_rules! rider_columns {
    () => {
        "app_id, id, known, on_duty, lang, devices, not_before, seq, created_at, last_seen_at, duty_at, \
         unanswered, unanswered_at, answered_at, minute_at, minute_count, burst_until, test, \
         sound_profile"
    };
}

pub(super) fn rider(fields: &mut Fields<'_>) -> StoreResult<Rider> {
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
        duty_at: fields.moment_or_null()?,
        unanswered: fields.take()?,
        unanswered_at: fields.moment_or_null()?,
        answered_at: fields.moment_or_null()?,
        pace: Pace { minute_at: fields.moment()?, count: fields.take()?, burst_until: fields.moment()? },
        test: fields.take()?,
        sound_profile: fields.word_or_null(SoundProfile::parse)?,
    })
}

pub(super) use {app_columns, key_columns, rider_columns};

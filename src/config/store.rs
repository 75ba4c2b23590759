//! The settings of `[store]`: where the data lie, and how the way to them is bounded.
//! The URL of a PostgreSQL server holds its password: it is a secret, and never shown.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{ConfigError, section};

section!(
    /// The database.
    Store {
        /// A PostgreSQL server; empty for SQLite in the data folder.
        url: SecretString,
        /// A file that holds that URL; empty for none.
        url_file: PathBuf,
        /// Whether a start brings an older schema up to date, or refuses it.
        migrate: bool,
        /// SQLite: waiting writes.
        queue: usize,
        /// SQLite: writes in one commit.
        batch_max: usize,
        /// Longest wait for a turn, or for a connection.
        @"super::duration" queue_timeout: Duration,
        /// SQLite: reading connections.
        readers: u32,
        /// PostgreSQL: connections of one server.
        connections: u32,
        /// PostgreSQL: longest time of one statement.
        @"super::duration" statement_timeout: Duration,
        /// How long an event's id is remembered.
        @"super::duration" event_memory: Duration,
    }
);

/// Where the data lie.
#[derive(Clone, Debug)]
pub enum StorePlace {
    /// In a SQLite file in the data folder.
    Folder,
    /// On the PostgreSQL server that this URL names.
    Postgres(SecretString),
}

/// Ids of events are remembered for as long as senders are promised (promise 4), and longer at will.
const EVENT_MEMORY_MIN: Duration = Duration::from_hours(168);
/// How the URL of a PostgreSQL server begins.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
/// What may stand behind its question mark.
const PARAMETERS: [&str; 12] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "user",
    "password",
    "dbname",
    "application_name",
    "options",
];

impl Store {
    /// Where the data lie; reads the file that holds the URL.
    ///
    /// # Errors
    /// `Invalid` if both settings are set, the file cannot be read, or what they hold is no such URL; it is not shown.
    pub fn place(&self) -> Result<StorePlace, ConfigError> {
        let url = self.url.expose_secret().trim();
        let has_file = !self.url_file.as_os_str().is_empty();
        if !url.is_empty() && has_file {
            return Err(invalid("store.url", "and url_file are both set: take one away".to_owned()));
        }
        if has_file {
            let text = std::fs::read_to_string(&self.url_file).map_err(|error| {
                invalid("store.url_file", format!("{} cannot be read: {error}", self.url_file.display()))
            })?;
            return postgres("store.url_file", text.trim());
        }
        if url.is_empty() { Ok(StorePlace::Folder) } else { postgres("store.url", url) }
    }

    /// The setting by which the URL is set, if it is.
    pub(super) fn secret_set(&self) -> Option<&'static str> {
        (!self.url.expose_secret().trim().is_empty()).then_some("store.url")
    }

    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 6] {
        let waits = Duration::from_millis(100)..=Duration::from_mins(1);
        let statements = Duration::from_millis(100)..=Duration::from_secs(9);
        [
            (self.queue > 0 && self.batch_max > 0, "store.queue", "and batch_max are at least 1"),
            (self.readers > 0, "store.readers", "is at least 1"),
            ((2..=1_000).contains(&self.connections), "store.connections", "is 2 to 1000"),
            (waits.contains(&self.queue_timeout), "store.queue_timeout", "is 100ms to 60s"),
            (statements.contains(&self.statement_timeout), "store.statement_timeout", "is 100ms to 9s"),
            (self.event_memory >= EVENT_MEMORY_MIN, "store.event_memory", "is at least 168h"),
        ]
    }
}

fn postgres(key: &str, url: &str) -> Result<StorePlace, ConfigError> {
    if !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        let what = "is not postgres://user:password@host/database, nor empty for SQLite in the data folder";
        return Err(invalid(key, what.to_owned()));
    }
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let mut names = parameters.split('&').filter(|pair| !pair.is_empty());
    if names.any(|pair| !PARAMETERS.contains(&pair.split('=').next().unwrap_or(pair))) {
        // A misspelt demand for TLS would be passed over, and a misspelt password be shown in the log.
        let what = format!("has a parameter that is none of {}", PARAMETERS.join(", "));
        return Err(invalid(key, what));
    }
    Ok(StorePlace::Postgres(SecretString::from(url)))
}

fn invalid(key: &str, what: String) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), what }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use secrecy::ExposeSecret;

    use super::StorePlace;
    use crate::config::{Config, ConfigError};

    fn load(text: &str) -> Result<Config, ConfigError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Config::load(Some(file.path()))
    }

    #[test]
    fn the_data_lie_in_the_folder_unless_a_server_is_named() {
        assert!(matches!(load("").unwrap().store.place(), Ok(StorePlace::Folder)));
        let config = load("[store]\nurl = 'postgres://bell:hidden@db/bell'").unwrap();
        let Ok(StorePlace::Postgres(url)) = config.store.place() else { panic!("it is a server") };
        assert_eq!(url.expose_secret(), "postgres://bell:hidden@db/bell");
        assert_eq!(config.secrets_set(), ["store.url"]);
        assert!(!format!("{config:?}").contains("hidden"));

        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "postgresql://bell:hidden@db/bell").unwrap();
        let told = format!("[store]\nurl_file = '{}'", file.path().display());
        let Ok(StorePlace::Postgres(url)) = load(&told).unwrap().store.place() else {
            panic!("it is a server")
        };
        assert_eq!(url.expose_secret(), "postgresql://bell:hidden@db/bell");
    }

    #[test]
    fn a_url_that_is_none_is_named_and_not_shown() {
        for (wrong, key) in [
            ("url = 'mysql://bell:hidden@db/bell'", "store.url:"),
            ("url_file = '/nowhere/url'", "store.url_file:"),
            ("url_file = '/proc/self/stat'", "store.url_file:"),
            ("url = 'postgres://hidden'\nurl_file = '/etc/hostname'", "store.url:"),
            ("connections = 1", "store.connections"),
            ("statement_timeout = '0s'", "store.statement_timeout"),
        ] {
            let error = load(&format!("[store]\n{wrong}")).unwrap_err().to_string();
            assert!(error.contains(key) && !error.contains("hidden"), "{wrong}: {error}");
        }
    }
}

//! Configuration in three layers: the embedded complete default, a file, the environment.
//! What is not in the default does not exist; a configuration that fails is never used in part.

mod audio;
mod callbacks;
pub mod engines;
mod environment;
mod hooks;
mod members;
mod reports;
mod retention;
mod secrets;
mod server;
mod speech;
mod store;
pub mod wechat;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

pub use audio::Audio;
pub use callbacks::Callbacks;
pub use hooks::Hooks;
use ipnet::IpNet;
pub use reports::Reports;
pub use retention::Retention;
use secrecy::ExposeSecret;
pub use secrets::Secrets;
use serde::{Deserialize, Deserializer};
use server::networks;
pub use speech::{FeeRange, Prewarm, Speech};
pub use store::{Store, StorePlace};
pub use wechat::Wechat;

/// The complete default, commented.
pub const DEFAULTS: &str = include_str!("../deploy/config.default.toml");

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A layer does not parse, or names something unknown.
    #[error("configuration: {0}")]
    Load(#[from] config::ConfigError),
    /// The file cannot be read.
    #[error("configuration: {path} cannot be read")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no TOML. The line itself is not shown: it may hold a secret.
    #[error("configuration: {path}, line {line}: {what}")]
    Syntax {
        /// Its path.
        path: String,
        /// Where, from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// Values that do not fit each other.
    #[error("configuration: {key}: {what}")]
    Invalid {
        /// The setting, `section.key`.
        key: String,
        /// What is wrong.
        what: String,
    },
}

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The public listener.
    pub server: Server,
    /// The operator's listener.
    pub admin: Admin,
    /// The database.
    pub store: Store,
    /// What an app may use.
    pub apps: Apps,
    /// Reading what backends send.
    pub intake: Intake,
    /// Rider sessions.
    pub rider: Rider,
    /// Making sentences.
    pub speech: Speech,
    /// Keeping clips.
    pub audio: Audio,
    /// Moving alerts on.
    pub dispatch: Dispatch,
    /// The memory of orders.
    pub orders: Orders,
    /// Offers.
    pub offers: Offers,
    /// Requests of foreign backends.
    pub hooks: Hooks,
    /// Questions about the record.
    pub reports: Reports,
    /// What is sent to URLs that users give.
    pub callbacks: Callbacks,
    /// How long what is kept stays.
    pub retention: Retention,
    /// WeChat's mini-programs.
    pub wechat: Wechat,
    /// Log lines.
    pub log: Log,
    /// Secrets.
    pub secrets: Secrets,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $(@$with:literal)? $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* $(#[serde(deserialize_with = $with)])? pub $field: $type,)*
        }
    };
}
use section;

section!(
    /// The public listener.
    Server {
        /// Address and port.
        listen: SocketAddr,
        /// URL under which riders reach the server; empty for relative audio URLs.
        public_url: String,
        /// Limit for the first byte of a connection.
        @"duration" first_byte_timeout: Duration,
        /// Limit for a request head, from its first byte.
        @"duration" header_timeout: Duration,
        /// Limit for the wait between two requests.
        @"duration" idle_timeout: Duration,
        /// Limit for a request body, beside what its bytes earn.
        @"duration" body_timeout: Duration,
        /// Bytes of a body that earn another second.
        body_rate_min: u32,
        /// Limit of a write without progress.
        @"duration" write_timeout: Duration,
        /// Bytes of a path with its query.
        uri_bytes_max: usize,
        /// Header lines of a request.
        headers_max: usize,
        /// Bytes of a request head.
        head_bytes_max: usize,
        /// Open connections.
        max_connections: usize,
        /// Open connections of one address; 0 for no limit.
        connections_per_ip: usize,
        /// Open rider sockets of one client address; 0 for no limit.
        sockets_per_ip: usize,
        /// New connections a second; 0 for no limit.
        new_per_second: u32,
        /// New connections a second of one address; 0 for no limit.
        new_per_second_per_ip: u32,
        /// Who is believed in `X-Forwarded-For`.
        @"networks" trusted_proxies: Vec<IpNet>,
        /// Largest request body, and largest event of a batch.
        max_body_bytes: usize,
        /// Largest batch of events.
        max_batch_bytes: usize,
        /// Limit of a graceful stop.
        @"duration" drain_timeout: Duration,
    }
);
section!(
    /// The operator's listener.
    Admin {
        /// Address and port.
        listen: SocketAddr,
    }
);
section!(
    /// What an app may use, unless it has limits of its own; 0 is no limit.
    Apps {
        /// Events a second, for long.
        events_per_s: u32,
        /// Events at once.
        burst: u32,
        /// Rider sessions at one time.
        sessions: u32,
        /// Characters that engines speak within a day.
        speech_characters_per_day: u32,
    }
);
section!(
    /// Reading what backends send.
    Intake {
        /// How far the timestamp of a signed request may be from our clock.
        @"duration" signature_tolerance: Duration,
        /// Cut off types of webhooks and CloudEvents before they are taken for a kind.
        type_prefix: String,
    }
);
section!(
    /// Rider sessions.
    Rider {
        /// Limit for the first frame.
        @"duration" hello_timeout: Duration,
        /// Between two heartbeats.
        @"duration" heartbeat: Duration,
        /// Silence after which a socket is dead.
        @"duration" silence_max: Duration,
        /// Wait before an alert is sent again.
        @"duration" resend_after: Duration,
        /// Alerts sent and not acknowledged.
        window: usize,
        /// Largest frame from a client.
        frame_bytes_max: usize,
        /// Bytes waiting for a slow socket.
        queue_bytes_max: usize,
        /// Limit of a write without progress.
        @"duration" send_timeout: Duration,
        /// Bad frames before a session is closed.
        violations_max: u32,
        /// Frames from a client each second, for long.
        messages_per_second: u32,
        /// Frames from a client at once.
        messages_burst: u32,
        /// Sessions of one rider.
        sessions_max: usize,
        /// Sockets that one rider may open in a minute; 0 for no limit.
        connects_per_minute: u32,
        /// Whether `?token=` is accepted.
        token_in_query: bool,
        /// Longest life of a token.
        @"duration" token_ttl_max: Duration,
        /// Time over which riders of a draining node return.
        @"duration" return_spread: Duration,
        /// Most alerts for one rider within a minute, unless the app says otherwise; 0 for no limit.
        alerts_per_minute: u32,
        /// How long a rider without a session counts as online.
        @"duration" offline_grace: Duration,
    }
);
section!(
    /// Moving alerts on.
    Dispatch {
        /// Between two looks at due columns.
        @"duration" sweep: Duration,
        /// Rows ended by one look.
        sweep_batch: u32,
        /// Receipts waiting to be committed.
        receipt_queue: usize,
        /// Sentences being made at one time.
        render_concurrency: usize,
        /// Riders told in one write of a large audience.
        unroll_chunk: u32,
    }
);
section!(
    /// The memory of orders.
    Orders {
        /// How long an order is remembered after its last news.
        @"duration" memory: Duration,
        /// How long a cancellation stops what cannot be compared with it.
        @"duration" tombstone: Duration,
        /// How long new orders wait for company.
        @"duration" merge_window: Duration,
    }
);
section!(
    /// Offers.
    Offers {
        /// How long a rider waits for the backend's decision.
        @"duration" settle_timeout: Duration,
        /// Unanswered offers in a row after which a rider counts as unresponsive.
        unresponsive_after: u32,
    }
);
section!(
    /// Log lines.
    Log {
        /// `text` or `json`.
        format: LogFormat,
        /// As in `RUST_LOG`.
        filter: String,
    }
);

/// How log lines look.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Config {
    /// Loads the three layers and checks them together.
    ///
    /// # Errors
    /// A missing or unreadable file, a syntax error, an unknown key, a wrong type, values that do not fit.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut layers =
            config::Config::builder().add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
        if let Some(path) = file {
            let text = read(path)?;
            layers = layers.add_source(config::File::from_str(&text, config::FileFormat::Toml));
        }
        for source in environment::sources() {
            layers = layers.add_source(source);
        }
        let built = layers.build()?;
        let (engines, programs) = (engines::read(&built)?, wechat::read(&built)?);
        let mut loaded: Self = built.try_deserialize()?;
        loaded.speech.engines = engines;
        loaded.wechat.programs = programs;
        loaded.check()?;
        Ok(loaded)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let rules = [
            (self.rider.heartbeat.as_millis() >= 1000, "rider.heartbeat", "is at least 1s"),
            (self.rider.silence_max > self.rider.heartbeat, "rider.silence_max", "is longer than heartbeat"),
            (self.rider.window > 0, "rider.window", "is at least 1"),
            (self.rider.sessions_max > 0, "rider.sessions_max", "is at least 1"),
            (self.rider.messages_per_second > 0, "rider.messages_per_second", "is at least 1"),
            (self.rider.messages_burst > 0, "rider.messages_burst", "is at least 1"),
            (self.rider.token_ttl_max.as_secs() <= 86_400, "rider.token_ttl_max", "is at most 24h"),
            (self.dispatch.sweep.as_millis() >= 10, "dispatch.sweep", "is at least 10ms"),
            ((1..=5_000).contains(&self.dispatch.unroll_chunk), "dispatch.unroll_chunk", "is 1 to 5000"),
            (self.orders.memory >= self.orders.tombstone, "orders.memory", "is not shorter than tombstone"),
            (self.offers.settle_timeout.as_secs() >= 1, "offers.settle_timeout", "is at least 1s"),
            (self.dispatch.render_concurrency > 0, "dispatch.render_concurrency", "is at least 1"),
            (
                (5..=900).contains(&self.intake.signature_tolerance.as_secs()),
                "intake.signature_tolerance",
                "is 5s to 15m",
            ),
            (
                self.secrets.operator_key_is_good(),
                "secrets.operator_key",
                "is 24 visible ASCII characters or more, and not one again and again",
            ),
        ];
        match rules
            .into_iter()
            .chain(self.server.rules())
            .chain(self.store.rules())
            .chain(self.hooks.rules())
            .chain(self.reports.rules())
            .chain(self.callbacks.rules())
            .chain(self.audio.rules())
            .chain(self.retention.rules())
            .chain(self.speech.rules())
            .chain(self.wechat.rules())
            .find(|(holds, ..)| !holds)
        {
            Some((_, key, what)) => Err(ConfigError::Invalid { key: key.to_owned(), what: what.to_owned() }),
            None => self.store.place().and_then(|_| self.speech.check()).and_then(|()| self.wechat.check()),
        }
    }

    /// Whether every engine of the chain and every mini-program has its credentials; reads the files that hold them.
    ///
    /// # Errors
    /// Names the first one that cannot be had, and no part of it.
    pub fn check_credentials(&self) -> Result<(), ConfigError> {
        self.speech.check_credentials()?;
        self.wechat.check_credentials()
    }

    /// One line for each secret that is set, naming it and nothing more.
    #[must_use]
    pub fn secrets_set(&self) -> Vec<String> {
        let Secrets { node_key, operator_key } = &self.secrets;
        let all = [("secrets.node_key", node_key), ("secrets.operator_key", operator_key)];
        let set = all.into_iter().filter(|(_, secret)| !secret.expose_secret().is_empty());
        let set = set.map(|(name, _)| name).chain(self.store.secret_set());
        let named = self.speech.secrets_set().into_iter().chain(self.wechat.secrets_set());
        set.map(str::to_owned).chain(named).collect()
    }
}

/// The text of a file that parses.
fn read(path: &Path) -> Result<String, ConfigError> {
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(source) => return Err(ConfigError::File { path: shown, source }),
    };
    match text.parse::<toml::Table>() {
        Ok(_) => Ok(text),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let (line, what) = (before.matches('\n').count() + 1, error.message().to_owned());
            Err(ConfigError::Syntax { path: shown, line, what })
        }
    }
}

/// Milliseconds of a duration, as the domain counts them.
#[must_use]
pub fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let signed: jiff::SignedDuration = text.parse().map_err(serde::de::Error::custom)?;
    Duration::try_from(signed).map_err(|_| serde::de::Error::custom("a duration is not negative"))
}

#[cfg(test)]
mod tests;

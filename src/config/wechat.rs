//! The settings of `[wechat]`: mini-programs by name, each with its credentials and the message that it may send.
//! What is wrong with one is found at the start, and told by its name.

mod fields;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use config::ValueKind;
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use super::members::{Fault, Members, NAMES, is_name, table};
use super::{ConfigError, section};

pub use self::fields::{FieldKind, FieldSlot, MessageField, Piece};

section!(
    /// WeChat's mini-programs.
    Wechat {
        /// Where WeChat's API is.
        api_url: String,
        /// Limit of one call.
        @"super::duration" timeout: Duration,
        /// Bytes of an answer that are taken.
        answer_bytes_max: usize,
        /// Calls at one time.
        concurrency: usize,
        /// Sign-ins of one client address in a minute; 0 for no limit.
        logins_per_minute: u32,
        /// How long a link code is good.
        @"super::duration" link_ttl: Duration,
        /// How long somebody is remembered who signed in and was never linked.
        @"super::duration" unlinked_age: Duration,
        /// How long a rider may still come and hear an alert before a message goes out.
        @"super::duration" message_wait: Duration,
        /// Messages being sent at one time.
        message_places: usize,
        /// How long nothing is sent after WeChat has found the template or the credentials wrong.
        @"super::duration" misconfigured_rest: Duration,
        /// The mini-programs, by name.
        @"read_before" programs: BTreeMap<String, ProgramConfig>,
    }
);
table!(
    /// One mini-program.
    ProgramConfig {
        /// The name of the app whose riders sign in with it.
        app: String = "default",
        /// WeChat's id of it.
        appid: String,
        /// WeChat's secret of it.
        secret: Option<SecretString>,
        /// A file that holds it.
        secret_file: Option<PathBuf>,
        /// Whether messages are sent.
        subscribe: bool,
        /// The id of the message's template.
        template: String,
        /// The page that the message opens; empty for none.
        page: String,
        /// `formal`, `trial` or `developer`: which version of the mini-program it opens.
        state: String = "formal",
        /// The language of what WeChat writes around the message.
        lang: String = "zh_CN",
        /// What stands in each field of the template.
        fields: BTreeMap<String, String>,
    }
);

/// The message of a mini-program.
#[derive(Clone, Debug)]
pub struct MessageConfig {
    /// The id of its template.
    pub template: String,
    /// The page that it opens, if any.
    pub page: Option<String>,
    /// Which version of the mini-program.
    pub state: String,
    /// The language around it.
    pub lang: String,
    /// Its fields, by name.
    pub fields: Vec<MessageField>,
}

/// A house has one mini-program, or one for each of its brands.
const PROGRAMS_MAX: usize = 8;
/// WeChat's templates have five fields at most; more are no template's.
const FIELDS_MAX: usize = 10;
const STATES: [&str; 3] = ["formal", "trial", "developer"];
const LANGS: [&str; 4] = ["zh_CN", "zh_HK", "zh_TW", "en_US"];

impl Wechat {
    /// What must hold, the setting, and that in words.
    pub(super) fn rules(&self) -> [(bool, &'static str, &'static str); 10] {
        // A message takes up to four calls, and half a minute at most.
        let timeouts = Duration::from_millis(100)..=Duration::from_secs(7);
        let links = Duration::from_mins(1)..=Duration::from_hours(24);
        let ages = Duration::from_hours(24)..=Duration::from_hours(24 * 366);
        let rests = Duration::from_millis(100)..=Duration::from_hours(24);
        [
            (
                is_origin(&self.api_url),
                "wechat.api_url",
                "is http:// or https:// with a host, and nothing behind it",
            ),
            (timeouts.contains(&self.timeout), "wechat.timeout", "is 100ms to 7s"),
            (
                (1_024..=1_048_576).contains(&self.answer_bytes_max),
                "wechat.answer_bytes_max",
                "is 1024 to 1048576",
            ),
            ((1..=1_000).contains(&self.concurrency), "wechat.concurrency", "is 1 to 1000"),
            (self.logins_per_minute <= 1_000_000, "wechat.logins_per_minute", "is at most 1000000"),
            (links.contains(&self.link_ttl), "wechat.link_ttl", "is 1m to 24h"),
            (ages.contains(&self.unlinked_age), "wechat.unlinked_age", "is 24h to 366 days"),
            (self.message_wait <= Duration::from_hours(1), "wechat.message_wait", "is at most 1h"),
            ((1..=1_000).contains(&self.message_places), "wechat.message_places", "is 1 to 1000"),
            (rests.contains(&self.misconfigured_rest), "wechat.misconfigured_rest", "is 100ms to 24h"),
        ]
    }

    /// What fits no fixed line: the programs, each by itself and beside the others.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let invalid = |key: String, what: String| Err(ConfigError::Invalid { key, what });
        if self.programs.len() > PROGRAMS_MAX {
            return invalid("wechat.programs".to_owned(), format!("are at most {PROGRAMS_MAX}"));
        }
        let mut seen = BTreeMap::new();
        for (name, program) in &self.programs {
            if let Some((member, what)) = program.fault() {
                return invalid(format!("wechat.programs.{name}.{member}"), what);
            }
            if let Some(other) = seen.insert(&program.appid, name) {
                let what = format!("is that of wechat.programs.{other} as well: one of them is too many");
                return invalid(format!("wechat.programs.{name}.appid"), what);
            }
        }
        Ok(())
    }

    /// Whether the secrets of all programs can be had.
    pub(super) fn check_credentials(&self) -> Result<(), ConfigError> {
        self.programs.iter().try_for_each(|(name, program)| program.secret(name).map(drop))
    }

    /// The names of the secrets that are set, by value or by file.
    pub(super) fn secrets_set(&self) -> Vec<String> {
        let of = |(name, program): (&String, &ProgramConfig)| {
            let member = match (&program.secret, &program.secret_file) {
                (Some(_), _) => Some("secret"),
                (None, Some(_)) => Some("secret_file"),
                (None, None) => None,
            };
            member.map(|member| format!("wechat.programs.{name}.{member}"))
        };
        self.programs.iter().filter_map(of).collect()
    }
}

impl ProgramConfig {
    /// The secret, from its value or its file. `name` is the program's.
    ///
    /// # Errors
    /// Names the member that is missing, and no part of it.
    pub fn secret(&self, name: &str) -> Result<SecretString, ConfigError> {
        let invalid = |member: &str, what: String| {
            Err(ConfigError::Invalid { key: format!("wechat.programs.{name}.{member}"), what })
        };
        let text = match (&self.secret, &self.secret_file) {
            (Some(secret), _) => secret.expose_secret().to_owned(),
            (None, Some(path)) => match std::fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) => {
                    return invalid("secret_file", format!("{} cannot be read: {error}", path.display()));
                }
            },
            (None, None) => {
                let path = format!("WECHAT__PROGRAMS__{name}__SECRET").to_uppercase();
                return invalid("secret", format!("is missing: set it, secret_file, or ORDERBELL_{path}"));
            }
        };
        let secret = text.trim();
        let member = if self.secret.is_some() { "secret" } else { "secret_file" };
        if secret.is_empty() || secret.len() > 128 || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            return invalid(member, "holds no secret of WeChat: 32 letters and digits".to_owned());
        }
        Ok(SecretString::from(secret))
    }

    /// The message that is sent; `None` where the switch is off.
    #[must_use]
    pub fn message(&self) -> Option<MessageConfig> {
        let fields = self.fields.iter().map(|(name, text)| MessageField::parse(name, text).ok());
        let fields: Vec<MessageField> = fields.collect::<Option<_>>()?;
        self.subscribe.then(|| MessageConfig {
            template: self.template.clone(),
            page: (!self.page.is_empty()).then(|| self.page.clone()),
            state: self.state.clone(),
            lang: self.lang.clone(),
            fields,
        })
    }

    /// What is wrong with it, if anything is: the member, and that in words.
    fn fault(&self) -> Option<Fault> {
        let plain =
            |text: &str, most: usize| text.len() <= most && text.bytes().all(|byte| byte.is_ascii_graphic());
        let rules = [
            (!self.app.trim().is_empty(), "app", "is empty: name an app"),
            (is_appid(&self.appid), "appid", "is no id of WeChat: wx and 16 of 0-9 and a-f"),
            (
                self.secret.is_none() || self.secret_file.is_none(),
                "secret",
                "and secret_file are both set: take one away",
            ),
            (plain(&self.template, 128), "template", "is no id of a template"),
            (
                !self.subscribe || !self.template.is_empty(),
                "template",
                "is missing: subscribe = true sends it",
            ),
            (
                !self.subscribe || !self.fields.is_empty(),
                "fields",
                "are missing: subscribe = true fills them in",
            ),
            (self.fields.len() <= FIELDS_MAX, "fields", "are more than a template has"),
            (
                plain(&self.page, 1_024) && !self.page.starts_with('/'),
                "page",
                "is no page: as app.json has it, without a slash in front",
            ),
            (STATES.contains(&self.state.as_str()), "state", "is formal, trial or developer"),
            (LANGS.contains(&self.lang.as_str()), "lang", "is zh_CN, zh_HK, zh_TW or en_US"),
        ];
        let broken = rules.into_iter().find(|(holds, ..)| !holds);
        let broken = broken.map(|(_, member, what)| (member.to_owned(), what.to_owned()));
        broken.or_else(|| {
            self.fields.iter().find_map(|(name, text)| {
                MessageField::parse(name, text).err().map(|what| (format!("fields.{name}"), what))
            })
        })
    }
}

/// All programs of a configuration.
///
/// # Errors
/// Names the first member that cannot be used.
pub(super) fn read(built: &config::Config) -> Result<BTreeMap<String, ProgramConfig>, ConfigError> {
    let tables: BTreeMap<String, config::Value> = built.get_table("wechat.programs")?.into_iter().collect();
    let program = |(name, value): (String, config::Value)| {
        let key = format!("wechat.programs.{name}");
        if !is_name(&name) {
            return Err(ConfigError::Invalid { key, what: NAMES.to_owned() });
        }
        let ValueKind::Table(table) = value.kind else {
            return Err(ConfigError::Invalid {
                key,
                what: "is a table with an appid and a secret".to_owned(),
            });
        };
        let mut members = Members::new(table);
        let taken = ProgramConfig::take(&mut members);
        match taken.and_then(|program| members.finish(ProgramConfig::MEMBERS).map(|()| program)) {
            Ok(program) => Ok((name, program)),
            Err((member, what)) => Err(ConfigError::Invalid { key: format!("{key}.{member}"), what }),
        }
    };
    tables.into_iter().map(program).collect()
}

/// In place of the field, which [`read`] fills with better complaints.
fn read_before<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ProgramConfig>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|IgnoredAny| BTreeMap::new())
}

/// `wx` and what follows it in every id that WeChat gives.
fn is_appid(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.strip_prefix("wx").is_some_and(|rest| rest.len() == 16 && rest.bytes().all(good))
}

/// A scheme, a host, perhaps a port and a path that does not end in a slash: what paths of the API are put behind.
fn is_origin(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let good = |byte: u8| byte.is_ascii_graphic() && !b"?#@\\\"<>".contains(&byte);
    rest.is_some_and(|rest| {
        !rest.starts_with('/') && !rest.is_empty() && !rest.ends_with('/') && rest.bytes().all(good)
    })
}

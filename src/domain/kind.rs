//! Kinds: what an event means for the rider's ear, as data in `assets/kinds.toml`.
//! A kind gives urgency, repeats, life span and what answer is needed; an event may override each of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::delivery::EndReason;
use super::{Ladder, Mode};

/// Name of the kind that tells of several new orders at once.
pub const MERGED: &str = "merge";
/// How pressing an alert is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Urgency {
    /// 0: income, announcements.
    Low,
    /// 1: ready, delayed.
    Normal,
    /// 2: new, urged, changed.
    High,
    /// 3: offered, assigned, cancelled.
    Critical,
}

impl Urgency {
    /// All of them, least pressing first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];
}

impl utoipa::PartialSchema for Urgency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let number = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::Integer);
        number
            .description(Some("0 low, 1 normal, 2 high, 3 critical"))
            .minimum(Some(0))
            .maximum(Some(3))
            .into()
    }
}

impl utoipa::ToSchema for Urgency {}

impl From<Urgency> for u8 {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Low => 0,
            Urgency::Normal => 1,
            Urgency::High => 2,
            Urgency::Critical => 3,
        }
    }
}

impl TryFrom<u8> for Urgency {
    type Error = &'static str;
    fn try_from(number: u8) -> Result<Self, Self::Error> {
        Self::ALL.get(usize::from(number)).copied().ok_or("urgency is 0, 1, 2 or 3")
    }
}

/// What the rider has to do.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Nothing: done when played.
    #[default]
    None,
    /// Confirm.
    Confirm,
    /// Accept or decline.
    Accept,
}

impl Need {
    /// The word used in JSON and in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Confirm => "confirm",
            Self::Accept => "accept",
        }
    }

    /// The need with this word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::None, Self::Confirm, Self::Accept].into_iter().find(|need| need.as_str() == word)
    }
}

/// How often a sentence sounds.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Repeat {
    /// Soundings in all, 1 to 20.
    pub count: u32,
    /// Pause between the end of one and the start of the next, in milliseconds, up to 120 000.
    pub gap_ms: u32,
}

/// What a kind means for the order it is about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OrderPolicy {
    /// It ends the order's other alerts for its riders.
    pub ends: Option<Ends>,
    /// It gives the order to its rider; if another had it, they are told.
    pub assigns: bool,
    /// It is said at most once in so many milliseconds for one order and rider.
    pub gap_ms: Option<i64>,
    /// Several at once may be told in one sentence.
    pub merges: bool,
    /// Neither the cap nor quiet hours hold it back: its rider waits for it.
    pub exempt: bool,
}

/// How a kind ends the other alerts of its order.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// Cancelled; also what comes later but is older.
    Cancelled,
    /// Another rider has it now.
    Reassigned,
    /// Another rider was first.
    Taken,
    /// Done.
    Completed,
}

impl Ends {
    /// Why the other alerts end.
    #[must_use]
    pub fn reason(self) -> EndReason {
        match self {
            Self::Cancelled => EndReason::CancelledByOrder,
            Self::Reassigned => EndReason::Reassigned,
            Self::Taken => EndReason::Taken,
            Self::Completed => EndReason::OrderEnded,
        }
    }
}

/// What of a kind is heard.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Voice {
    /// The chime and the sentence.
    #[default]
    Sentence,
    /// The chime alone.
    Chime,
}

/// Most soundings of one ring.
pub const MAX_REPEAT_COUNT: u32 = 20;
/// Longest pause between two soundings, in milliseconds.
pub const MAX_REPEAT_GAP_MS: u32 = 120_000;
/// Longest life of an alert, in seconds (a day: a shift and its eve).
pub const MAX_TTL_S: u32 = 86_400;

/// The policy of one kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Kind {
    /// Its name, such as `order.new`.
    pub name: String,
    /// How pressing.
    pub urgency: Urgency,
    /// How often it sounds.
    pub repeat: Repeat,
    /// Life span in seconds.
    pub ttl_s: u32,
    /// Whether it is heard before alerts that wait.
    pub interrupt: bool,
    /// What answer ends it.
    pub need: Need,
    /// What it asks of its riders.
    pub mode: Mode,
    /// What it means for an order's other alerts.
    pub order: OrderPolicy,
    /// What happens while nobody answers.
    pub ladder: Ladder,
    /// Whether a sentence is spoken, or only the chime sounds.
    pub voice: Voice,
    /// Whether it has a voice without an app's phrase or an event's text.
    pub speaks: bool,
    titles: BTreeMap<String, String>,
}

impl Kind {
    /// The short label in this language (a tag such as `zh-CN`), else in Mandarin.
    #[must_use]
    pub fn title(&self, lang: &str) -> &str {
        self.titles.get(lang).or_else(|| self.titles.get("zh-CN")).map_or("", String::as_str)
    }
}

/// All kinds.
#[derive(Clone, Debug)]
pub struct Kinds(BTreeMap<String, Kind>);

/// Why a table of kinds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KindsError {
    /// Not the expected TOML.
    #[error("the table of kinds does not parse")]
    Parse(#[source] Box<toml::de::Error>),
    /// A number out of its bounds.
    #[error("kind {name}: {what}")]
    Bound {
        /// The kind.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
}

impl Kinds {
    /// The table shipped in `assets/kinds.toml`.
    ///
    /// # Errors
    /// Never in a released binary: a test parses the shipped table.
    pub fn embedded() -> Result<Self, KindsError> {
        Self::parse(include_str!("../../assets/kinds.toml"))
    }

    /// Parses a table.
    ///
    /// # Errors
    /// Syntax, unknown members, or a number out of bounds.
    pub fn parse(text: &str) -> Result<Self, KindsError> {
        let table: Table = toml::from_str(text).map_err(|error| KindsError::Parse(Box::new(error)))?;
        let kinds = table.kinds.into_iter().map(|(name, row)| Ok((name.clone(), row.into_kind(name)?)));
        kinds.collect::<Result<_, KindsError>>().map(Self)
    }

    /// The kind with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Kind> {
        self.0.get(name)
    }

    /// All kinds by name.
    pub fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.0.values()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    kinds: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "a row of a table of switches, turned into types at once")]
struct Row {
    urgency: Urgency,
    repeat: RepeatRow,
    ttl_s: u32,
    #[serde(default)]
    interrupt: bool,
    #[serde(default)]
    need: Need,
    mode: Option<Mode>,
    ends: Option<Ends>,
    #[serde(default)]
    assigns: bool,
    gap_s: Option<u32>,
    #[serde(default)]
    merges: bool,
    #[serde(default)]
    exempt: bool,
    #[serde(default)]
    ladder: Ladder,
    #[serde(default)]
    voice: Voice,
    #[serde(default = "speaks")]
    speaks: bool,
    title: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepeatRow {
    count: u32,
    gap_s: u32,
}

fn speaks() -> bool {
    true
}

impl Row {
    fn into_kind(self, name: String) -> Result<Kind, KindsError> {
        let repeat = Repeat { count: self.repeat.count, gap_ms: self.repeat.gap_s.saturating_mul(1000) };
        let what = if !(1..=MAX_REPEAT_COUNT).contains(&repeat.count) {
            Some("repeat.count is 1 to 20")
        } else if repeat.gap_ms > MAX_REPEAT_GAP_MS {
            Some("repeat.gap_s is at most 120")
        } else if !(1..=MAX_TTL_S).contains(&self.ttl_s) {
            Some("ttl_s is 1 to 86400")
        } else if self.mode.is_some_and(|mode| mode.need() != self.need) {
            Some("mode does not fit need")
        } else if !self.title.contains_key("zh-CN") {
            Some("title.zh-CN is missing")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(KindsError::Bound { name, what });
        }
        let Self {
            urgency,
            ttl_s,
            interrupt,
            need,
            ladder,
            voice,
            speaks,
            title,
            ends,
            assigns,
            merges,
            exempt,
            ..
        } = self;
        let mode = self.mode.unwrap_or(Mode::of_need(need));
        let gap_ms = self.gap_s.map(|gap_s| i64::from(gap_s) * 1000);
        let order = OrderPolicy { ends, assigns, gap_ms, merges, exempt };
        Ok(Kind {
            name,
            urgency,
            repeat,
            ttl_s,
            interrupt,
            need,
            mode,
            order,
            ladder,
            voice,
            speaks,
            titles: title,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Kinds, Need, Urgency};

    #[test]
    fn the_shipped_table_holds_every_kind_and_its_policy() {
        let kinds = Kinds::embedded().unwrap();
        assert_eq!(kinds.iter().filter(|kind| kind.speaks).count(), 24);
        assert_eq!(kinds.iter().filter(|kind| !kind.speaks).count(), 14);
        let assigned = kinds.get("order.assigned").unwrap();
        assert_eq!(
            (assigned.urgency, assigned.need, assigned.repeat.count),
            (Urgency::Critical, Need::Confirm, 3)
        );
        assert_eq!(assigned.title("en"), "Order assigned");
        assert_eq!(assigned.title("fr"), "派单");
        assert!(kinds.get("order.unheard_of").is_none());
    }

    #[test]
    fn a_table_out_of_bounds_is_refused() {
        let row = |repeat: &str, ttl: u32| {
            format!("[kinds.x]\nurgency = 1\nttl_s = {ttl}\nrepeat = {repeat}\ntitle = {{ zh-CN = \"x\" }}")
        };
        assert!(Kinds::parse(&row("{ count = 1, gap_s = 1 }", 60)).is_ok());
        assert!(Kinds::parse(&row("{ count = 0, gap_s = 1 }", 60)).is_err());
        assert!(Kinds::parse(&row("{ count = 1, gap_s = 121 }", 60)).is_err());
        assert!(Kinds::parse(&row("{ count = 1, gap_s = 1 }", 0)).is_err());
        assert!(Kinds::parse(&row("{ count = 1, gap_s = 1, loud = true }", 60)).is_err());
    }
}

//! A hook's profile: what turns the requests of one sender into events, and answers them as it wants to be answered.
//! All of it is compiled when it is saved; what is wrong is said with its place, and nothing can be wrong with it later.

mod merge;
mod wishes;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

pub use wishes::{About, ParamWish};

use super::ProfileError;
use super::ack::Answers;
use super::coordinates::Coordinates;
use super::decode::Decoder;
use super::expression::{Expression, ExpressionError};
use super::hand_out::TokenDoor;
use super::map::Mapping;
use super::path::Path;
use super::times::{UnknownZone, Zone};
use super::verify::Verifier;
use crate::domain::Kinds;
use crate::intake::reader::{InputError, Reader};

/// Largest profile, as JSON: tables of two thousand riders fit.
const PROFILE_BYTES_MAX: usize = 131_072;
/// Leaves of one list or object in `[map]`.
pub(super) const LEAVES_MAX: usize = 100;
/// Paths to keep or take in redaction.
const PATHS_MAX: usize = 100;
/// Rows of all tables.
const TABLE_ROWS_MAX: usize = 5_000;
/// Events of one body, where nothing else is said.
const ITEMS_MAX: usize = 200;
/// Longest title, in characters.
const TITLE_CHARS_MAX: usize = 100;
/// Shortest and longest time that a sender may be said to wait.
const ANSWER_WITHIN_MS: (i64, i64) = (100, 30_000);

const MEMBERS: [&str; 22] = [
    "title",
    "about",
    "zone",
    "coord",
    "methods",
    "answer_within_ms",
    "params",
    "verify",
    "decode",
    "tables",
    "event",
    "probe",
    "open_probe",
    "items",
    "when",
    "map",
    "kinds",
    "target",
    "ack",
    "token",
    "keep",
    "redact",
];
/// Members in which expressions stand.
const EXPRESSIONS: [&str; 8] = ["event", "probe", "open_probe", "items", "when", "map", "ack", "token"];

/// A profile, compiled.
pub struct HookProfile {
    title: Option<String>,
    about: Option<About>,
    wishes: Vec<ParamWish>,
    takes_get: bool,
    answer_within_ms: Option<u64>,
    keep: Vec<Path>,
    redact: Vec<Path>,
    token: Option<TokenDoor>,
    pub(super) verifier: Verifier,
    pub(super) decoder: Decoder,
    pub(super) tables: Value,
    pub(super) event: Option<Expression>,
    pub(super) probe: Option<Expression>,
    pub(super) open_probe: Option<Expression>,
    pub(super) items: Option<Expression>,
    pub(super) items_max: usize,
    pub(super) when: Option<Expression>,
    pub(super) mapping: Mapping,
    pub(super) answers: Answers,
    pub(super) reads: Reads,
}

/// What its expressions name: the rest need not be made for each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reads {
    pub(super) headers: bool,
    pub(super) query: bool,
    pub(super) params: bool,
}

impl HookProfile {
    /// A hook's own profile over that of its preset: objects are merged, everything else is replaced, `null` takes away.
    #[must_use]
    pub fn merged(preset: Option<&Value>, own: &Value) -> Value {
        merge::merged(preset, own)
    }

    /// The JSON that a profile in TOML means.
    ///
    /// # Errors
    /// `bad_toml`, with line and column.
    pub fn of_toml(text: &str) -> Result<Value, ProfileError> {
        merge::of_toml(text)
    }

    /// Checks a profile, all of it, and makes it ready to be used.
    ///
    /// # Errors
    /// The first thing wrong, with its place; of an expression with line and column.
    pub fn compile(profile: &Value, kinds: &Kinds) -> Result<Self, ProfileError> {
        let top = Reader::new(profile)?;
        top.only(&MEMBERS)?;
        if profile.to_string().len() > PROFILE_BYTES_MAX {
            let detail = format!("is more than {PROFILE_BYTES_MAX} bytes of JSON");
            return Err(top.error("", "out_of_range", &detail).into());
        }
        let asked = |name: &str| {
            top.text(name, usize::MAX)?.map(|text| expression(&text, &top.pointer_of(name))).transpose()
        };
        Ok(Self {
            title: top.text("title", TITLE_CHARS_MAX)?,
            about: top.object("about")?.map(|about| About::read(&about)).transpose()?,
            wishes: top
                .object("params")?
                .map(|params| ParamWish::read_all(&params))
                .transpose()?
                .unwrap_or_default(),
            takes_get: read_methods(&top)?,
            answer_within_ms: top
                .integer("answer_within_ms", ANSWER_WITHIN_MS.0, ANSWER_WITHIN_MS.1)?
                .and_then(|ms| u64::try_from(ms).ok()),
            keep: read_paths(&top, "keep")?,
            redact: read_paths(&top, "redact")?,
            token: top.object("token")?.map(|token| TokenDoor::read(&token)).transpose()?,
            verifier: Verifier::read(top.value("verify").unwrap_or(&Value::Null))?,
            decoder: Decoder::read(top.value("decode"))?,
            tables: read_tables(&top)?,
            event: asked("event")?,
            probe: asked("probe")?,
            open_probe: asked("open_probe")?,
            items: asked("items")?,
            items_max: ITEMS_MAX,
            when: asked("when")?,
            mapping: Mapping::compile(&top, kinds, read_zone(&top)?, read_coord(&top)?)?,
            answers: Answers::read(&top)?,
            reads: Reads::of(&top),
        })
    }

    /// With this many events of one body at most.
    #[must_use]
    pub fn with_items_max(mut self, items_max: usize) -> Self {
        self.items_max = items_max;
        self
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> Option<&str> {
        self.title.as_deref()
    }

    /// Where it is from, and how to set it up.
    #[must_use]
    pub fn about(&self) -> Option<&About> {
        self.about.as_ref()
    }

    /// What the owner of a hook gives, by name.
    #[must_use]
    pub fn params(&self) -> &[ParamWish] {
        &self.wishes
    }

    /// Whether a `GET` with a query is a delivery, and not only a probe.
    #[must_use]
    pub fn takes_get(&self) -> bool {
        self.takes_get
    }

    /// How long the sender waits for an answer, in milliseconds, if the profile knows.
    #[must_use]
    pub fn answer_within_ms(&self) -> Option<u64> {
        self.answer_within_ms
    }

    /// How it is known who has sent a request.
    #[must_use]
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// How tokens are handed out, if they are.
    #[must_use]
    pub fn token(&self) -> Option<&TokenDoor> {
        self.token.as_ref()
    }

    /// What redaction leaves as it is.
    #[must_use]
    pub fn keep(&self) -> &[Path] {
        &self.keep
    }

    /// What redaction takes away beside what it finds itself.
    #[must_use]
    pub fn redact(&self) -> &[Path] {
        &self.redact
    }

    /// The parameters a hook works with: what its owner gives, over what the profile has by default.
    #[must_use]
    pub fn with_defaults(&self, mut given: BTreeMap<String, String>) -> BTreeMap<String, String> {
        for wish in &self.wishes {
            if let Some(default) = &wish.default {
                given.entry(wish.name.clone()).or_insert_with(|| default.clone());
            }
        }
        given
    }
}

impl Reads {
    /// By the words that stand in its expressions: too much is only slower.
    fn of(profile: &Reader<'_>) -> Self {
        let texts: Vec<String> =
            EXPRESSIONS.iter().filter_map(|name| profile.value(name)).map(Value::to_string).collect();
        let names = |word: &str| texts.iter().any(|text| text.contains(word));
        Self { headers: names("headers"), query: names("query"), params: names("params") }
    }
}

impl From<InputError> for ProfileError {
    fn from(error: InputError) -> Self {
        let word = match error.error {
            known
            @ ("unknown_member" | "missing_member" | "wrong_type" | "out_of_range" | "unknown_kind") => known,
            "too_many" | "too_long" => "out_of_range",
            "not_supported" => "unknown_member",
            _ => "bad_value",
        };
        Self { error: word, pointer: error.pointer.unwrap_or_default(), detail: error.detail }
    }
}

/// Compiles the expression that stands at this pointer.
///
/// # Errors
/// `bad_expression`, with line and column.
pub(super) fn expression(text: &str, pointer: &str) -> Result<Expression, ProfileError> {
    Expression::compile(text).map_err(|error| bad_expression(&error, pointer))
}

/// Compiles the template that stands at this pointer.
///
/// # Errors
/// `bad_expression`, with line and column.
pub(super) fn template(text: &str, pointer: &str) -> Result<Expression, ProfileError> {
    Expression::template(text).map_err(|error| bad_expression(&error, pointer))
}

fn bad_expression(error: &ExpressionError, pointer: &str) -> ProfileError {
    ProfileError { error: "bad_expression", pointer: pointer.to_owned(), detail: error.to_string() }
}

fn read_methods(top: &Reader<'_>) -> Result<bool, ProfileError> {
    let known = |word: &str| ["POST", "GET"].into_iter().find(|method| *method == word);
    let methods = top.words("methods", known, "POST, GET")?;
    Ok(methods.is_some_and(|methods| methods.contains(&"GET")))
}

fn read_zone(top: &Reader<'_>) -> Result<Zone, ProfileError> {
    let name = top.text("zone", TITLE_CHARS_MAX)?;
    let Some(name) = name else { return Ok(Zone::default()) };
    name.parse().map_err(|_: UnknownZone| {
        top.error("zone", "bad_value", "is neither an offset such as +08:00 nor the name of a zone").into()
    })
}

fn read_coord(top: &Reader<'_>) -> Result<Coordinates, ProfileError> {
    Ok(top.word("coord", |word| word.parse().ok(), "gcj02, bd09, wgs84")?.unwrap_or_default())
}

fn read_paths(top: &Reader<'_>, name: &str) -> Result<Vec<Path>, ProfileError> {
    let texts = top.texts(name, PATHS_MAX)?.unwrap_or_default();
    let paths = texts.into_iter().enumerate().map(|(place, text)| {
        Path::read_in_body(text).map_err(|detail| {
            let pointer = format!("{}/{place}", top.pointer_of(name));
            ProfileError { error: "bad_value", pointer, detail: detail.to_owned() }
        })
    });
    paths.collect()
}

/// Tables of texts and numbers, by name.
fn read_tables(top: &Reader<'_>) -> Result<Value, ProfileError> {
    let Some(tables) = top.object("tables")? else { return Ok(Value::Object(Map::new())) };
    let mut rows = 0;
    for name in tables.names() {
        let Some(table) = tables.object(name)? else { continue };
        for row in table.names() {
            let plain = table.value(row).is_none_or(|value| value.is_string() || value.is_number());
            if !plain {
                return Err(table.error(row, "wrong_type", "is neither text nor number").into());
            }
        }
        rows += table.names().count();
    }
    if rows > TABLE_ROWS_MAX {
        return Err(top
            .error("tables", "out_of_range", &format!("have more than {TABLE_ROWS_MAX} rows"))
            .into());
    }
    Ok(Value::Object(tables.members().clone()))
}

#[cfg(test)]
mod tests;

//! The text that is made of a request's parameters, for senders that sign those and not the body: which of them, in which
//! order, how a pair is written and what stands between two. The signature's own place is always left out.

use std::borrow::Cow;

use super::letters::Letters;
use super::parameters::{PARAMETERS_MAX, Parameter, Parameters, percent_decoded};
use super::place::Place;
use super::refusal;
use super::section::Section;
use super::sent::Sent;
use crate::intake::hooks::{ProfileError, VerifyError};

/// How parameters become text.
pub(super) struct Params {
    from: From,
    choice: Choice,
    sort: Sort,
    pair: Pair,
    join: String,
    empty: Empty,
    percent_decode: Vec<String>,
    secret: SecretAs,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum From {
    Body,
    Form,
    Query,
    Both,
}

enum Choice {
    All,
    /// These, and where nothing is sorted in this order.
    Only(Vec<String>),
    Except(Vec<String>),
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Sort {
    Name,
    Value,
    /// Pairs as they are written: not the same as by name where one name begins with another.
    Pair,
    AsSent,
}

/// Which parameters without text are left out.
enum Empty {
    Stay,
    Skipped,
    /// Of these names alone, so that any other is signed.
    SkippedOf(Vec<String>),
}

enum SecretAs {
    Nothing,
    /// One value more, sorted with the others.
    Value,
    /// A pair with this name, behind all others.
    Last(String),
}

/// `{key}={value}`, taken apart.
struct Pair {
    before: String,
    /// The name, and what stands behind it.
    name: Option<String>,
    after: String,
}

/// A parameter that is signed.
pub(super) type Chosen<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

const MEMBERS: [&str; 10] = [
    "from",
    "fields",
    "except",
    "sort",
    "pair",
    "join",
    "skip_empty",
    "value_json",
    "percent_decode",
    "secret_as",
];

impl Params {
    /// The table `params` of a scheme; `None` if there is none.
    pub(super) fn read(scheme: &Section<'_>) -> Result<Option<Self>, ProfileError> {
        let Some(section) = scheme.section("params")? else { return Ok(None) };
        section.only(&MEMBERS)?;
        let from = [("body", From::Body), ("form", From::Form), ("query", From::Query), ("both", From::Both)];
        let sort =
            [("key", Sort::Name), ("value", Sort::Value), ("pair", Sort::Pair), ("none", Sort::AsSent)];
        section.word("value_json", &[("raw", ())])?;
        let pair = Pair::read(&section)?;
        let secret = read_secret(&section, &pair)?;
        Ok(Some(Self {
            from: section.word("from", &from)?.unwrap_or(From::Body),
            choice: read_choice(&section)?,
            sort: section.word("sort", &sort)?.unwrap_or(Sort::Name),
            pair,
            join: section.text("join")?.unwrap_or("&").to_owned(),
            empty: read_empty(&section)?,
            percent_decode: names(&section, "percent_decode")?.unwrap_or_default(),
            secret,
        }))
    }

    /// Whether the secret is part of it.
    pub(super) fn names_secret(&self) -> bool {
        match self.secret {
            SecretAs::Nothing => false,
            SecretAs::Value | SecretAs::Last(_) => true,
        }
    }

    /// Whether any of it stands in the body.
    pub(super) fn needs_body(&self) -> bool {
        self.from != From::Query
    }

    /// Whether what stands at this place is part of it.
    pub(super) fn names(&self, place: &Place) -> bool {
        let (name, in_it) = match place {
            Place::Header(_) => return false,
            Place::Query(name) => (name, matches!(self.from, From::Query | From::Both)),
            Place::Body(name) => (name, self.from != From::Query),
        };
        in_it
            && match &self.choice {
                Choice::All => true,
                Choice::Only(names) => names.contains(name),
                Choice::Except(names) => !names.contains(name),
            }
    }

    /// What is signed of this request; `own` is where its signature stands.
    pub(super) fn chosen<'a>(&self, sent: &'a Sent<'_>, own: &Place) -> Result<Vec<Chosen<'a>>, VerifyError> {
        let (query, body) = match self.from {
            From::Query => (Some(sent.query()?), None),
            From::Form => (None, Some(sent.form()?)),
            From::Body => (None, Some(sent.body()?)),
            From::Both => (Some(sent.query()?), Some(sent.body()?)),
        };
        let (own_query, own_body) = match own {
            Place::Header(_) => (None, None),
            Place::Query(name) => (Some(name), None),
            Place::Body(name) => (None, Some(name)),
        };
        let mut signed: Vec<&'a Parameter<'_>> = Vec::new();
        for (parameters, own) in [(query, own_query), (body, own_body)] {
            let Some(parameters) = parameters else { continue };
            refuse_ambiguity(parameters)?;
            let list = parameters.list().iter();
            signed.extend(list.filter(|one| own.is_none_or(|own| *one.name != *own.as_bytes())));
        }
        let signed = self.in_order(self.of_choice(signed)?);
        let mut letters = Letters::default();
        let signed: Vec<Chosen<'a>> = signed
            .into_iter()
            .filter(|one| !self.is_skipped(one))
            .map(|one| (Cow::Borrowed(&*one.name), self.value(one, &mut letters)))
            .collect();
        if letters.are_mixed() {
            return Err(bad("escapes with letters of both cases"));
        }
        Ok(signed)
    }

    fn of_choice<'a, 'b>(
        &self,
        mut all: Vec<&'a Parameter<'b>>,
    ) -> Result<Vec<&'a Parameter<'b>>, VerifyError> {
        match &self.choice {
            Choice::All => {}
            Choice::Only(names) => all.retain(|one| is_one_of(names, &one.name)),
            Choice::Except(names) => all.retain(|one| !is_one_of(names, &one.name)),
        }
        if all.len() > PARAMETERS_MAX {
            return Err(bad("more than 200"));
        }
        let mut seen: Vec<&[u8]> = all.iter().map(|one| &*one.name).collect();
        seen.sort_unstable();
        if seen.windows(2).any(|two| two[0] == two[1]) {
            return Err(bad("one of them is there twice"));
        }
        Ok(all)
    }

    fn in_order<'a, 'b>(&self, mut all: Vec<&'a Parameter<'b>>) -> Vec<&'a Parameter<'b>> {
        if let (Choice::Only(names), Sort::AsSent) = (&self.choice, self.sort) {
            all.sort_by_key(|one| names.iter().position(|name| *name.as_bytes() == *one.name));
        }
        all
    }

    fn is_skipped(&self, one: &Parameter<'_>) -> bool {
        one.is_empty
            && match &self.empty {
                Empty::Stay => false,
                Empty::Skipped => true,
                Empty::SkippedOf(names) => is_one_of(names, &one.name),
            }
    }

    fn value<'a>(&self, one: &'a Parameter<'_>, letters: &mut Letters) -> Cow<'a, [u8]> {
        let value = Cow::Borrowed(&*one.value);
        if is_one_of(&self.percent_decode, &one.name) { percent_decoded(value, letters) } else { value }
    }

    /// The text, as it is with this secret.
    pub(super) fn text(&self, chosen: &[Chosen<'_>], secret: &[u8]) -> Vec<u8> {
        let mut all: Vec<(&[u8], &[u8])> = chosen.iter().map(|(name, value)| (&**name, &**value)).collect();
        if let SecretAs::Value = self.secret {
            all.push((b"", secret));
        }
        match self.sort {
            Sort::Name => all.sort_by_key(|(name, _)| *name),
            Sort::Value => all.sort_by_key(|(_, value)| *value),
            Sort::Pair => all.sort_by_cached_key(|(name, value)| self.pair.written(name, value)),
            Sort::AsSent => {}
        }
        if let SecretAs::Last(name) = &self.secret {
            all.push((name.as_bytes(), secret));
        }
        let pairs: Vec<Vec<u8>> = all.iter().map(|(name, value)| self.pair.written(name, value)).collect();
        pairs.join(self.join.as_bytes())
    }
}

impl Pair {
    fn read(section: &Section<'_>) -> Result<Self, ProfileError> {
        let text = section.text("pair")?.unwrap_or("{key}={value}");
        let wrong =
            || section.error("pair", "bad_value", "is {value} once, and {key} before it or not at all");
        let (before, after) = text.split_once("{value}").ok_or_else(wrong)?;
        let (before, name) = match before.split_once("{key}") {
            Some((before, between)) => (before, Some(between.to_owned())),
            None => (before, None),
        };
        let texts = [Some(before), name.as_deref(), Some(after)];
        if texts.iter().flatten().any(|text| text.contains("{key}") || text.contains("{value}")) {
            return Err(wrong());
        }
        Ok(Self { before: before.to_owned(), name, after: after.to_owned() })
    }

    fn written(&self, name: &[u8], value: &[u8]) -> Vec<u8> {
        let mut written = self.before.clone().into_bytes();
        if let Some(between) = &self.name {
            written.extend_from_slice(name);
            written.extend_from_slice(between.as_bytes());
        }
        written.extend_from_slice(value);
        written.extend_from_slice(self.after.as_bytes());
        written
    }
}

fn read_choice(section: &Section<'_>) -> Result<Choice, ProfileError> {
    match (names(section, "fields")?, names(section, "except")?) {
        (None, None) => Ok(Choice::All),
        (Some(fields), None) => Ok(Choice::Only(fields)),
        (None, Some(except)) => Ok(Choice::Except(except)),
        (Some(_), Some(_)) => Err(section.error("except", "bad_value", "does not go with fields")),
    }
}

fn read_empty(section: &Section<'_>) -> Result<Empty, ProfileError> {
    if section.is_list("skip_empty") {
        return Ok(Empty::SkippedOf(names(section, "skip_empty")?.unwrap_or_default()));
    }
    Ok(if section.flag("skip_empty")?.unwrap_or(false) { Empty::Skipped } else { Empty::Stay })
}

fn read_secret(section: &Section<'_>, pair: &Pair) -> Result<SecretAs, ProfileError> {
    let wrong = |detail| Err(section.error("secret_as", "bad_value", detail));
    match section.text("secret_as")? {
        None => Ok(SecretAs::Nothing),
        Some("value") if pair.name.is_some() => {
            wrong("value goes with pair = \"{value}\" alone: the secret has no name")
        }
        Some("value") => Ok(SecretAs::Value),
        Some(text) => match text.strip_prefix("key:").filter(|name| !name.is_empty()) {
            Some(name) => Ok(SecretAs::Last(name.to_owned())),
            None => wrong("is neither value nor key:NAME"),
        },
    }
}

fn names(section: &Section<'_>, member: &str) -> Result<Option<Vec<String>>, ProfileError> {
    let texts = section.texts(member, PARAMETERS_MAX)?;
    Ok(texts.map(|texts| texts.into_iter().map(str::to_owned).collect()))
}

fn is_one_of(names: &[String], name: &[u8]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

fn refuse_ambiguity(parameters: &Parameters<'_>) -> Result<(), VerifyError> {
    parameters.ambiguity().map_or(Ok(()), |detail| Err(bad(detail)))
}

fn bad(detail: &str) -> VerifyError {
    refusal("bad_parameters", format!("the parameters that are signed: {detail}"))
}

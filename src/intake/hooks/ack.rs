//! What a sender is answered: status, content type and body, as its own protocol wants them.
//! A template that fails gives a plain good answer instead: what was taken is never answered with an error of ours.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde_json::{Value, json};

use super::expression::Expression;
use super::pipeline::Reading;
use super::profile::{HookProfile, expression, template};
use super::{ProfileError, Scope};
use crate::intake::reader::Reader;

/// An answer, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ack {
    /// HTTP status.
    pub status: u16,
    /// One of [`CONTENT_TYPES`].
    pub content_type: String,
    /// The body; `None` where a sender has no shape of its own for an error, and gets ours.
    pub body: Option<String>,
}

/// What a sender is to be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AckKind {
    /// It was taken.
    Done,
    /// We are here.
    Probe,
    /// It was not taken, and why.
    Error {
        /// HTTP status, where the profile has none of its own.
        status: u16,
        /// Stable word.
        code: &'static str,
        /// For people; no cause of ours.
        message: String,
    },
    /// It was not taken, and is welcome later.
    Busy {
        /// HTTP status, where the profile has none of its own.
        status: u16,
        /// Stable word.
        code: &'static str,
        /// For people; no cause of ours.
        message: String,
    },
}

/// What an answer may be. Nothing that a browser would run.
pub const CONTENT_TYPES: [&str; 8] = [
    "application/json",
    "application/json; charset=utf-8",
    "text/plain",
    "text/plain; charset=utf-8",
    "application/xml",
    "application/xml; charset=utf-8",
    "text/xml",
    "text/xml; charset=utf-8",
];
/// The answer of who says nothing about it, and of a template that failed.
const PLAIN_BODY: &str = r#"{"code":0,"msg":"ok"}"#;
/// Longest body that is the same for everyone, in bytes.
const BODY_BYTES_MAX: usize = 8_192;
/// Answers that depend on the body, of one profile.
const VARIANTS_MAX: usize = 20;

/// The answers of a profile, compiled.
#[derive(Debug)]
pub(super) struct Answers {
    done: Answer,
    variants: Vec<(Expression, Answer)>,
    probe: Answer,
    error: Option<Answer>,
    busy: Option<Answer>,
}

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    content_type: &'static str,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// The same for everyone.
    Fixed(String),
    /// Of the request.
    Made(Arc<Expression>),
}

impl HookProfile {
    /// What the sender is answered. The error's status is the profile's, or the one given.
    #[must_use]
    pub fn ack(&self, reading: &Reading, answer: AckKind) -> Ack {
        let answers = &self.answers;
        match answer {
            AckKind::Done => answers.taken(&self.scope(reading, &Value::Null)),
            AckKind::Probe => answers.probe.given(&self.scope(reading, &Value::Null)),
            AckKind::Error { status, code, message } => {
                let extra = json!({"error": {"status": status, "code": code, "message": message}});
                refusal(answers.error.as_ref(), status, &self.scope(reading, &extra))
            }
            AckKind::Busy { status, code, message } => {
                let extra = json!({"error": {"status": status, "code": code, "message": message}});
                let answer = answers.busy.as_ref().or(answers.error.as_ref());
                refusal(answer, status, &self.scope(reading, &extra))
            }
        }
    }
}

impl Answers {
    /// Reads `[ack]`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(profile: &Reader<'_>) -> Result<Self, ProfileError> {
        let plain =
            Answer { status: 200, content_type: CONTENT_TYPES[0], body: Body::Fixed(PLAIN_BODY.to_owned()) };
        let Some(ack) = profile.object("ack")? else {
            return Ok(Self {
                probe: plain.clone(),
                done: plain,
                variants: Vec::new(),
                error: None,
                busy: None,
            });
        };
        ack.only(&["status", "content_type", "body", "variants", "probe", "error", "busy"])?;
        let done = Answer::read(&ack, &plain, GOOD)?;
        let mut variants = Vec::new();
        for variant in ack.objects("variants", VARIANTS_MAX)?.unwrap_or_default() {
            variant.only(&["when", "status", "content_type", "body"])?;
            let when = variant.text("when", usize::MAX)?.ok_or_else(|| variant.missing("when"))?;
            let when = expression(&when, &variant.pointer_of("when"))?;
            variants.push((when, Answer::read(&variant, &done, GOOD)?));
        }
        let probe = match ack.object("probe")? {
            None => done.clone(),
            Some(probe) => {
                probe.only(&["status", "content_type", "body"])?;
                Answer::read(&probe, &done, GOOD)?
            }
        };
        let error = Self::read_error(&ack, "error", None)?;
        let busy = Self::read_error(&ack, "busy", error.as_ref())?;
        Ok(Self { done, variants, probe, error, busy })
    }

    fn read_error(
        ack: &Reader<'_>,
        name: &str,
        like: Option<&Answer>,
    ) -> Result<Option<Answer>, ProfileError> {
        let Some(error) = ack.object(name)? else { return Ok(None) };
        error.only(&["status", "content_type", "body"])?;
        match like {
            Some(like) => Answer::read(&error, like, ANY).map(Some),
            None if error.value("body").is_none() => Err(error.missing("body").into()),
            None => {
                let ours =
                    Answer { status: 0, content_type: CONTENT_TYPES[0], body: Body::Fixed(String::new()) };
                Answer::read(&error, &ours, ANY).map(Some)
            }
        }
    }

    fn taken(&self, scope: &Scope<'_>) -> Ack {
        let holds = |when: &Expression| when.is_true(scope).unwrap_or(false);
        let variant = self.variants.iter().find(|(when, _)| holds(when));
        variant.map_or(&self.done, |(_, answer)| answer).given(scope)
    }
}

/// Statuses of an answer that is good.
const GOOD: RangeInclusive<i64> = 200..=299;
/// Statuses of an answer to what was not taken; 0 is ours.
const ANY: RangeInclusive<i64> = 0..=599;

impl Answer {
    /// Reads one; what it does not say is as in `like`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(
        of: &Reader<'_>,
        like: &Self,
        statuses: RangeInclusive<i64>,
    ) -> Result<Self, ProfileError> {
        let status = of.integer("status", *statuses.start(), *statuses.end())?;
        if status.is_some_and(|status| (1..200).contains(&status)) {
            return Err(of.error("status", "out_of_range", "is 0 (ours) or 200 to 599").into());
        }
        let content_type = read_content_type(of)?.unwrap_or(like.content_type);
        let body = read_body(of, "body")?.unwrap_or_else(|| like.body.clone());
        let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(like.status);
        Ok(Self { status, content_type, body })
    }

    /// Reads one of `[token]`, whose body must be there.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn of_token(token: &Reader<'_>, name: &str, status: u16) -> Result<Self, ProfileError> {
        let body = read_body(token, name)?.ok_or_else(|| token.missing(name))?;
        let content_type = read_content_type(token)?.unwrap_or(CONTENT_TYPES[0]);
        Ok(Self { status, content_type, body })
    }

    /// The answer for what was taken: it is good, whatever its template does.
    pub(super) fn given(&self, scope: &Scope<'_>) -> Ack {
        let body = self.body.text(scope).unwrap_or_else(|| PLAIN_BODY.to_owned());
        Ack { status: self.status, content_type: self.content_type.to_owned(), body: Some(body) }
    }
}

impl Body {
    fn text(&self, scope: &Scope<'_>) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.clone()),
            Self::Made(template) => match template.evaluate(scope) {
                Ok(Value::String(text)) => Some(text),
                Ok(_) | Err(_) => None,
            },
        }
    }
}

/// The answer to what was not taken: the sender's shape if it has one, and if that can be made.
fn refusal(answer: Option<&Answer>, status: u16, scope: &Scope<'_>) -> Ack {
    let made = answer.and_then(|answer| answer.body.text(scope).map(|body| (answer, body)));
    match made {
        None => Ack { status, content_type: String::new(), body: None },
        Some((answer, body)) => Ack {
            status: if answer.status == 0 { status } else { answer.status },
            content_type: answer.content_type.to_owned(),
            body: Some(body),
        },
    }
}

/// The content type that is meant; senders differ in case and white space.
fn read_content_type(of: &Reader<'_>) -> Result<Option<&'static str>, ProfileError> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(' ', "");
    let known = |word: &str| CONTENT_TYPES.into_iter().find(|known| plain(known) == plain(word));
    Ok(of.word("content_type", known, &CONTENT_TYPES.join(", "))?)
}

fn read_body(of: &Reader<'_>, name: &str) -> Result<Option<Body>, ProfileError> {
    let text = match of.value(name) {
        None => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(of.error(name, "wrong_type", "is not text").into()),
    };
    if ["{{", "{%", "{#"].iter().any(|begin| text.contains(begin)) {
        let template = template(text, &of.pointer_of(name))?;
        return Ok(Some(Body::Made(Arc::new(template))));
    }
    if text.len() > BODY_BYTES_MAX {
        return Err(of.error(name, "out_of_range", &format!("is longer than {BODY_BYTES_MAX} bytes")).into());
    }
    Ok(Some(Body::Fixed(text.clone())))
}

#[cfg(test)]
mod tests;

//! What an answer that is no sound means: a profile's table of codes, and statuses for what stands in no table.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

use super::profile::ProfileError;
use crate::outbound::OutboundError;
use crate::outbound::service::{ServiceError, ServiceResponse};
use crate::speech::engine::{EngineError, EngineFailure};
use crate::speech::engines::words::{Private, quoted};

/// Bytes of a body in which a pattern without a pointer is looked for.
const LOOKED_AT_MAX: usize = 4_096;

/// A line of the table: everything it says must hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSpec {
    /// Statuses, `429` or `"5xx"`.
    #[serde(default)]
    status: Vec<Json>,
    /// What the body says, as in a [`TestSpec`].
    pointer: Option<String>,
    #[serde(default)]
    values: Vec<Json>,
    pattern: Option<String>,
    #[serde(default)]
    absent: bool,
    /// What it means.
    failure: Meaning,
}

/// What a body says at a place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TestSpec {
    /// JSON pointer; without one, a pattern is looked for in the body itself.
    pub(super) pointer: Option<String>,
    /// Values there; a number and its text are the same.
    pub(super) values: Vec<Json>,
    /// Or an expression that is found in the text there.
    pub(super) pattern: Option<String>,
    /// Or that nothing is there.
    pub(super) absent: bool,
}

/// What a failure means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Meaning {
    Retry,
    RateLimited,
    BadText,
    /// Get a new token, or read the files of secrets again, and ask once more; then as `auth`.
    TokenExpired,
    Auth,
    Quota,
    Configuration,
    Broken,
}

/// A line of the table, checked.
#[derive(Debug)]
pub(super) struct Rule {
    statuses: Vec<Statuses>,
    test: Option<Test>,
    meaning: Meaning,
}

#[derive(Debug)]
enum Statuses {
    One(u16),
    Class(u16),
}

/// What a body says, checked.
#[derive(Debug)]
pub(super) struct Test {
    pointer: Option<String>,
    fits: Fits,
}

#[derive(Debug)]
enum Fits {
    Values(Vec<String>),
    Pattern(Regex),
    Absent,
}

impl Rule {
    pub(super) fn read(spec: &RuleSpec, place: &str) -> Result<Self, ProfileError> {
        let status = |status: &Json| match (status.as_u64(), status.as_str()) {
            (Some(code @ 100..=599), _) => u16::try_from(code).ok().map(Statuses::One),
            (_, Some(class)) => {
                let digit = class.strip_suffix("xx")?.parse().ok()?;
                (1..=5).contains(&digit).then_some(Statuses::Class(digit))
            }
            _ => None,
        };
        let statuses = spec.status.iter().map(status).collect::<Option<Vec<_>>>();
        let statuses = statuses.ok_or_else(|| {
            ProfileError::at(
                format!("{place}.status"),
                "statuses are numbers such as 429, or classes such as \"5xx\"",
            )
        })?;
        let (pointer, values, pattern) = (spec.pointer.clone(), spec.values.clone(), spec.pattern.clone());
        let test = TestSpec { pointer, values, pattern, absent: spec.absent };
        let test = if test.is_empty() { None } else { Some(Test::read(&test, place)?) };
        if statuses.is_empty() && test.is_none() {
            return Err(ProfileError::at(place, "a rule needs a status or a pointer or pattern"));
        }
        Ok(Self { statuses, test, meaning: spec.failure })
    }

    fn fits(&self, status: u16, body: &[u8], json: Option<&Json>) -> bool {
        let said = |statuses: &Statuses| match statuses {
            Statuses::One(one) => *one == status,
            Statuses::Class(class) => *class == status / 100,
        };
        (self.statuses.is_empty() || self.statuses.iter().any(said))
            && self.test.as_ref().is_none_or(|test| test.holds(body, json))
    }
}

impl TestSpec {
    fn is_empty(&self) -> bool {
        self.pointer.is_none() && self.values.is_empty() && self.pattern.is_none() && !self.absent
    }
}

impl Test {
    pub(super) fn read(spec: &TestSpec, place: &str) -> Result<Self, ProfileError> {
        let fault = |problem: String| Err(ProfileError::at(place, problem));
        if let Some(pointer) = &spec.pointer {
            check_pointer(pointer, &format!("{place}.pointer"))?;
        }
        let fits = match (spec.values.as_slice(), &spec.pattern, spec.absent) {
            ([], Some(pattern), false) => match Regex::new(pattern) {
                Ok(pattern) => Fits::Pattern(pattern),
                Err(error) => return fault(format!("pattern: {error}")),
            },
            ([], None, true) => Fits::Absent,
            (values @ [_, ..], None, false) => match values.iter().map(text).collect() {
                Some(values) => Fits::Values(values),
                None => return fault("values are texts, numbers, true or false".to_owned()),
            },
            _ => return fault("needs one of values, pattern or absent = true".to_owned()),
        };
        if spec.pointer.is_none() && !matches!(fits, Fits::Pattern(_)) {
            return fault("values and absent need a pointer".to_owned());
        }
        Ok(Self { pointer: spec.pointer.clone(), fits })
    }

    pub(super) fn holds(&self, body: &[u8], json: Option<&Json>) -> bool {
        let found = match &self.pointer {
            Some(pointer) => json.and_then(|json| json.pointer(pointer)).and_then(text),
            None => Some(String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT_MAX)]).into_owned()),
        };
        match (&self.fits, found) {
            (Fits::Values(values), Some(found)) => values.contains(&found),
            (Fits::Pattern(pattern), Some(found)) => pattern.is_match(&found),
            (Fits::Absent, found) => json.is_some() && found.is_none_or(|found| found.is_empty()),
            (Fits::Values(_) | Fits::Pattern(_), None) => false,
        }
    }
}

/// A plain value as text; `null`, lists and objects are none.
pub(super) fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(told) => Some(told.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// That this is a JSON pointer.
pub(super) fn check_pointer(pointer: &str, place: &str) -> Result<(), ProfileError> {
    if pointer.starts_with('/') {
        return Ok(());
    }
    Err(ProfileError::at(place, format!("{pointer:?} is no JSON pointer such as /data/audio")))
}

/// The table with what it needs to tell of a failure.
#[derive(Debug)]
pub(super) struct Failures {
    pub(super) rules: Vec<Rule>,
    /// Where the service's code stands.
    pub(super) code: Option<String>,
    /// Where its message stands.
    pub(super) message: Option<String>,
}

/// A failure, before it is known whether a new token helps.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) meaning: Meaning,
    pub(super) error: EngineError,
}

impl Failures {
    /// What an answer means that is no sound, `odd` being what is odd about it where its status is none.
    pub(super) fn judge(&self, response: &ServiceResponse, odd: &str, private: &Private<'_>) -> Failed {
        let json: Option<Json> = serde_json::from_slice(&response.body).ok();
        self.judge_json(response, json.as_ref(), odd, private)
    }

    /// The same with the JSON of a part of the answer.
    pub(super) fn judge_json(
        &self,
        response: &ServiceResponse,
        json: Option<&Json>,
        odd: &str,
        private: &Private<'_>,
    ) -> Failed {
        let status = response.status;
        let rule = self.rules.iter().find(|rule| rule.fits(status, &response.body, json));
        let meaning = rule.map_or_else(|| by_status(status), |rule| rule.meaning);
        let at = |pointer: &Option<String>| {
            let found = json.and_then(|json| json.pointer(pointer.as_deref()?)).and_then(text)?;
            quoted(&found, private)
        };
        let mut detail = format!("answered {status}");
        if rule.is_none() && (200..300).contains(&status) {
            detail = format!("{detail}, {odd}");
        }
        for told in [at(&self.code), at(&self.message)].into_iter().flatten() {
            detail = format!("{detail}: {told}");
        }
        let error = EngineError::new(meaning.failure(response), detail);
        Failed { meaning, error }
    }
}

impl Meaning {
    fn failure(self, response: &ServiceResponse) -> EngineFailure {
        match self {
            Self::Retry => EngineFailure::Retry,
            Self::RateLimited => EngineFailure::RateLimited { retry_after: response.retry_after },
            Self::BadText => EngineFailure::BadText,
            Self::TokenExpired | Self::Auth => EngineFailure::Auth,
            Self::Quota => EngineFailure::Quota,
            Self::Configuration => EngineFailure::Configuration,
            Self::Broken => EngineFailure::Broken,
        }
    }
}

/// What a status means by itself. A bad request is not called bad text: it may be our fault as well, and a good text must
/// not be remembered as bad.
fn by_status(status: u16) -> Meaning {
    match status {
        401 | 403 => Meaning::Auth,
        402 => Meaning::Quota,
        404 | 405 | 415 => Meaning::Configuration,
        408 | 500 | 502..=504 => Meaning::Retry,
        413 | 414 => Meaning::BadText,
        429 => Meaning::RateLimited,
        _ => Meaning::Broken,
    }
}

/// No answer at all.
pub(super) fn unanswered(error: ServiceError) -> EngineError {
    let failure = match &error {
        // Nothing came, or not all of it: the next connection may do better.
        ServiceError::Call(OutboundError::Busy | OutboundError::Broken(_)) => EngineFailure::Retry,
        ServiceError::BadUrl => EngineFailure::Configuration,
        ServiceError::Call(
            OutboundError::NotAllowed(_) | OutboundError::Unreachable(_) | OutboundError::TimedOut,
        )
        | ServiceError::TooLong(_) => EngineFailure::Broken,
    };
    EngineError::new(failure, error.to_string()).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_says_nothing_or_too_much_is_refused() {
        for (rule, problem) in [
            ("failure = 'retry'", "needs a status or a pointer"),
            ("failure = 'retry'\nstatus = [99]", "statuses are numbers"),
            ("failure = 'retry'\nstatus = ['6xx']", "statuses are numbers"),
            ("failure = 'retry'\npointer = 'code'\nvalues = [1]", "no JSON pointer"),
            ("failure = 'retry'\npointer = '/code'", "needs one of"),
            ("failure = 'retry'\npointer = '/code'\nvalues = [1]\npattern = 'x'", "needs one of"),
            ("failure = 'retry'\npattern = '('", "pattern: regex"),
            ("failure = 'retry'\nvalues = [1]", "need a pointer"),
            ("failure = 'retry'\npointer = '/code'\nvalues = [[]]", "values are texts"),
        ] {
            let error = Rule::read(&toml::from_str(rule).unwrap(), "errors[0]").unwrap_err().to_string();
            assert!(error.starts_with("errors[0]") && error.contains(problem), "{rule}: {error}");
        }
        assert!(toml::from_str::<RuleSpec>("failure = 'sulk'\nstatus = [500]").is_err());
    }
}

//! The query of a request, read strictly: each parameter once, and none that is not known.
//! A filter that was misspelt must not be answered with everything.

use std::borrow::Cow;
use std::str::FromStr;

use super::problem::Problem;
use crate::domain::{EpochMs, IdError, Kinds};
use crate::store::{PageSize, Span};

/// Rows of a page unless it is asked for fewer or more.
const ROWS: u32 = 50;
/// Most rows of a page.
const ROWS_MAX: u32 = 200;

/// The parameters of a request, in the order of their names.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the question mark.
    ///
    /// # Errors
    /// 400 for a parameter that is not in `known`, that is there twice, or that is not UTF-8, percent-encoded.
    pub fn read(raw: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let mut all: Vec<(String, String)> = Vec::new();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(Problem::bad_request("bad_query", "the query is not UTF-8, percent-encoded"));
            };
            if !known.contains(&&*name) {
                let known = known.join(", ");
                return Err(Problem::bad_request("bad_query", &format!("the parameters here are {known}")));
            }
            if all.iter().any(|(before, _)| *before == name) {
                return Err(Problem::bad_request("bad_query", &format!("{name} is there twice")));
            }
            // Who walks in a loop begins with an empty cursor; any other name without a value is half a question.
            if value.is_empty() && name != "cursor" {
                return Err(Problem::bad_request("bad_query", &format!("{name} is empty")));
            }
            all.push((name.into_owned(), value.into_owned()));
        }
        all.sort();
        Ok(Self(all))
    }

    /// A parameter as it was written; `None` if it is not there, or empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    /// All that is asked but for these parameters, for what must be asked the same again.
    pub fn without<'a>(&'a self, left_out: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let asked = self.0.iter().map(|(name, value)| (&**name, &**value));
        asked.filter(move |(name, value)| !value.is_empty() && !left_out.contains(name))
    }

    /// An id.
    ///
    /// # Errors
    /// 400 for what cannot be one.
    pub fn id<T: FromStr<Err = IdError>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let wrong = |error| Problem::bad_request("bad_id", &format!("{name} {error}"));
        self.text(name).map(str::parse).transpose().map_err(wrong)
    }

    /// A whole number.
    ///
    /// # Errors
    /// 400 for one outside these bounds, and for what is none.
    pub fn number(&self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number =
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
        let number = number.filter(|number| (least..=most).contains(number));
        let detail = || format!("{name} is {least} to {most}");
        number.map(Some).ok_or_else(|| Problem::bad_request("out_of_range", &detail()))
    }

    /// One of the words that `parse` knows.
    ///
    /// # Errors
    /// 400 for any other; `words` are told then.
    pub fn word<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
        words: &[&str],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let detail = || format!("{name} is one of {}", words.join(", "));
        parse(text).map(Some).ok_or_else(|| Problem::bad_request("unknown_value", &detail()))
    }

    /// A kind of events.
    ///
    /// # Errors
    /// 400 if there is none of this name.
    pub fn kind(&self, kinds: &Kinds) -> Result<Option<String>, Problem> {
        let Some(text) = self.text("kind") else { return Ok(None) };
        let known = kinds.get(text).is_some();
        known
            .then(|| Some(text.to_owned()))
            .ok_or_else(|| Problem::bad_request("unknown_kind", "there is no such kind"))
    }

    /// From `since` on until before `until`, as far as they are there.
    ///
    /// # Errors
    /// 400 for what is no moment, and where the end is not after the beginning.
    pub fn period(&self) -> Result<(Option<EpochMs>, Option<EpochMs>), Problem> {
        let (since, until) = (self.moment("since")?, self.moment("until")?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(Problem::bad_request("bad_period", "since is not before until"));
        }
        Ok((since, until))
    }

    /// From `since` on until before `until`; what is not there is taken from `otherwise`.
    ///
    /// # Errors
    /// 400 for what is no moment, and where the end is not after the beginning.
    pub fn span(&self, otherwise: impl Fn(Option<EpochMs>) -> Span) -> Result<Span, Problem> {
        let (since, until) = (self.moment("since")?, self.moment("until")?);
        let otherwise = otherwise(until);
        let span = Span { since: since.unwrap_or(otherwise.since), until: until.unwrap_or(otherwise.until) };
        if span.since >= span.until {
            return Err(Problem::bad_request("bad_period", "since is not before until"));
        }
        Ok(span)
    }

    /// How large a page is asked for, and how much is looked at for it.
    ///
    /// # Errors
    /// 400 for a `limit` outside its bounds.
    pub fn page_size(&self, looks: u32) -> Result<PageSize, Problem> {
        let rows = self.number("limit", 1, ROWS_MAX)?.unwrap_or(ROWS);
        Ok(PageSize { rows, looks: looks.max(rows) })
    }

    fn moment(&self, name: &str) -> Result<Option<EpochMs>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let at = if is_number {
            text.parse().ok().and_then(EpochMs::from_number)
        } else {
            EpochMs::from_rfc3339(text).filter(|at| at.0 >= 0)
        };
        let detail = format!("{name} is neither RFC 3339 with an offset nor epoch seconds or milliseconds");
        at.map(Some).ok_or_else(|| Problem::bad_request("bad_time", &detail))
    }
}

/// Percent-encoding taken away. A plus stays one: nothing that is asked here has a space, and offsets of time have a plus.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let (mut bytes, mut left) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, rest)) = left.split_first() {
        left = rest;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, rest) = left.split_at_checked(2)?;
        let digits =
            std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        left = rest;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::Query;
    use crate::domain::{EpochMs, RiderId};
    use crate::store::Span;

    const KNOWN: [&str; 4] = ["rider", "since", "until", "limit"];

    fn read(raw: &str) -> Option<Query> {
        Query::read(Some(raw), &KNOWN).ok()
    }

    #[test]
    fn values_are_decoded_and_a_plus_stays() {
        let query = read("rider=%E9%AA%91%E6%89%8B%2F7&since=2026-03-01T12:30:05+08:00").unwrap();
        assert_eq!(query.id::<RiderId>("rider").unwrap().unwrap().as_str(), "骑手/7");
        assert_eq!(query.text("since"), Some("2026-03-01T12:30:05+08:00"));
        assert!(Query::read(None, &KNOWN).is_ok() && read("").is_some() && read("&&").is_some());
    }

    #[test]
    fn what_is_unknown_doubled_or_broken_is_refused() {
        for wrong in [
            "ridr=r1",
            "rider=",
            "rider",
            "rider=r1&rider=r2",
            "rider=%",
            "rider=%4",
            "rider=%zz",
            "rider=%+1",
            "rider=%ff",
            "=1",
        ] {
            assert!(read(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_span_begins_before_it_ends() {
        let span = |raw| read(raw).unwrap().span(|_| Span::ALL).ok();
        let both = span("since=2026-03-01T12:30:05%2B08:00&until=1772339406").unwrap();
        assert_eq!((both.since, both.until), (EpochMs(1_772_339_405_000), EpochMs(1_772_339_406_000)));
        assert_eq!(span(""), Some(Span::ALL));
        assert_eq!(span("since=1772339406&until=1772339405"), None);
        assert_eq!(span("since=1772339405&until=1772339405"), None);
        for wrong in ["since=today", "since=2026-03-01", "since=0", "since=-5", "until=99999999999999999999"]
        {
            assert_eq!(span(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_page_has_its_bounds() {
        let size = |raw| read(raw).unwrap().page_size(100).ok().map(|size| (size.rows, size.looks));
        assert_eq!(size(""), Some((50, 100)));
        assert_eq!(size("limit=200"), Some((200, 200)));
        for wrong in ["limit=0", "limit=201", "limit=-1", "limit=+5", "limit=1e3", "limit=4294967297"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }
}

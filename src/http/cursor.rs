//! Cursors: where the next page of a list begins, as a word that callers hand back unread.
//! A cursor is good for the question that it came with and for no other; it gives no right, only a place.

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::problem::Problem;
use super::query::Query;
use crate::domain::{AlertId, AppId, RiderId};
use crate::store::DeliveryPlace;

/// Stands before what is sealed; another way to write cursors has another one.
const VERSION: &[u8] = b"orderbell cursor 1";
/// Bytes of the seal: enough that no accident and no mixing up makes one.
const SEAL_BYTES: usize = 12;
/// Longest cursor that is looked at: a seal and two ids of 128 characters.
const CURSOR_BYTES_MAX: usize = 2_048;
/// Parameters that may change from page to page.
const FREE: [&str; 4] = ["cursor", "limit", "format", "bom"];

/// One question about one app, whose pages follow each other.
pub struct Walk<'a> {
    app: AppId,
    list: &'a str,
    query: &'a Query,
}

/// A place in a list, as a text without control characters.
pub trait Place: Sized {
    /// The text.
    fn write(&self) -> String;
    /// The place that was written so.
    fn read(text: &str) -> Option<Self>;
}

impl<'a> Walk<'a> {
    /// The question that `query` asks of this list.
    #[must_use]
    pub fn new(app: AppId, list: &'a str, query: &'a Query) -> Self {
        Self { app, list, query }
    }

    /// The cursor of a page that begins behind this place.
    #[must_use]
    pub fn cursor<T: Place>(&self, place: &T) -> String {
        let place = place.write();
        let mut bytes = self.seal(&place).to_vec();
        bytes.extend(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place behind which this page begins; `None` for the first.
    ///
    /// # Errors
    /// 400 for a cursor that is none of ours, or of another question.
    pub fn place<T: Place>(&self) -> Result<Option<T>, Problem> {
        let Some(cursor) = self.query.text("cursor") else { return Ok(None) };
        let place = self.opened(cursor).and_then(|text| T::read(&text));
        let wrong = "this is no cursor of this list with these parameters; begin without one";
        place.map(Some).ok_or_else(|| Problem::bad_request("bad_cursor", wrong))
    }

    fn opened(&self, cursor: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor.get(..cursor.len().min(CURSOR_BYTES_MAX))?).ok()?;
        let (seal, place) = bytes.split_at_checked(SEAL_BYTES)?;
        let place = std::str::from_utf8(place).ok()?;
        (self.seal(place) == *seal).then(|| place.to_owned())
    }

    fn seal(&self, place: &str) -> [u8; SEAL_BYTES] {
        let mut sealed = Context::new(&SHA256);
        let app = self.app.to_string();
        let asked = self.query.without(&FREE).flat_map(|(name, value)| [name, value]);
        for part in [&*app, self.list, place].into_iter().chain(asked) {
            // The length before each, so that no two lists of parts read the same.
            sealed.update(&(part.len() as u64).to_be_bytes());
            sealed.update(part.as_bytes());
        }
        sealed.update(VERSION);
        let mut seal = [0; SEAL_BYTES];
        seal.iter_mut().zip(sealed.finish().as_ref()).for_each(|(to, from)| *to = *from);
        seal
    }
}

impl Place for AlertId {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Place for i64 {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number| *number > 0)
    }
}

// No id has a space in it.
impl Place for DeliveryPlace {
    fn write(&self) -> String {
        format!("{} {}", self.0, self.1)
    }

    fn read(text: &str) -> Option<Self> {
        let (alert, rider) = text.split_once(' ')?;
        Some((alert.parse().ok()?, rider.parse::<RiderId>().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::{CURSOR_BYTES_MAX, Walk};
    use crate::domain::{AlertId, AppId, EpochMs};
    use crate::http::query::Query;
    use crate::store::DeliveryPlace;

    const KNOWN: [&str; 4] = ["kind", "rider", "limit", "cursor"];

    fn app(number: u8) -> AppId {
        AppId::new(EpochMs(1), [number; 10])
    }

    fn alert() -> AlertId {
        AlertId::new(EpochMs(1_772_339_405_000), [9; 10])
    }

    fn query(raw: &str) -> Query {
        Query::read(Some(raw), &KNOWN).unwrap()
    }

    /// What a walk makes of this cursor.
    fn opened(app: AppId, list: &str, asked: &str, cursor: &str) -> Option<AlertId> {
        Walk::new(app, list, &query(&format!("{asked}&cursor={cursor}"))).place().ok().flatten()
    }

    #[test]
    fn a_cursor_leads_on_and_the_size_of_pages_may_change() {
        let cursor = Walk::new(app(1), "alerts", &query("kind=order.new&limit=5")).cursor(&alert());
        assert!(cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        assert_eq!(opened(app(1), "alerts", "limit=7&kind=order.new", &cursor), Some(alert()));
    }

    #[test]
    fn a_cursor_is_good_for_its_own_question_alone() {
        let cursor = Walk::new(app(1), "alerts", &query("kind=order.new")).cursor(&alert());
        for (of, list, asked) in [
            (2, "alerts", "kind=order.new"),
            (1, "history", "kind=order.new"),
            (1, "alerts", "kind=order.urge"),
            (1, "alerts", "rider=order.new"),
            (1, "alerts", "kind=order.new&rider=r1"),
            (1, "alerts", ""),
        ] {
            assert_eq!(opened(app(of), list, asked, &cursor), None, "{of} {list} {asked}");
        }
    }

    #[test]
    fn a_forged_cursor_is_none() {
        let cursor = Walk::new(app(1), "alerts", &query("")).cursor(&alert());
        for place in 0..cursor.len() {
            let mut forged = cursor.clone().into_bytes();
            forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(opened(app(1), "alerts", "", &forged), None, "{place}");
        }
        let long = "A".repeat(CURSOR_BYTES_MAX + 1);
        for forged in ["A", "!!", "null", &cursor[1..], &cursor[..20], &format!("{cursor}A"), &long] {
            assert_eq!(opened(app(1), "alerts", "", forged), None, "{forged}");
        }
        // A place of another sort under a good seal.
        let place: DeliveryPlace = (alert(), "r1".parse().unwrap());
        let other = Walk::new(app(1), "alerts", &query("")).cursor(&place);
        assert_eq!(opened(app(1), "alerts", "", &other), None);
    }

    #[test]
    fn a_place_among_deliveries_is_written_and_read() {
        let place: DeliveryPlace = (alert(), "骑手/7".parse().unwrap());
        let cursor = Walk::new(app(1), "misses", &query("")).cursor(&place);
        let asked = query(&format!("cursor={cursor}"));
        assert_eq!(Walk::new(app(1), "misses", &asked).place().unwrap(), Some(place));
    }
}

//! What a backend that decides its own offers has answered to a rider's accept.
//! A rider is told "won" only where the backend has said so in so many words; everything unclear is "pending".

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

/// Who gets the order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// This rider.
    Won,
    /// Another.
    Lost,
    /// Not said yet.
    Pending,
}

/// The status of a service that has taken the question and will tell later.
const ACCEPTED: u16 = 202;
/// The status of a service that has given the order away.
const CONFLICT: u16 = 409;

impl Verdict {
    /// Reads the answer to `rider`'s accept.
    ///
    /// A 2xx decides by its body: `{"outcome":"won"|"lost"|"pending"}`, `{"winner":"<rider>"}`, or either of them
    /// inside `data`. A 409 is lost, unless its body names this rider. Any other status is pending, and so are 202,
    /// a body that cannot be read, and one that contradicts itself.
    #[must_use]
    pub fn read(status: u16, body: &[u8], rider: &str) -> Self {
        match status {
            ACCEPTED => Self::Pending,
            200..=299 => said(body, rider).unwrap_or(Self::Pending),
            CONFLICT => match said(body, rider) {
                // Asked twice, some answer that the order is taken, by the very rider who asks.
                Some(Self::Won) => Self::Pending,
                Some(Self::Lost | Self::Pending) | None => Self::Lost,
            },
            _ => Self::Pending,
        }
    }
}

/// The members that decide; others are not looked at. A member that is there twice spoils the answer.
#[derive(Deserialize)]
struct Said<'a> {
    outcome: Option<Json>,
    winner: Option<Json>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

fn said(body: &[u8], rider: &str) -> Option<Verdict> {
    // Some PHP files begin with it, and so do their answers.
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let outer = object(body)?;
    let inner = match outer.data {
        Some(data) if data.get().starts_with('{') => Some(object(data.get().as_bytes())?),
        // Empty arrays and strings stand for "nothing" in many backends.
        Some(_) | None => None,
    };
    let mut verdicts = [Some(outer), inner].into_iter().flatten().flat_map(|said| said.verdicts(rider));
    let first = verdicts.next()?;
    verdicts.all(|other| other == first).then_some(first)
}

/// An object and nothing else; an array would be taken for the members in order.
fn object(text: &[u8]) -> Option<Said<'_>> {
    if text.trim_ascii_start().first() == Some(&b'{') { serde_json::from_slice(text).ok() } else { None }
}

impl Said<'_> {
    /// What the members say, each for itself; one that says nothing readable says "pending".
    fn verdicts(self, rider: &str) -> impl Iterator<Item = Verdict> {
        let outcome = self.outcome.map(|outcome| match outcome.as_str() {
            Some("won") => Verdict::Won,
            Some("lost") => Verdict::Lost,
            Some(_) | None => Verdict::Pending,
        });
        let winner = self.winner.map(|winner| match winner {
            Json::String(winner) if winner == rider => Verdict::Won,
            Json::String(winner) if !winner.is_empty() => Verdict::Lost,
            // Backends count their riders, and forget that our ids are text.
            Json::Number(winner) if winner.to_string() == rider => Verdict::Won,
            Json::Number(winner) if winner.as_u64().is_some_and(|id| id > 0) => Verdict::Lost,
            _ => Verdict::Pending,
        });
        outcome.into_iter().chain(winner)
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Lost, Pending, Won};

    #[test]
    fn answers_of_a_backend_are_read() {
        for (status, body, verdict) in [
            (200, r#"{"outcome":"won"}"#, Won),
            (201, r#"{"outcome":"won"}"#, Won),
            (200, r#"{"outcome":"lost"}"#, Lost),
            (200, r#"{"outcome":"pending"}"#, Pending),
            (200, r#"{"code":0,"msg":"ok","data":{"outcome":"won","order":{"id":"M1"}}}"#, Won),
            (200, r#"{"data":{"outcome":"lost"}}"#, Lost),
            (200, r#"{"winner":"r_1"}"#, Won),
            (200, r#"{"winner":"r_2"}"#, Lost),
            (200, r#"{"data":{"winner":"r_1"}}"#, Won),
            (200, r#"{"winner":null}"#, Pending),
            (200, r#"{"winner":""}"#, Pending),
            (200, r#"{"winner":0}"#, Pending),
            (200, r#"{"winner":false}"#, Pending),
            (200, r#"{"winner":["r_1"]}"#, Pending),
            (200, r#"{"winner":"R_1"}"#, Lost),
            (200, r#"{"outcome":"won","data":[]}"#, Won),
            (200, r#"{"outcome":"won","data":null}"#, Won),
            (200, r#"{"outcome":"won","winner":null}"#, Won),
            (200, "\u{feff}{\"outcome\":\"won\"}", Won),
            (200, " \n{\"outcome\":\"won\"}\n", Won),
            // Said twice, it must be the same.
            (200, r#"{"outcome":"won","winner":"r_1"}"#, Won),
            (200, r#"{"outcome":"won","winner":"r_2"}"#, Pending),
            (200, r#"{"outcome":"won","data":{"outcome":"lost"}}"#, Pending),
            (200, r#"{"outcome":"lost","outcome":"won"}"#, Pending),
            (200, r#"{"outcome":"lost","data":{"outcome":"lost"}}"#, Lost),
            (200, r#"{"data":{"outcome":"lost","outcome":"won"}}"#, Pending),
            // Nothing readable.
            (200, "", Pending),
            (204, "", Pending),
            (200, "won", Pending),
            (200, "\"won\"", Pending),
            (200, "success", Pending),
            (200, "{}", Pending),
            (200, "[]", Pending),
            (200, "null", Pending),
            (200, r#"[{"outcome":"won"}]"#, Pending),
            (200, r#"["won","r_1",null]"#, Pending),
            (200, r#"{"data":["won","r_1",null]}"#, Pending),
            (200, r#"{"outcome":"WON"}"#, Pending),
            (200, r#"{"outcome":" won"}"#, Pending),
            (200, r#"{"outcome":true}"#, Pending),
            (200, r#"{"outcome":"won"}x"#, Pending),
            (200, r#"{"outcome":"won""#, Pending),
            (200, r#"{"result":{"outcome":"won"}}"#, Pending),
            (200, r#"{"data":{"data":{"outcome":"won"}}}"#, Pending),
            (200, r#"{"data":"{\"outcome\":\"won\"}"}"#, Pending),
            // The status alone.
            (202, r#"{"outcome":"won"}"#, Pending),
            (409, "", Lost),
            (409, r#"{"outcome":"lost"}"#, Lost),
            (409, "<html>taken</html>", Lost),
            (409, r#"{"winner":"r_2"}"#, Lost),
            (409, r#"{"winner":"r_1"}"#, Pending),
            (409, r#"{"outcome":"won"}"#, Pending),
            (301, r#"{"outcome":"won"}"#, Pending),
            (400, r#"{"outcome":"won"}"#, Pending),
            (401, r#"{"outcome":"lost"}"#, Pending),
            (404, "", Pending),
            (429, "", Pending),
            (500, r#"{"outcome":"won"}"#, Pending),
            (503, "", Pending),
            (100, r#"{"outcome":"won"}"#, Pending),
        ] {
            assert_eq!(Verdict::read(status, body.as_bytes(), "r_1"), verdict, "{status} {body}");
        }
    }

    #[test]
    fn a_number_may_be_a_rider() {
        assert_eq!(Verdict::read(200, br#"{"winner":1001}"#, "1001"), Won);
        assert_eq!(Verdict::read(200, br#"{"winner":1002}"#, "1001"), Lost);
        assert_eq!(Verdict::read(200, br#"{"winner":-1}"#, "1001"), Pending);
        assert_eq!(Verdict::read(200, br#"{"winner":1.5}"#, "1001"), Pending);
    }

    #[test]
    fn what_is_no_text_decides_nothing() {
        assert_eq!(Verdict::read(200, b"{\"outcome\":\"won\xff\"}", "r_1"), Pending);
        assert_eq!(Verdict::read(200, &[0x1f, 0x8b, 8, 0], "r_1"), Pending);
        assert_eq!(Verdict::read(200, "[".repeat(100_000).as_bytes(), "r_1"), Pending);
    }
}

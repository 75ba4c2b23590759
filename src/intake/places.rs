//! Where the members of an event stood in what was sent: an event may come in other forms than the canonical one.
//! A sender is told of the place in its own body, or of its own header, whatever the event was turned into.

use super::reader::InputError;

/// Where each member of the canonical event came from. An empty one leaves places as they are.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(String, Place)>);

/// Where a member came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// A member of the body, with all that is below it.
    Member(String),
    /// Inside the text of this member.
    Inside(String),
    /// A header.
    Header(String),
}

impl Places {
    /// Notes where the member at `canonical` came from.
    pub(super) fn note(&mut self, canonical: impl Into<String>, place: Place) {
        self.0.push((canonical.into(), place));
    }

    /// The error, with the place as the sender knows it.
    #[must_use]
    pub fn tell(&self, mut error: InputError) -> InputError {
        let Some(pointer) = error.pointer.take() else { return error };
        let found = self.0.iter().filter_map(|(canonical, place)| {
            let rest = pointer.strip_prefix(canonical.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((canonical.len(), rest, place))
        });
        match found.max_by_key(|(length, ..)| *length) {
            None => error.pointer = Some(pointer),
            Some((_, rest, Place::Member(sent))) => error.pointer = Some(format!("{sent}{rest}")),
            Some((_, _, Place::Inside(sent))) => error.pointer = Some(sent.clone()),
            Some((_, _, Place::Header(name))) => error.detail = format!("{name}: {}", error.detail),
        }
        error
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Places};
    use crate::intake::InputError;

    fn told(places: &Places, pointer: &str) -> (Option<String>, String) {
        let pointer = Some(pointer.to_owned());
        let told = places.tell(InputError { error: "bad_value", pointer, detail: "is wrong".to_owned() });
        (told.pointer, told.detail)
    }

    #[test]
    fn the_longest_part_of_a_place_that_is_known_counts() {
        let mut places = Places::default();
        assert_eq!(told(&places, "/order/id").0.as_deref(), Some("/order/id"));
        places.note("", Place::Member("/data".to_owned()));
        places.note("/order/id", Place::Header("ce-subject".to_owned()));
        places.note("/target/riders/0", Place::Member("/data/rider_id".to_owned()));
        places.note("/ext", Place::Inside("/data_base64".to_owned()));
        assert_eq!(told(&places, "/order/idx").0.as_deref(), Some("/data/order/idx"));
        assert_eq!(told(&places, "/order/id"), (None, "ce-subject: is wrong".to_owned()));
        assert_eq!(told(&places, "/target/riders/0").0.as_deref(), Some("/data/rider_id"));
        assert_eq!(told(&places, "/target/riders/01").0.as_deref(), Some("/data/target/riders/01"));
        assert_eq!(told(&places, "/ext/a").0.as_deref(), Some("/data_base64"));
        assert_eq!(told(&places, "").0.as_deref(), Some("/data"));
    }
}

//! The kinds of callbacks that there are, and how an app names those that it wants.
//! The list is open: it grows with what there is to tell, so a backend passes over a kind that it does not know.

use super::WantedKinds;

/// Every kind, by family. Each has a schema and an example in `assets/contract/callbacks`.
pub const KINDS: [&str; 22] = [
    "delivery.sent",
    "delivery.received",
    "delivery.played",
    "delivery.acknowledged",
    "delivery.accepted",
    "delivery.declined",
    "delivery.lost",
    "delivery.expired",
    "delivery.cancelled",
    "delivery.superseded",
    "delivery.suppressed",
    "delivery.failed",
    "delivery.skipped",
    "offer.accepted",
    "offer.expired",
    "alert.unreachable",
    "alert.exhausted",
    "alert.desk",
    "rider.online",
    "rider.offline",
    "rider.unresponsive",
    "callback.test",
];
/// Families of them, as a target names them.
pub const FAMILIES: [&str; 5] = ["delivery.*", "offer.*", "alert.*", "rider.*", "callback.*"];
/// All there are, and those to come.
pub const EVERY_KIND: &str = "*";

/// Whether this is a kind.
#[must_use]
pub fn is_kind(word: &str) -> bool {
    KINDS.contains(&word)
}

impl WantedKinds {
    /// What these words name: kinds, families, or [`EVERY_KIND`].
    ///
    /// # Errors
    /// The place of the first word that names none.
    pub fn named<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, usize> {
        let (mut kinds, mut every) = (std::collections::BTreeSet::new(), false);
        for (place, word) in words.into_iter().enumerate() {
            if word == EVERY_KIND {
                every = true;
            } else if is_kind(word) || FAMILIES.contains(&word) {
                kinds.insert(word.to_owned());
            } else {
                return Err(place);
            }
        }
        Ok(if every { Self::All } else { Self::These(kinds) })
    }

    /// The words that name them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::All => vec![EVERY_KIND.to_owned()],
            Self::These(kinds) => kinds.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAMILIES, KINDS};
    use crate::domain::callback::WantedKinds;

    #[test]
    fn kinds_families_and_all_are_named_and_nothing_else() {
        let wanted = WantedKinds::named(["offer.expired", "delivery.*"]).unwrap();
        assert_eq!(wanted.words(), ["delivery.*", "offer.expired"]);
        assert!(wanted.include("delivery.played") && wanted.include("offer.expired"));
        assert!(!wanted.include("offer.accepted") && !wanted.include("rider.online"));
        assert_eq!(WantedKinds::named(["offer.expired", "*"]), Ok(WantedKinds::All));
        assert!(WantedKinds::All.include("chat.message"), "one that comes later");
        for wrong in
            ["", "delivery", "delivery.", "*.played", "delivery.play*", "chat.*", "Delivery.played", " *"]
        {
            assert_eq!(WantedKinds::named(["offer.*", wrong]), Err(1), "{wrong:?}");
        }
    }

    #[test]
    fn every_kind_is_of_a_family_that_can_be_named() {
        for kind in KINDS {
            let family = format!("{}.*", kind.split_once('.').unwrap().0);
            assert!(FAMILIES.contains(&family.as_str()), "{kind}");
        }
    }
}

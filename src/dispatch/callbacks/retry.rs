//! When a callback is tried again: a table of pauses, quicker at first for what a dispatcher waits for.
//! Pauses are a little longer than they say, each by its own luck, so that what failed together does not come back together.

/// Pauses after failed tries, in milliseconds. When they are used up, a callback is dead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetryTable {
    usual: Vec<i64>,
    urgent: Vec<i64>,
}

/// How soon somebody needs to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Urgency {
    /// An order hangs on it.
    Urgent,
    /// It is a record.
    Usual,
}

impl Urgency {
    /// That of these kinds, the highest.
    pub(super) fn of<'a>(kinds: impl IntoIterator<Item = &'a str>) -> Self {
        let is_urgent = |kind: &str| {
            kind.starts_with("offer.") || matches!(kind, "delivery.accepted" | "delivery.declined")
        };
        if kinds.into_iter().any(is_urgent) { Self::Urgent } else { Self::Usual }
    }
}

impl RetryTable {
    /// The pauses as configured. What is urgent has `urgent_first`, then those of `usual` that are longer.
    #[must_use]
    pub fn new(usual: Vec<i64>, urgent_first: &[i64]) -> Self {
        let last = urgent_first.last().copied().unwrap_or(0);
        let then = usual.iter().copied().filter(|pause| *pause > last);
        let urgent = urgent_first.iter().copied().chain(then).collect();
        Self { usual, urgent }
    }

    /// The pause after one more failed try, with up to a fifth more; `None` if it was the last one. `tries` came before it.
    pub(super) fn pause_ms(&self, urgency: Urgency, tries: u32, luck: u8) -> Option<i64> {
        let pauses = match urgency {
            Urgency::Urgent => &self.urgent,
            Urgency::Usual => &self.usual,
        };
        let pause = *pauses.get(usize::try_from(tries).ok()?)?;
        Some(pause + pause * i64::from(luck) / 255 / 5)
    }
}

#[cfg(test)]
mod tests {
    use super::{RetryTable, Urgency};

    fn table() -> RetryTable {
        RetryTable::new(vec![1_000, 5_000, 30_000, 120_000], &[1_000, 2_000, 5_000, 10_000])
    }

    fn pauses(urgency: Urgency, luck: u8) -> Vec<i64> {
        (0..).map_while(|tries| table().pause_ms(urgency, tries, luck)).collect()
    }

    #[test]
    fn what_an_order_hangs_on_is_tried_sooner_and_not_given_up_sooner() {
        assert_eq!(pauses(Urgency::Usual, 0), [1_000, 5_000, 30_000, 120_000]);
        assert_eq!(pauses(Urgency::Urgent, 0), [1_000, 2_000, 5_000, 10_000, 30_000, 120_000]);
        assert_eq!(table().pause_ms(Urgency::Usual, u32::MAX, 0), None);
    }

    #[test]
    fn luck_makes_a_pause_longer_by_a_fifth_at_most() {
        assert_eq!(pauses(Urgency::Usual, 255), [1_200, 6_000, 36_000, 144_000]);
        assert_eq!(table().pause_ms(Urgency::Usual, 1, 128), Some(5_501));
    }

    #[test]
    fn a_list_is_as_urgent_as_what_is_most_urgent_in_it() {
        for (kinds, urgency) in [
            (&["delivery.played", "offer.expired"][..], Urgency::Urgent),
            (&["delivery.accepted"], Urgency::Urgent),
            (&["delivery.declined"], Urgency::Urgent),
            (&["delivery.played", "rider.offline", "offers"], Urgency::Usual),
        ] {
            assert_eq!(Urgency::of(kinds.iter().copied()), urgency, "{kinds:?}");
        }
    }
}

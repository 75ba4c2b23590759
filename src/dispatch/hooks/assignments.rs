//! An order that another courier has had meanwhile comes back to the one of a known event: that is another assignment.
//! Whoever has it now is told by the order's memory where riders are named, else by the newest assignment of the order.

use std::sync::Arc;

use aws_lc_rs::digest;

use super::making::Maker;
use super::report::ItemReport;
use crate::dispatch::{AcceptError, AppEntry, Dispatch};
use crate::domain::app::KeyMode;
use crate::domain::{Alert, AlertId, EpochMs, EventId, OrderId, OrderKey, OrderMemory, RiderId};
use crate::intake::ParsedEvent;
use crate::store::{AlertFilter, PageSize, Span, StoreResult};

/// An event that gives an order to somebody.
pub(super) struct Assignment {
    parsed: ParsedEvent,
    order: OrderId,
    key_mode: KeyMode,
    /// The one rider whom it names; `None` where a group hears of it, whoever the sender's courier is.
    rider: Option<RiderId>,
    /// When it happened, or was told, by the sender's clock.
    at: Option<EpochMs>,
}

/// How an event is known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Known {
    /// Its id, and all that it says.
    Whole,
    /// Its id; it says something else, and be it the time of the call.
    ByIdAlone,
}

impl Assignment {
    /// An event whose kind gives an order to somebody; `None` if it names no order.
    pub(super) fn of(
        parsed: &ParsedEvent,
        called_at: Option<EpochMs>,
        key_mode: KeyMode,
    ) -> Option<Box<Self>> {
        let event = &parsed.event;
        let order = event.order.as_ref()?.id.clone()?;
        let rider = match event.target.riders.as_slice() {
            [rider] => Some(rider.clone()),
            [] | [_, _, ..] => None,
        };
        let at = called_at.or(event.occurred_at);
        Some(Box::new(Self { parsed: parsed.clone(), order, key_mode, rider, at }))
    }
}

impl Dispatch {
    /// Accepts the assignment once more where somebody else has the order by now, under an id that says after what: its
    /// repetition is known again.
    pub(super) async fn give_back(
        self: &Arc<Self>,
        maker: &Maker<'_>,
        assignment: Assignment,
        known: Known,
        report: &mut ItemReport,
    ) -> StoreResult<()> {
        let Assignment { mut parsed, order, key_mode, rider, at } = assignment;
        let key = OrderKey { app: maker.app.app.id, key_mode, order: order.clone() };
        let Some(memory) = self.store.order_memory(key).await? else { return Ok(()) };
        if !is_newer(&memory, at, known) {
            return Ok(());
        }
        let after = if let Some(rider) = &rider {
            elsewhere(&memory, rider)
        } else {
            let newest = self.newest_assignment(maker.app, order, key_mode, &parsed.event.kind).await?;
            newest.as_ref().and_then(|alert| overtaken(&parsed.event.id, alert))
        };
        let Some(after) = after else { return Ok(()) };
        parsed.event.id = again_id(&parsed.event.id, &after);
        match self.accept(Arc::clone(maker.app), maker.arrival(key_mode, parsed)).await {
            Ok(answer) => report.tell(&answer),
            Err(AcceptError::Conflict) => {}
            Err(AcceptError::Input(error)) => report.refuse(&error),
            Err(AcceptError::Store(error)) => return Err(error),
        }
        Ok(())
    }

    /// The newest alert of this kind about an order, in this world.
    async fn newest_assignment(
        &self,
        app: &AppEntry,
        order: OrderId,
        key_mode: KeyMode,
        kind: &str,
    ) -> StoreResult<Option<Alert>> {
        // Of an order there are few; those of the other world stand between them.
        const LOOKS: PageSize = PageSize { rows: 20, looks: 200 };
        let kind = Some(kind.to_owned());
        let filter = AlertFilter { span: Span::ALL, order: Some(order), rider: None, state: None, kind };
        let page = self.store.find_alerts(app.app.id, filter, None::<AlertId>, LOOKS).await?;
        Ok(page.rows.into_iter().map(|row| row.alert).find(|alert| alert.key_mode == key_mode))
    }
}

/// Whether news of this moment may be newer than what is known of the order. The same words again are the same news, unless their
/// time says otherwise; of a sender that tells no times at all, it is what it says.
fn is_newer(memory: &OrderMemory, at: Option<EpochMs>, known: Known) -> bool {
    match (at, memory.stamp.occurred_at, known) {
        (Some(at), Some(newest), Known::Whole) => at > newest,
        (Some(at), Some(newest), Known::ByIdAlone) => at >= newest,
        (_, None, Known::Whole | Known::ByIdAlone) => true,
        (None, Some(_), Known::Whole | Known::ByIdAlone) => false,
    }
}

/// After how many assignments the order is somebody else's.
fn elsewhere(memory: &OrderMemory, rider: &RiderId) -> Option<String> {
    memory.rider.as_ref().filter(|who| *who != rider).map(|_| memory.assignments.to_string())
}

/// After which assignment this one is told once more; `None` if it is the newest.
fn overtaken(id: &EventId, newest: &Alert) -> Option<String> {
    let rest = newest.event_id.as_str().strip_prefix(id.as_str());
    let is_this = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('~'));
    (!is_this).then(|| {
        let hash = digest::digest(&digest::SHA256, newest.event_id.as_str().as_bytes());
        let number =
            hash.as_ref().iter().take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{number:08x}")
    })
}

/// The id of an event that happens again under an id that is known.
fn again_id(id: &EventId, after: &str) -> EventId {
    let again = format!("{id}~{after}");
    again.parse().unwrap_or_else(|_| {
        let hash = digest::digest(&digest::SHA256, again.as_bytes());
        let number =
            hash.as_ref().iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        // Letters and digits are an id.
        format!("h:{number:032x}").parse().unwrap_or_else(|_| id.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::{Known, again_id, elsewhere, is_newer};
    use crate::domain::order::Stamp;
    use crate::domain::{EpochMs, OrderMemory, RiderId};

    #[test]
    fn an_order_comes_back_when_the_news_is_newer() {
        for (newest, at, whole, by_id) in [
            (Some(20), Some(30), true, true),
            // One second may hold both; the same words in it are a repetition.
            (Some(20), Some(20), false, true),
            (Some(20), Some(19), false, false),
            (None, Some(1), true, true),
            (Some(20), None, false, false),
            (None, None, true, true),
        ] {
            let stamp = Stamp { version: None, occurred_at: newest.map(EpochMs) };
            let memory = OrderMemory { stamp, ..OrderMemory::default() };
            let at = at.map(EpochMs);
            assert_eq!(is_newer(&memory, at, Known::Whole), whole, "{newest:?} {at:?}");
            assert_eq!(is_newer(&memory, at, Known::ByIdAlone), by_id, "{newest:?} {at:?}");
        }
    }

    #[test]
    fn an_order_is_elsewhere_when_another_rider_has_it() {
        let rider = |id: &str| -> RiderId { id.parse().unwrap() };
        for (who, expected) in [(Some("b"), Some("2")), (Some("a"), None), (None, None)] {
            let memory = OrderMemory { rider: who.map(rider), assignments: 2, ..OrderMemory::default() };
            assert_eq!(elsewhere(&memory, &rider("a")).as_deref(), expected, "{who:?}");
        }
    }

    #[test]
    fn an_id_of_a_return_says_after_what() {
        assert_eq!(again_id(&"o1:2:a:-".parse().unwrap(), "2").as_str(), "o1:2:a:-~2");
        let long = again_id(&"x".repeat(128).parse().unwrap(), "12");
        assert!(long.as_str().starts_with("h:") && long.as_str().len() == 34, "{long}");
    }
}

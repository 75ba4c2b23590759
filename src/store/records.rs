//! What can be asked of the record: alerts, a rider's history, and what became of deliveries, page by page.
//! A part of [`Store`](super::Store). A page looks at a bounded number of rows, so that no question stops the others.

use async_trait::async_trait;

use super::StoreResult;
use crate::domain::app::KeyMode;
use crate::domain::delivery::EndReason;
use crate::domain::report::Outcome;
use crate::domain::{
    Alert, AlertId, AlertState, AppId, Delivery, DeliveryState, EpochMs, EventId, GroupId, OrderId, RiderId,
    RiderKey,
};

/// A stretch of time, by when events came in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
    /// Its first moment.
    pub since: EpochMs,
    /// The first moment after it.
    pub until: EpochMs,
}

/// How much one page may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PageSize {
    /// Most rows of the page, at least 1.
    pub rows: u32,
    /// Most rows that are looked at for it, at least `rows`. Where most do not fit, the page is shorter, and goes on.
    pub looks: u32,
}

/// A page, and where the next one begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page<T, K> {
    /// The rows.
    pub rows: Vec<T>,
    /// The next page comes after this; `None` if this is the last one.
    pub next: Option<K>,
}

/// Which alerts are asked for.
#[derive(Clone, Debug)]
pub struct AlertFilter {
    /// When their event came in.
    pub span: Span,
    /// About this order.
    pub order: Option<OrderId>,
    /// For this rider.
    pub rider: Option<RiderId>,
    /// In this state.
    pub state: Option<AlertState>,
    /// Of this kind.
    pub kind: Option<String>,
}

/// An alert, and how many of its deliveries stand where.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSummary {
    /// The alert.
    pub alert: Alert,
    /// States with deliveries in their order, and how many.
    pub deliveries: Vec<(DeliveryState, u64)>,
}

/// Which of a rider's deliveries are asked for.
#[derive(Clone, Debug)]
pub struct HistoryFilter {
    /// When their event came in.
    pub span: Span,
    /// In this state.
    pub state: Option<DeliveryState>,
    /// Ended for this reason.
    pub reason: Option<EndReason>,
    /// Of this kind.
    pub kind: Option<String>,
}

/// A delivery with what of its alert a history shows.
#[derive(Clone, Debug, PartialEq)]
pub struct PastDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// The backend's id of the event.
    pub event_id: EventId,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// Name of its kind.
    pub kind: String,
    /// Whose world it is in.
    pub key_mode: KeyMode,
    /// When the event came in.
    pub created_at: EpochMs,
}

/// Whose deliveries a report is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Whose {
    /// Everybody's.
    All,
    /// One rider's.
    Rider(RiderId),
}

/// The place of a delivery among those of an app: newer alerts first, riders of one by their ids, the last first.
pub type DeliveryPlace = (AlertId, RiderId);

/// The record, to be looked through.
#[async_trait]
pub trait RecordStore {
    /// An app's alerts, newest first, those before `before`.
    async fn find_alerts(
        &self,
        app: AppId,
        filter: AlertFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<AlertSummary, AlertId>>;
    /// A rider's deliveries, the newest alert first, those before `before`; also of a rider who is no more.
    async fn rider_history(
        &self,
        rider: RiderKey,
        filter: HistoryFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<PastDelivery, AlertId>>;
    /// What became of deliveries, at most `limit`, by their place, those after `after`. Fewer than `limit` are all there are.
    async fn outcomes(
        &self,
        app: AppId,
        whose: Whose,
        span: Span,
        after: Option<DeliveryPlace>,
        limit: u32,
    ) -> StoreResult<Vec<Outcome>>;
    /// The groups of these riders, by rider and name.
    async fn groups_of(&self, app: AppId, riders: Vec<RiderId>) -> StoreResult<Vec<(RiderId, GroupId)>>;
}

impl Span {
    /// All time.
    pub const ALL: Self = Self { since: EpochMs(0), until: EpochMs(i64::MAX) };

    /// The first id that an alert of this span may have, and the first after it.
    #[must_use]
    pub fn ids(self) -> (AlertId, AlertId) {
        // What an id of ours can hold: the year 10889.
        let first = |at: EpochMs| AlertId::new(EpochMs(at.0.clamp(0, (1 << 48) - 1)), [0; 10]);
        (first(self.since), first(self.until))
    }
}

impl AlertFilter {
    /// Whether an alert of this kind and state is asked for.
    #[must_use]
    pub fn wants(&self, kind: &str, state: AlertState) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.state.is_none_or(|wanted| wanted == state)
    }
}

impl HistoryFilter {
    /// Whether a delivery like this is asked for.
    #[must_use]
    pub fn wants(&self, kind: &str, state: DeliveryState, reason: Option<EndReason>) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.state.is_none_or(|wanted| wanted == state)
            && self.reason.is_none_or(|wanted| Some(wanted) == reason)
    }
}

impl PageSize {
    /// Cuts what was looked at, in order, down to a page: the first that fit, and where the next one begins. It must
    /// have been looked at one row more than `looks`, if there was one.
    pub(super) fn cut<T, K: Copy>(
        self,
        looked_at: Vec<T>,
        key: impl Fn(&T) -> K,
        fits: impl Fn(&T) -> bool,
    ) -> Page<T, K> {
        let (rows, looks) = (self.rows as usize, self.looks as usize);
        let mut last = None;
        let mut page = Vec::new();
        for (place, row) in looked_at.into_iter().enumerate() {
            if place == looks || page.len() == rows {
                return Page { rows: page, next: last };
            }
            last = Some(key(&row));
            if fits(&row) {
                page.push(row);
            }
        }
        Page { rows: page, next: None }
    }
}

#[cfg(test)]
mod tests {
    use super::{Page, PageSize, Span};
    use crate::domain::{AlertId, EpochMs};

    fn cut(size: PageSize, numbers: std::ops::Range<u32>) -> Page<u32, u32> {
        size.cut(numbers.collect(), |number| *number, |number| number % 10 == 0)
    }

    #[test]
    fn a_page_ends_when_it_is_full_or_has_looked_enough() {
        let size = PageSize { rows: 2, looks: 30 };
        assert_eq!(cut(size, 0..31), Page { rows: vec![0, 10], next: Some(10) });
        assert_eq!(cut(size, 11..42), Page { rows: vec![20, 30], next: Some(30) });
        assert_eq!(cut(size, 31..40), Page { rows: vec![], next: None });
        let narrow = PageSize { rows: 2, looks: 5 };
        assert_eq!(cut(narrow, 1..7), Page { rows: vec![], next: Some(5) });
        assert_eq!(cut(narrow, 6..11), Page { rows: vec![10], next: None });
        assert_eq!(cut(narrow, 5..5), Page { rows: vec![], next: None });
    }

    #[test]
    fn a_span_holds_the_ids_of_its_moments() {
        let (first, end) = Span { since: EpochMs(1_000), until: EpochMs(2_000) }.ids();
        let id = |at, entropy| AlertId::new(EpochMs(at), [entropy; 10]);
        assert!(id(999, 255) < first && first <= id(1_000, 0));
        assert!(id(1_999, 255) < end && end <= id(2_000, 0));
        let (first, end) = Span::ALL.ids();
        assert!(first <= id(0, 0) && id(253_402_300_799_999, 255) < end);
    }
}

//! The record of the model: every question is answered by looking at all of it.

use async_trait::async_trait;

use super::ModelStore;
use super::state::State;
use crate::domain::report::Outcome;
use crate::domain::{Alert, AlertId, AppId, Delivery, DeliveryState, GroupId, RiderId, RiderKey};
use crate::store::{
    AlertFilter, AlertSummary, DeliveryPlace, HistoryFilter, Page, PageSize, PastDelivery, RecordStore, Span,
    StoreResult, Whose,
};

#[async_trait]
impl RecordStore for ModelStore {
    async fn find_alerts(
        &self,
        app: AppId,
        filter: AlertFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<AlertSummary, AlertId>> {
        self.with(|state| {
            let is_of_order = |alert: &Alert| filter.order.is_none() || alert.order_id == filter.order;
            let is_for_rider = |alert: &Alert| {
                filter.rider.as_ref().is_none_or(|rider| state.book.delivery(alert.id, rider).is_some())
            };
            let mut alerts = state.alerts_in(app, filter.span, before);
            alerts.retain(|alert| is_of_order(alert) && is_for_rider(alert));
            let page = size.cut(alerts, |alert| alert.id, |alert| filter.wants(&alert.kind, alert.state));
            let rows = page.rows.into_iter().map(|alert| state.summary(alert));
            Page { rows: rows.collect(), next: page.next }
        })
    }

    async fn rider_history(
        &self,
        rider: RiderKey,
        filter: HistoryFilter,
        before: Option<AlertId>,
        size: PageSize,
    ) -> StoreResult<Page<PastDelivery, AlertId>> {
        self.with(|state| {
            let alerts = state.alerts_in(rider.app, filter.span, before).into_iter();
            let theirs = alerts.filter_map(|alert| {
                let delivery = state.book.delivery(alert.id, &rider.rider)?.clone();
                let Alert { head, event_id, .. } = alert;
                Some(PastDelivery {
                    delivery,
                    event_id,
                    order_id: head.order_id,
                    kind: head.kind,
                    key_mode: head.key_mode,
                    created_at: head.created_at,
                })
            });
            let fits =
                |past: &PastDelivery| filter.wants(&past.kind, past.delivery.state, past.delivery.reason);
            size.cut(theirs.collect(), |past| past.delivery.alert, fits)
        })
    }

    async fn outcomes(
        &self,
        app: AppId,
        whose: Whose,
        span: Span,
        after: Option<DeliveryPlace>,
        limit: u32,
    ) -> StoreResult<Vec<Outcome>> {
        self.with(|state| {
            let alerts = state.alerts_in(app, span, None);
            let mut all: Vec<Outcome> = alerts.iter().flat_map(|alert| state.outcomes_of(alert)).collect();
            all.retain(|outcome| match &whose {
                Whose::All => true,
                Whose::Rider(rider) => outcome.rider == *rider,
            });
            let place = |outcome: &Outcome| (outcome.alert, outcome.rider.clone());
            all.sort_by_key(|outcome| std::cmp::Reverse(place(outcome)));
            all.retain(|outcome| after.as_ref().is_none_or(|after| place(outcome) < *after));
            all.truncate(limit as usize);
            all
        })
    }

    async fn groups_of(&self, app: AppId, riders: Vec<RiderId>) -> StoreResult<Vec<(RiderId, GroupId)>> {
        self.with(|state| {
            let groups = state.groups.iter().filter(|((of, _), _)| *of == app);
            let members =
                groups.flat_map(|((_, group), all)| all.iter().map(|rider| (rider.clone(), group.clone())));
            let mut found: Vec<_> = members.filter(|(rider, _)| riders.contains(rider)).collect();
            found.sort();
            found
        })
    }
}

impl State {
    /// The app's alerts of this span before that one, newest first.
    fn alerts_in(&self, app: AppId, span: Span, before: Option<AlertId>) -> Vec<Alert> {
        let (first, end) = span.ids();
        let end = before.map_or(end, |before| before.min(end));
        let ids = self.bodies.keys().rev().filter(|id| first <= **id && **id < end);
        ids.filter_map(|id| self.whole(*id)).filter(|alert| alert.app == app).collect()
    }

    fn of_alert(&self, alert: AlertId) -> impl Iterator<Item = &Delivery> {
        self.book.deliveries().map(|(delivery, _)| delivery).filter(move |delivery| delivery.alert == alert)
    }

    fn summary(&self, alert: Alert) -> AlertSummary {
        let count = |state: DeliveryState| {
            let of_state = self.of_alert(alert.id).filter(|delivery| delivery.state == state);
            (state, of_state.count() as u64)
        };
        let deliveries = DeliveryState::ALL.into_iter().map(count).filter(|(_, count)| *count > 0);
        AlertSummary { deliveries: deliveries.collect(), alert }
    }

    fn outcomes_of(&self, alert: &Alert) -> Vec<Outcome> {
        let outcomes = self.of_alert(alert.id).map(|delivery| Outcome {
            alert: alert.id,
            delivery: delivery.id,
            rider: delivery.rider.clone(),
            order_id: alert.order_id.clone(),
            kind: alert.kind.clone(),
            key_mode: alert.key_mode,
            need: delivery.need,
            starts_at: alert.starts_at,
            stored_at: alert.stored_at,
            reason: delivery.reason,
            trouble: delivery.trouble.clone(),
            sent_at: delivery.sent_at,
            received_at: delivery.received_at,
            playing_at: delivery.playing_at,
            played_at: delivery.played_at,
            answered_at: delivery.answered_at,
            ended_at: delivery.ended_at,
        });
        outcomes.collect()
    }
}

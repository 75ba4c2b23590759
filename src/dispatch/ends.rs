//! Taking back: one alert, or everything of an order.
//! What is not known is remembered as cancelled all the same: its offer may be on the way.

use tracing::info;

use super::Dispatch;
use crate::domain::app::KeyMode;
use crate::domain::{AlertId, AppId, OrderKey};
use crate::store::StoreResult;

impl Dispatch {
    /// Takes an alert back, for a key of this mode. `None` if there is no such alert that the key may touch; else how many
    /// deliveries it ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_alert(&self, app: AppId, by: KeyMode, alert: AlertId) -> StoreResult<Option<usize>> {
        if !self.may_touch(app, by, alert).await? {
            return Ok(None);
        }
        let ended = self.store.cancel_alert(app, alert, self.wall()).await?;
        Ok(ended.map(|ended| {
            info!(alert.id = %alert, deliveries = ended.len(), "Alert cancelled.");
            self.tell_ended(&ended)
        }))
    }

    /// Whether there is such an alert for a key of this mode: for a test key one of a test.
    pub(super) async fn may_touch(&self, app: AppId, by: KeyMode, alert: AlertId) -> StoreResult<bool> {
        if by.may_touch(KeyMode::Live) {
            return Ok(true);
        }
        let record = self.store.alert(app, alert).await?;
        // Whose world an alert is in never changes.
        Ok(record.is_some_and(|record| by.may_touch(record.alert.key_mode)))
    }

    /// Takes back every open alert of an order; how many deliveries that ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_order(&self, order: OrderKey) -> StoreResult<usize> {
        let (app, test) = (order.app, order.key_mode.is_test());
        let ended = self.store.cancel_order(order, self.wall()).await?;
        info!(app.id = %app, test, deliveries = ended.len(), "Alerts of an order cancelled.");
        Ok(self.tell_ended(&ended))
    }
}

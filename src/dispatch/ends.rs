//! Taking back: one alert, or everything of an order.
//! What is not known is remembered as cancelled all the same: its offer may be on the way.

use tracing::info;

use super::Dispatch;
use crate::domain::{AlertId, AppId, OrderId};
use crate::store::StoreResult;

impl Dispatch {
    /// Takes an alert back. `None` if there is no such alert; else how many deliveries it ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_alert(&self, app: AppId, alert: AlertId) -> StoreResult<Option<usize>> {
        let ended = self.store.cancel_alert(app, alert, self.wall()).await?;
        Ok(ended.map(|ended| {
            info!(alert.id = %alert, deliveries = ended.len(), "Alert cancelled.");
            self.tell_ended(&ended)
        }))
    }

    /// Takes back every open alert of an order; how many deliveries that ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_order(&self, app: AppId, order: OrderId) -> StoreResult<usize> {
        let ended = self.store.cancel_order(app, order, self.wall()).await?;
        info!(app.id = %app, deliveries = ended.len(), "Alerts of an order cancelled.");
        Ok(self.tell_ended(&ended))
    }
}

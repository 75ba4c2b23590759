-- The record is looked through by time, by order and by rider. Ids of alerts rise with the time their event came in, so
-- each of these is a walk over one stretch of one index, however much is stored beside it.

CREATE UNIQUE INDEX alerts_of_app ON alerts (app_id, id);
-- Their conditions always hold. They keep these two for the statements that say the same: without statistics SQLite would
-- take them for questions about what is open as well, and walk over all that has ended.
CREATE INDEX alerts_of_order ON alerts (app_id, order_id, id) WHERE order_id > '';
CREATE INDEX deliveries_of_rider ON deliveries (app_id, rider_id, alert_id) WHERE alert_id > '';

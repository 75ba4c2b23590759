-- The record is looked through by time, by order and by rider. Ids of alerts rise with the time their event came in, so
-- each of these is a walk over one stretch of one index, however much is stored beside it.

CREATE UNIQUE INDEX alerts_of_app ON alerts (app_id, id);
CREATE INDEX alerts_of_order ON alerts (app_id, order_id, id) WHERE order_id > '';
CREATE INDEX deliveries_of_rider ON deliveries (app_id, rider_id, alert_id);

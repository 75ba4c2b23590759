-- Offers, ladders, the memory of orders, presence, large audiences, schedules.

ALTER TABLE apps ADD COLUMN settings TEXT NOT NULL DEFAULT '{}'; -- JSON

ALTER TABLE riders ADD COLUMN duty_at INTEGER;
ALTER TABLE riders ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE riders ADD COLUMN unanswered_at INTEGER;
ALTER TABLE riders ADD COLUMN answered_at INTEGER;
ALTER TABLE riders ADD COLUMN minute_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE riders ADD COLUMN minute_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE riders ADD COLUMN burst_until INTEGER NOT NULL DEFAULT 0;

-- JSON: what the event was answered; NULL for events of before, which have one alert and all its deliveries.
ALTER TABLE events ADD COLUMN answer TEXT;

ALTER TABLE alerts ADD COLUMN mode TEXT NOT NULL DEFAULT 'notify';
ALTER TABLE alerts ADD COLUMN arbiter TEXT NOT NULL DEFAULT 'service';
ALTER TABLE alerts ADD COLUMN callback_url TEXT;
ALTER TABLE alerts ADD COLUMN jitter_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN collapse_key TEXT;
ALTER TABLE alerts ADD COLUMN starts_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN answer_ms INTEGER;
ALTER TABLE alerts ADD COLUMN ladder TEXT NOT NULL DEFAULT '[]'; -- JSON
ALTER TABLE alerts ADD COLUMN candidates TEXT NOT NULL DEFAULT '[]'; -- JSON: list of riders
ALTER TABLE alerts ADD COLUMN winner TEXT;
ALTER TABLE alerts ADD COLUMN steps_done INTEGER NOT NULL DEFAULT 0; -- a bit for each level
ALTER TABLE alerts ADD COLUMN step_due_at INTEGER;
ALTER TABLE alerts ADD COLUMN ladder_late_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN candidates_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN unrolling INTEGER NOT NULL DEFAULT 0;
UPDATE alerts SET starts_at = created_at,
    mode = CASE need WHEN 'accept' THEN 'assign' WHEN 'confirm' THEN 'ack' ELSE 'notify' END;

CREATE INDEX alerts_step_due ON alerts (step_due_at) WHERE state = 'active' AND step_due_at IS NOT NULL;
CREATE INDEX alerts_unrolling ON alerts (starts_at) WHERE state IN ('active', 'scheduled') AND unrolling = 1;
CREATE INDEX alerts_empty ON alerts (expires_at) WHERE state IN ('active', 'scheduled') AND open_count = 0;
DROP INDEX alerts_order;
-- Of a large alert that is over, some deliveries may be open until the next sweeps.
CREATE INDEX alerts_order ON alerts (app_id, order_id)
    WHERE (state IN ('active', 'scheduled') OR open_count > 0) AND order_id IS NOT NULL;

ALTER TABLE deliveries ADD COLUMN sent_ring INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN rung_at INTEGER;
ALTER TABLE deliveries ADD COLUMN held_until INTEGER;
ALTER TABLE deliveries ADD COLUMN late_answer TEXT;
ALTER TABLE deliveries ADD COLUMN ask_due_at INTEGER;
UPDATE deliveries SET sent_ring = ring WHERE sent_at IS NOT NULL;

CREATE INDEX deliveries_held ON deliveries (held_until) WHERE held_until IS NOT NULL;
CREATE INDEX deliveries_ask_due ON deliveries (ask_due_at) WHERE ask_due_at IS NOT NULL;
CREATE INDEX deliveries_rung ON deliveries (rung_at) WHERE ended_at IS NULL AND rung_at IS NOT NULL;

-- Whom an alert is for that is told later, in parts: those after `cursor`, by their ids.
CREATE TABLE targets (
    alert_id TEXT NOT NULL PRIMARY KEY REFERENCES alerts (id),
    target TEXT NOT NULL, -- JSON
    version INTEGER,
    occurred_at INTEGER,
    cursor TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE orders (
    app_id TEXT NOT NULL REFERENCES apps (id),
    id TEXT NOT NULL,
    version INTEGER,
    occurred_at INTEGER,
    rider_id TEXT,
    assignments INTEGER NOT NULL,
    tombstone TEXT, -- JSON
    riders TEXT NOT NULL, -- JSON: rider to what concerns them
    touched_at INTEGER NOT NULL,
    PRIMARY KEY (app_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX orders_touched ON orders (touched_at);

-- What desks and backends must hear of.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    alert_id TEXT,
    order_id TEXT,
    rider_id TEXT,
    at INTEGER NOT NULL
) STRICT;

CREATE INDEX notices_app ON notices (app_id, number);

-- Requests that ladder steps ask for.
CREATE TABLE calls (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    rider_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    call TEXT NOT NULL, -- JSON
    due_at INTEGER, -- NULL once it is over
    attempts INTEGER NOT NULL,
    status INTEGER,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX calls_due ON calls (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE schedules (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    event_id TEXT NOT NULL,
    body TEXT NOT NULL, -- JSON
    recurrence TEXT NOT NULL, -- JSON
    next_at INTEGER, -- NULL once it has ended
    fired INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;

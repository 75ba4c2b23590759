-- What backends are told: where each app wants to hear it, every callback until it has arrived, and who was told to be
-- connected.

CREATE TABLE callback_targets (
    id TEXT NOT NULL PRIMARY KEY,
    app_id TEXT NOT NULL REFERENCES apps (id),
    url TEXT NOT NULL,
    kinds TEXT, -- JSON: list of words; NULL for all
    batch_max INTEGER NOT NULL,
    hears_presence INTEGER NOT NULL, -- whether it is active and wants rider.online or rider.offline
    stopped_at INTEGER, -- NULL while it is active
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX callback_targets_app ON callback_targets (app_id);

-- Of each lane of a destination only the first that waits is due: it alone has `due_at`. What the event carried for its
-- sender, and its trace, are read from the alert.
CREATE TABLE callbacks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL,
    destination TEXT NOT NULL, -- id of a target, or url: and a hash
    url TEXT, -- where the event named it itself
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    alert_id TEXT,
    event_id TEXT,
    order_id TEXT,
    rider_id TEXT,
    key_mode TEXT NOT NULL,
    data TEXT NOT NULL, -- JSON
    at INTEGER NOT NULL,
    state TEXT NOT NULL, -- waiting, delivered, dead
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    batch TEXT, -- id of the request that it is sent in with others
    tries TEXT NOT NULL DEFAULT '[]', -- JSON: the last ones
    ended_at INTEGER
) STRICT;

CREATE INDEX callbacks_due ON callbacks (app_id, destination, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX callbacks_lane ON callbacks (app_id, destination, lane, number) WHERE state = 'waiting';
CREATE INDEX callbacks_app ON callbacks (app_id, number);
CREATE INDEX callbacks_alert ON callbacks (alert_id, number) WHERE alert_id IS NOT NULL;
CREATE INDEX callbacks_ended ON callbacks (state, ended_at) WHERE ended_at IS NOT NULL;

ALTER TABLE riders ADD COLUMN presence_due_at INTEGER;
ALTER TABLE riders ADD COLUMN told_online INTEGER; -- NULL until a backend is told for the first time

CREATE INDEX riders_presence_due ON riders (presence_due_at) WHERE presence_due_at IS NOT NULL;
CREATE INDEX riders_told_online ON riders (app_id, id) WHERE told_online;

-- Whether somebody could hear the alert of those who were told so far.
ALTER TABLE targets ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;

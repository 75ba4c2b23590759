-- What ages, and what is left of riders who were erased.

-- Where riders of an app begin to count who have no row: above everybody who was ever erased.
ALTER TABLE apps ADD COLUMN seq_floor BIGINT NOT NULL DEFAULT 0;

-- Keyed hashes of riders who were erased, for as long as a token of theirs may be about. The key is not here.
CREATE TABLE erasures (
    app_id TEXT COLLATE "C" NOT NULL,
    mark BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (app_id, mark)
);

CREATE INDEX erasures_at ON erasures (at);

-- Whether it says anything still.
ALTER TABLE alerts ADD COLUMN texts_gone BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX alerts_ended ON alerts (app_id, texts_gone, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX alerts_candidates ON alerts (app_id, id) WHERE candidates <> '[]';

CREATE INDEX calls_ended ON calls (app_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX calls_alert ON calls (alert_id);

CREATE INDEX device_checks_at ON device_checks (app_id, at);
CREATE INDEX notices_rider ON notices (app_id, rider_id) WHERE rider_id IS NOT NULL;
CREATE INDEX schedules_ended ON schedules (id) WHERE next_at IS NULL;

-- Callbacks age app by app. Those of riders who were erased go as soon as they have ended.
DROP INDEX callbacks_ended;
CREATE INDEX callbacks_ended ON callbacks (app_id, state, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX callbacks_rider ON callbacks (app_id, rider_id) WHERE alert_id IS NULL AND rider_id IS NOT NULL;
ALTER TABLE callbacks ADD COLUMN of_erased BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX callbacks_of_erased ON callbacks (number) WHERE of_erased;

-- The time zone in an app's settings is the one truth about its clock.
ALTER TABLE apps DROP COLUMN utc_offset_s;

-- Test keys: their events are marked, and no real rider is told.
ALTER TABLE api_keys ADD COLUMN mode TEXT NOT NULL DEFAULT 'live';

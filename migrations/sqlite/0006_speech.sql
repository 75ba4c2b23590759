-- What clips are made of, what an app words for itself in versions, and for what ears a rider's clips are levelled.

-- Not by app: one clip serves all whose sentence is the same.
CREATE TABLE clip_recipes (
    name TEXT NOT NULL PRIMARY KEY,
    recipe TEXT NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX clip_recipes_used_at ON clip_recipes (used_at);

-- Phrases of a kind, or the lexicon, which is of no kind. `ordinal` rises with every version of anything: the highest
-- of an app tells whether any of it has changed.
CREATE TABLE wordings (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    app_id TEXT NOT NULL REFERENCES apps (id),
    kind TEXT NOT NULL,
    lang TEXT NOT NULL,
    merchant TEXT NOT NULL, -- empty for all
    version INTEGER NOT NULL,
    list TEXT NOT NULL, -- JSON; empty where it was taken back
    saved_at INTEGER NOT NULL,
    UNIQUE (app_id, kind, lang, merchant, version)
) STRICT;

CREATE INDEX wordings_app ON wordings (app_id, ordinal);

INSERT INTO wordings (app_id, kind, lang, merchant, version, list, saved_at)
    SELECT app_id, kind, lang, '', 1, phrases, 0 FROM templates;
DROP TABLE templates;

ALTER TABLE riders ADD COLUMN sound_profile TEXT;

-- +goose Up

-- Findings of a generation that is to become the current one, until it does.
CREATE TABLE staged_group (
    generation TEXT NOT NULL,
    engine     TEXT NOT NULL,
    group_id   INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    document   BLOB NOT NULL,
    PRIMARY KEY (generation, engine, group_id)
);
CREATE INDEX staged_group_group ON staged_group (group_id);

-- The matchers that workers have, and when they were first and last at work.
CREATE TABLE engine (
    name       TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO engine (name, first_seen, last_seen) SELECT engine, 0, 0 FROM feed WHERE engine <> '';

-- +goose Up

-- All tags that the last listing held, watched or not; NULL before there was one.
ALTER TABLE repository ADD COLUMN known BYTEA;
-- The settings that the watches of its tags were made with.
ALTER TABLE repository ADD COLUMN applied TEXT NOT NULL DEFAULT '';

-- States of targets that a watched repository selects no longer, for when it
-- selects them again.
CREATE TABLE parked (
    target TEXT COLLATE "C" PRIMARY KEY,
    state  BYTEA NOT NULL,
    parked BIGINT NOT NULL
);

-- +goose Up

CREATE TABLE bundle (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    active  BOOLEAN NOT NULL DEFAULT FALSE,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE UNIQUE INDEX bundle_active ON bundle (active) WHERE active;

-- Kept for evaluations that were made with them.
CREATE TABLE bundle_content (
    hash     TEXT PRIMARY KEY,
    document BLOB NOT NULL
);

-- +goose Up

CREATE TABLE repository (
    name     TEXT PRIMARY KEY,
    content  TEXT NOT NULL, -- JSON
    revision INTEGER NOT NULL DEFAULT 0,
    listed   BOOLEAN NOT NULL DEFAULT FALSE,
    tags     BLOB NOT NULL,
    problem  TEXT NOT NULL DEFAULT '', -- JSON; '' for none
    checked  INTEGER NOT NULL DEFAULT 0,
    created  INTEGER NOT NULL,
    updated  INTEGER NOT NULL
);

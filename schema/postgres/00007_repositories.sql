-- +goose Up

CREATE TABLE repository (
    name     TEXT COLLATE "C" PRIMARY KEY,
    content  TEXT NOT NULL, -- JSON
    revision BIGINT NOT NULL DEFAULT 0,
    listed   BOOLEAN NOT NULL DEFAULT FALSE,
    tags     BYTEA NOT NULL,
    problem  TEXT NOT NULL DEFAULT '', -- JSON; '' for none
    checked  BIGINT NOT NULL DEFAULT 0,
    created  BIGINT NOT NULL,
    updated  BIGINT NOT NULL
);

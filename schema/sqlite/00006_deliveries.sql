-- +goose Up

CREATE TABLE endpoint (
    name          TEXT PRIMARY KEY,
    content       TEXT NOT NULL, -- JSON, without secrets
    state         TEXT NOT NULL, -- JSON
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);

CREATE TABLE notification (
    seq     INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    type    TEXT NOT NULL,
    subject TEXT NOT NULL,
    cause   TEXT NOT NULL,
    created INTEGER NOT NULL,
    summary TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX notification_type ON notification (type, seq);
CREATE INDEX notification_subject ON notification (subject, seq);

CREATE TABLE delivery (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    notification TEXT NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
    endpoint     TEXT NOT NULL,
    state        TEXT NOT NULL,
    created      INTEGER NOT NULL,
    attempts     INTEGER NOT NULL,
    last_try     INTEGER NOT NULL,
    next_try     INTEGER NOT NULL,
    give_up      INTEGER NOT NULL,
    patience     INTEGER NOT NULL, -- from creation to giving up
    answer       TEXT NOT NULL,
    UNIQUE (notification, endpoint)
);
CREATE INDEX delivery_pending ON delivery (endpoint, next_try) WHERE state = 'pending';
CREATE INDEX delivery_created ON delivery (created, id);

CREATE TABLE attempt (
    delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    number   INTEGER NOT NULL,
    made     INTEGER NOT NULL,
    duration INTEGER NOT NULL,
    status   INTEGER NOT NULL,
    answer   TEXT NOT NULL,
    PRIMARY KEY (delivery, number)
);

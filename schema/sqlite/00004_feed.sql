-- +goose Up

-- One row. All stored findings of its engine are valid for its generation.
CREATE TABLE feed (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    generation TEXT NOT NULL,
    engine     TEXT NOT NULL,
    checked    INTEGER NOT NULL,
    problem    TEXT NOT NULL -- JSON; '' for none
);
INSERT INTO feed (id, generation, engine, checked, problem) VALUES (1, '', '', 0, '');

CREATE TABLE feed_generation (
    checksum TEXT PRIMARY KEY,
    content  TEXT NOT NULL, -- JSON
    state    TEXT NOT NULL,
    reasons  TEXT NOT NULL, -- JSON
    saved    INTEGER NOT NULL
);

CREATE TABLE feed_sums (
    generation TEXT PRIMARY KEY,
    document   BLOB NOT NULL
);

-- +goose Up

-- How many vulnerabilities a target had from a moment on, until the next row.
CREATE TABLE target_history (
    target     TEXT NOT NULL REFERENCES target (name) ON DELETE CASCADE,
    at         INTEGER NOT NULL,
    critical   INTEGER NOT NULL,
    high       INTEGER NOT NULL,
    medium     INTEGER NOT NULL,
    low        INTEGER NOT NULL,
    negligible INTEGER NOT NULL,
    unknown    INTEGER NOT NULL,
    PRIMARY KEY (target, at)
);

INSERT INTO target_history (target, at, critical, high, medium, low, negligible, unknown)
    SELECT target, changed, critical, high, medium, low, negligible, unknown FROM target_state WHERE matched;

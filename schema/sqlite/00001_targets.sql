-- +goose Up

-- A row here is a target with an active subscription; it goes with the last one.
CREATE TABLE target (
    name       TEXT PRIMARY KEY,
    registry   TEXT NOT NULL,
    repository TEXT NOT NULL,
    poll       INTEGER NOT NULL,
    seen       TEXT NOT NULL DEFAULT '', -- digest at the last look of the sweep
    due        INTEGER NOT NULL          -- of the next look
);
CREATE INDEX target_due ON target (registry, due);
CREATE INDEX target_repository ON target (repository);

CREATE TABLE target_state (
    target       TEXT PRIMARY KEY REFERENCES target (name) ON DELETE CASCADE,
    revision     INTEGER NOT NULL DEFAULT 0,
    manifest     TEXT NOT NULL DEFAULT '',
    index_digest TEXT NOT NULL DEFAULT '',
    analyzed     TEXT NOT NULL DEFAULT '',
    generation   TEXT NOT NULL DEFAULT '',
    engine       TEXT NOT NULL DEFAULT '',
    bundle       TEXT NOT NULL DEFAULT '',
    analyzer     TEXT NOT NULL DEFAULT '',
    matched      BOOLEAN NOT NULL DEFAULT FALSE,
    critical     INTEGER NOT NULL DEFAULT 0,
    high         INTEGER NOT NULL DEFAULT 0,
    medium       INTEGER NOT NULL DEFAULT 0,
    low          INTEGER NOT NULL DEFAULT 0,
    negligible   INTEGER NOT NULL DEFAULT 0,
    unknown      INTEGER NOT NULL DEFAULT 0,
    status       TEXT NOT NULL DEFAULT '',
    final_action TEXT NOT NULL DEFAULT '',
    problem      TEXT NOT NULL DEFAULT '', -- JSON; '' for none
    checked      INTEGER NOT NULL DEFAULT 0,
    changed      INTEGER NOT NULL DEFAULT 0,
    next_change  INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX target_state_analyzed ON target_state (analyzed);

-- Apart from the state, so that a check does not rewrite them.
CREATE TABLE target_document (
    target   TEXT NOT NULL REFERENCES target (name) ON DELETE CASCADE,
    kind     TEXT NOT NULL, -- vulnerabilities, evaluation
    document BLOB NOT NULL,
    PRIMARY KEY (target, kind)
);

-- Subscriptions outlive their target when they are deactivated.
CREATE TABLE subscription (
    target     TEXT NOT NULL,
    type       TEXT NOT NULL,
    active     BOOLEAN NOT NULL,
    options    TEXT NOT NULL,
    repository TEXT NOT NULL, -- the watched repository that brought it; '' for a person's
    created    INTEGER NOT NULL,
    updated    INTEGER NOT NULL,
    PRIMARY KEY (target, type)
);
CREATE INDEX subscription_repository ON subscription (repository) WHERE repository <> '';

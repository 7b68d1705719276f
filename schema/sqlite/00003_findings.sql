-- +goose Up

-- What a group's findings were last computed with.
CREATE TABLE group_match (
    group_id   INTEGER PRIMARY KEY REFERENCES package_group (id) ON DELETE CASCADE,
    engine     TEXT NOT NULL, -- '' for one that is out of date
    generation TEXT NOT NULL
);

CREATE TABLE finding (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id        INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    member          INTEGER NOT NULL,
    vulnerability   TEXT NOT NULL,
    namespace       TEXT NOT NULL,
    severity        TEXT NOT NULL,
    fix_state       TEXT NOT NULL,
    known_exploited BOOLEAN NOT NULL,
    hash            TEXT NOT NULL, -- of what is news
    content         TEXT NOT NULL, -- hash of the whole
    document        BLOB NOT NULL,
    first_seen      INTEGER NOT NULL,
    fix_first_seen  INTEGER NOT NULL
);
CREATE INDEX finding_group ON finding (group_id);
CREATE INDEX finding_vulnerability ON finding (vulnerability);

-- The lower-case ids of all records that a group's findings were made from.
CREATE TABLE finding_reference (
    vulnerability TEXT NOT NULL,
    group_id      INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (vulnerability, group_id)
) WITHOUT ROWID;
CREATE INDEX finding_reference_group ON finding_reference (group_id);

-- The groups whose findings a generation changed.
CREATE TABLE group_change (
    generation TEXT NOT NULL,
    group_id   INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (generation, group_id)
) WITHOUT ROWID;

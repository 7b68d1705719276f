-- +goose Up

CREATE TABLE image (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    digest        TEXT NOT NULL UNIQUE,
    state         TEXT NOT NULL, -- analyzed, analysis_failed
    analyzer      TEXT NOT NULL,
    config        TEXT NOT NULL DEFAULT '', -- digest of the configuration: the image id
    problem       TEXT NOT NULL DEFAULT '', -- JSON; '' for none
    analyzed      INTEGER NOT NULL DEFAULT 0, -- first time
    packages      INTEGER NOT NULL DEFAULT 0,
    files         INTEGER NOT NULL DEFAULT 0,
    groups_engine TEXT NOT NULL DEFAULT '' -- that made its groups; '' for none
);

CREATE TABLE image_document (
    image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL, -- inventory, sbom, locations, artifacts
    document BLOB NOT NULL,
    PRIMARY KEY (image_id, kind)
);

-- Hands out numbers in the order of the commits, which a database sequence does
-- not: a reader that remembers the last number never misses a row.
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);
INSERT INTO counter (name, value) VALUES ('group', 0), ('notification', 0);

-- Packages that are matched together, once for all images that hold them.
CREATE TABLE package_group (
    id          INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    document    BLOB NOT NULL
);

CREATE TABLE package_key (
    key      TEXT NOT NULL,
    group_id INTEGER NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    PRIMARY KEY (key, group_id)
) WITHOUT ROWID;
CREATE INDEX package_key_group ON package_key (group_id);

CREATE TABLE image_group (
    image_id INTEGER NOT NULL REFERENCES image (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES package_group (id),
    PRIMARY KEY (image_id, group_id)
) WITHOUT ROWID;
CREATE INDEX image_group_group ON image_group (group_id, image_id);

-- +goose Up

-- The packages of groups, to find them by their package URL.
CREATE TABLE group_package (
    group_id BIGINT NOT NULL REFERENCES package_group (id) ON DELETE CASCADE,
    member   BIGINT NOT NULL,
    lookup   TEXT NOT NULL, -- lower-case name in the package URL, without its namespace
    name     TEXT NOT NULL,
    version  TEXT NOT NULL,
    type     TEXT NOT NULL,
    purl     TEXT NOT NULL,
    PRIMARY KEY (group_id, member)
);
CREATE INDEX group_package_lookup ON group_package (lookup);

-- +goose Up

-- When workers with an analyzer, in its version and settings, were at work.
CREATE TABLE analyzer (
    name       TEXT PRIMARY KEY,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) WITHOUT ROWID;

-- Images that an analyzer could not renew.
CREATE TABLE renewal (
    image_id INTEGER PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    analyzer TEXT NOT NULL,
    failures INTEGER NOT NULL,
    due      INTEGER NOT NULL -- when it is tried again; 0 for never
);

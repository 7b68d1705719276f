-- +goose Up

-- When workers with an analyzer, in its version and settings, were at work.
CREATE TABLE analyzer (
    name       TEXT PRIMARY KEY,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL
);

-- Images that an analyzer could not renew.
CREATE TABLE renewal (
    image_id BIGINT PRIMARY KEY REFERENCES image (id) ON DELETE CASCADE,
    analyzer TEXT NOT NULL,
    failures INTEGER NOT NULL,
    due      BIGINT NOT NULL -- when it is tried again; 0 for never
);

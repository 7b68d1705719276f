-- +goose Up

-- When the current data were found to be too old; 0 while they are not.
ALTER TABLE feed ADD COLUMN stale_since INTEGER NOT NULL DEFAULT 0;

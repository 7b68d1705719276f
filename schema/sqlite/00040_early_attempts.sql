-- +goose Up

-- How many of the attempts were made before they were due, to find out whether
-- the endpoint is back. The schedule does not count them.
ALTER TABLE delivery ADD COLUMN early INTEGER NOT NULL DEFAULT 0;

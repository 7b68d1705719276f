-- +goose Up

-- The span that found it, for the trace of its delivery; empty where nobody
-- traces.
ALTER TABLE notification ADD COLUMN trace TEXT NOT NULL DEFAULT '';

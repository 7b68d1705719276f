-- +goose Up

-- EPSS scores of the current generation.
CREATE TABLE epss (
    cve         TEXT PRIMARY KEY, -- upper-case
    probability REAL NOT NULL,
    percentile  REAL NOT NULL
);

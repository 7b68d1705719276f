-- +goose Up

-- EPSS scores of the current generation.
CREATE TABLE epss (
    cve         TEXT PRIMARY KEY, -- upper-case
    probability DOUBLE PRECISION NOT NULL,
    percentile  DOUBLE PRECISION NOT NULL
);

-- +goose Up

-- How many vulnerabilities a target had from a moment on, until the next row.
CREATE TABLE target_history (
    target     TEXT COLLATE "C" NOT NULL REFERENCES target (name) ON DELETE CASCADE,
    at         BIGINT NOT NULL,
    critical   BIGINT NOT NULL,
    high       BIGINT NOT NULL,
    medium     BIGINT NOT NULL,
    low        BIGINT NOT NULL,
    negligible BIGINT NOT NULL,
    unknown    BIGINT NOT NULL,
    PRIMARY KEY (target, at)
);

INSERT INTO target_history (target, at, critical, high, medium, low, negligible, unknown)
    SELECT target, changed, critical, high, medium, low, negligible, unknown FROM target_state WHERE matched;

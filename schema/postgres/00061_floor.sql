-- +goose Up

-- The oldest schema version that a program must know to use this database. A
-- migration that programs before it do not survive sets it to its own version.
CREATE TABLE schema_floor (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO schema_floor (id, version) VALUES (1, 0);

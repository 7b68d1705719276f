-- +goose Up

-- Whether group_package has the packages of the group. Groups of before that
-- table are listed by a worker, which can read their documents.
ALTER TABLE package_group ADD COLUMN listed BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX package_group_unlisted ON package_group (id) WHERE NOT listed;

-- +goose Up

-- The id of the message that a delivery is told in: that of a group, or the
-- notification's own; empty until it is decided, and where nothing is grouped.
ALTER TABLE delivery ADD COLUMN message TEXT NOT NULL DEFAULT '';
CREATE INDEX delivery_message ON delivery (endpoint, message) WHERE message <> '';
CREATE INDEX attempt_made ON attempt (made);

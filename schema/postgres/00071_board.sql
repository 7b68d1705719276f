-- +goose Up

-- The orders of the status page, of which it reads a page at a time.
CREATE INDEX target_state_gravity ON target_state (critical DESC, high DESC, medium DESC, low DESC, target);
CREATE INDEX target_state_changed ON target_state (changed DESC, target);

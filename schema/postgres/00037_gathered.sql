-- +goose Up

-- What endpoints are told of in one summary rather than one by one.
CREATE TABLE gathered (
    endpoint     TEXT NOT NULL REFERENCES endpoint (name) ON DELETE CASCADE,
    notification TEXT NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
    document     TEXT NOT NULL, -- JSON
    PRIMARY KEY (endpoint, notification)
);
CREATE INDEX gathered_notification ON gathered (notification);

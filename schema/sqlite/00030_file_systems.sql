-- +goose Up

-- Identifies the layers of an image, unpacked: images that agree in it are analyzed once.
ALTER TABLE image ADD COLUMN file_system TEXT NOT NULL DEFAULT '';
CREATE INDEX image_file_system ON image (file_system, analyzer) WHERE file_system <> '';

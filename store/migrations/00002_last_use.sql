-- +goose Up
ALTER TABLE organisations ADD COLUMN last_used_at BIGINT; -- when a token of its application was last used, to a few minutes; NULL: never

-- +goose Up
-- Whom an application connects for: a name to show, and its own id of the
-- customer, which keeps two customers of one application apart.
ALTER TABLE intents ADD COLUMN company TEXT NOT NULL DEFAULT '';
ALTER TABLE intents ADD COLUMN company_id TEXT NOT NULL DEFAULT '';
ALTER TABLE organisations ADD COLUMN company TEXT NOT NULL DEFAULT '';
ALTER TABLE organisations ADD COLUMN company_id TEXT NOT NULL DEFAULT '';

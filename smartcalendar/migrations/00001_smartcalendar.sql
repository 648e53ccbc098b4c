-- +goose Up

CREATE TABLE sc_companies (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    name_key            TEXT NOT NULL UNIQUE,  -- folded: finds it again whatever the case
    domain              TEXT NOT NULL,
    smart_calendar      BOOLEAN NOT NULL,
    smart_calendar_plus BOOLEAN NOT NULL,
    created_at          BIGINT NOT NULL
);

CREATE TABLE sc_people (
    id            TEXT PRIMARY KEY,
    company_id    TEXT NOT NULL REFERENCES sc_companies (id),
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL,               -- folded, for searching and sorting
    email         TEXT NOT NULL,               -- as written
    email_key     TEXT NOT NULL,               -- lower case: what is compared
    role          TEXT NOT NULL,               -- administrator, member
    lang          TEXT NOT NULL,
    password      TEXT NOT NULL,               -- argon2id, '' before the invitation was accepted
    active        BOOLEAN NOT NULL,
    excluded      BOOLEAN NOT NULL,            -- not to be connected
    notice        TEXT NOT NULL,               -- shown once: connected
    session       BIGINT NOT NULL,             -- grows when all her sessions are to end
    signed_in_at  BIGINT,                      -- the last time; NULL before the first
    created_at    BIGINT NOT NULL
);
CREATE INDEX sc_people_list ON sc_people (company_id, name_key, id);
CREATE INDEX sc_people_email ON sc_people (email_key);

-- The state of one person's or room's calendar. Everything the runs do is a
-- query over these rows.
CREATE TABLE sc_links (
    id            TEXT PRIMARY KEY,
    company_id    TEXT NOT NULL REFERENCES sc_companies (id),
    person_id     TEXT NOT NULL,               -- '' for a room
    kind          TEXT NOT NULL,               -- person, resource
    name          TEXT NOT NULL,               -- of a room
    detail        TEXT NOT NULL,               -- of a room, JSON: capacity, building, floor
    email_key     TEXT NOT NULL,               -- the address asked for
    token         TEXT NOT NULL UNIQUE,        -- opaque, in the callback's URL; new with every new address
    status        TEXT NOT NULL,               -- none, pending, connected, waiting, error
    cause_key     TEXT NOT NULL,
    cause_facts   TEXT NOT NULL,
    matched_email TEXT NOT NULL,
    matched_by    TEXT NOT NULL,
    sub           TEXT NOT NULL,
    profile_id    TEXT NOT NULL,
    access_token  TEXT NOT NULL,               -- sealed
    refresh_token TEXT NOT NULL,               -- sealed
    access_until  BIGINT,
    code_hash     TEXT NOT NULL,               -- of the last code taken: a replay is not exchanged again
    run_id        TEXT NOT NULL,               -- the run that asked last
    since         BIGINT NOT NULL,
    due_at        BIGINT,                      -- when the hub is to be asked (again)
    tries         BIGINT NOT NULL,
    last_sync_at  BIGINT
);
CREATE UNIQUE INDEX sc_links_subject ON sc_links (company_id, kind, person_id, (CASE WHEN person_id = '' THEN email_key ELSE '' END));
CREATE INDEX sc_links_person ON sc_links (person_id);
CREATE INDEX sc_links_status ON sc_links (company_id, status, cause_key);
CREATE INDEX sc_links_run ON sc_links (run_id, status);
CREATE INDEX sc_links_due ON sc_links (due_at);

-- The company's calendar as the hub knows it.
CREATE TABLE sc_calendars (
    company_id      TEXT PRIMARY KEY REFERENCES sc_companies (id),
    organisation_id TEXT NOT NULL,             -- ser_…, '' before the first connect
    status          TEXT NOT NULL,             -- none, connected, degraded, ended
    access_token    TEXT NOT NULL,             -- sealed
    refresh_token   TEXT NOT NULL,             -- sealed
    access_until    BIGINT,
    connected_at    BIGINT,
    connected_by    TEXT NOT NULL,
    ended_at        BIGINT,
    ended_by        TEXT NOT NULL,
    cause_key       TEXT NOT NULL,
    cause_facts     TEXT NOT NULL,
    connections     TEXT NOT NULL,             -- JSON, as last read from the hub
    read_at         BIGINT,
    read_due_at     BIGINT,                    -- connections and accounts are read from the hub
    look_due_at     BIGINT                     -- the connections alone are
);
CREATE INDEX sc_calendars_organisation ON sc_calendars (organisation_id);
CREATE INDEX sc_calendars_due ON sc_calendars (read_due_at);

CREATE TABLE sc_runs (
    id          TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES sc_companies (id),
    kind        TEXT NOT NULL,                 -- connect, resync, retry
    started_by  TEXT NOT NULL,
    started_at  BIGINT NOT NULL,
    rooms_at    BIGINT,                        -- when the rooms were read; NULL while that is owed
    problem     TEXT NOT NULL,                 -- why it stands still, a cause key
    finished_at BIGINT,
    connected   BIGINT NOT NULL,
    waiting     BIGINT NOT NULL,
    errors      BIGINT NOT NULL,
    rooms       BIGINT NOT NULL
);
CREATE UNIQUE INDEX sc_runs_running ON sc_runs (company_id) WHERE finished_at IS NULL;
CREATE INDEX sc_runs_last ON sc_runs (company_id, started_at);

-- A connect that was started: the OAuth state, known by its hash.
CREATE TABLE sc_connects (
    hash        TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES sc_companies (id),
    person_id   TEXT NOT NULL,                 -- who pressed the button
    kind        TEXT NOT NULL,                 -- browser: only she may return; link: anybody it was given to
    verifier    TEXT NOT NULL,                 -- sealed (RFC 7636)
    url         TEXT NOT NULL,                 -- sealed: of the intent
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX sc_connects_company ON sc_connects (company_id, kind);

-- Grants to end at the hub: a job drives each until it is gone.
CREATE TABLE sc_endings (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL,
    link_id    TEXT NOT NULL,                  -- whose grant it was, or '' for the company's
    email_key  TEXT NOT NULL,
    token      TEXT NOT NULL,                  -- sealed
    created_at BIGINT NOT NULL
);

CREATE INDEX sc_endings_company ON sc_endings (company_id);

-- One-time links: set-up, invitation, password reset.
CREATE TABLE sc_tickets (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    person_id  TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT
);
CREATE INDEX sc_tickets_person ON sc_tickets (person_id);

CREATE TABLE sc_sessions (
    hash       TEXT PRIMARY KEY,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sc_sessions_expires ON sc_sessions (expires_at);

-- Sign-in tries, counted before the password is looked at.
CREATE TABLE sc_tries (
    key          TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT
);

CREATE TABLE sc_imports (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES sc_companies (id),
    rows       TEXT NOT NULL,                  -- JSON
    created_at BIGINT NOT NULL
);

-- Mail on its way, and in a demo what was sent.
CREATE TABLE sc_mails (
    id         TEXT PRIMARY KEY,
    recipient  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    body       TEXT NOT NULL,                  -- sealed; '' once sent, except in a demo
    created_at BIGINT NOT NULL,
    sent_at    BIGINT
);
CREATE INDEX sc_mails_list ON sc_mails (created_at);

CREATE TABLE sc_history (
    id         TEXT PRIMARY KEY,
    company_id TEXT NOT NULL REFERENCES sc_companies (id),
    person_id  TEXT NOT NULL,                  -- whom it is about, or ''
    at         BIGINT NOT NULL,
    actor      TEXT NOT NULL,                  -- a name
    action     TEXT NOT NULL,
    facts      TEXT NOT NULL
);
CREATE INDEX sc_history_company ON sc_history (company_id, at);
CREATE INDEX sc_history_person ON sc_history (person_id, at);

-- +goose Down

-- +goose Up

CREATE TABLE applications (
    id             TEXT PRIMARY KEY,
    client_id      TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL UNIQUE,
    redirect_uris  TEXT NOT NULL,          -- JSON list
    callback_hosts TEXT NOT NULL,          -- JSON list
    notify_url     TEXT NOT NULL,
    created_at     BIGINT NOT NULL
);

-- Two secrets may be valid during a rotation. The hash is for checking, the
-- sealed value for signing callbacks.
CREATE TABLE application_secrets (
    id             TEXT PRIMARY KEY,
    application_id TEXT NOT NULL REFERENCES applications (id),
    hash           TEXT NOT NULL UNIQUE,
    sealed         TEXT NOT NULL,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT                  -- NULL: until rotated
);
CREATE INDEX application_secrets_application ON application_secrets (application_id);

CREATE TABLE organisations (
    id              TEXT PRIMARY KEY,
    application_id  TEXT NOT NULL REFERENCES applications (id),
    domain          TEXT NOT NULL,
    email           TEXT NOT NULL,
    scope           TEXT NOT NULL,
    delegated_scope TEXT NOT NULL,
    confirm_aliases BOOLEAN NOT NULL,      -- an address that is not the primary one wants a yes
    created_at      BIGINT NOT NULL,
    revoked_at      BIGINT
);
CREATE INDEX organisations_application ON organisations (application_id);

CREATE TABLE connections (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    provider        TEXT NOT NULL,
    identity_hash   TEXT NOT NULL,         -- keyed hash: finds the organisation of a reconnect
    tenant          TEXT NOT NULL,
    domain          TEXT NOT NULL,
    level           TEXT NOT NULL,
    credentials     TEXT NOT NULL,         -- sealed; '' once disconnected
    status          TEXT NOT NULL,
    cause_key       TEXT NOT NULL,
    cause_facts     TEXT NOT NULL,         -- JSON object
    connected_at    BIGINT NOT NULL,
    connected_by    TEXT NOT NULL,
    checked_at      BIGINT NOT NULL,
    purge_at        BIGINT,                -- set when disconnected: what is left is purged
    throttled_until BIGINT                 -- the calendar system keeps requests away until then; NULL: it does not
);
CREATE INDEX connections_organisation ON connections (organisation_id);
CREATE INDEX connections_identity ON connections (identity_hash);
CREATE INDEX connections_purge ON connections (purge_at);

CREATE TABLE accounts (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    connection_id   TEXT,
    email           TEXT NOT NULL,         -- as asked for, normalised
    matched_email   TEXT NOT NULL,
    matched_by      TEXT NOT NULL,
    mailbox_id      TEXT NOT NULL,
    name            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    status          TEXT NOT NULL,
    cause_key       TEXT NOT NULL,
    cause_facts     TEXT NOT NULL,
    detail          TEXT NOT NULL,         -- raw vendor answer, folded away on pages
    since           BIGINT NOT NULL,
    last_sync_at    BIGINT,
    tries           BIGINT NOT NULL,
    due_at          BIGINT,                -- matching is due
    UNIQUE (organisation_id, email)
);
CREATE INDEX accounts_due ON accounts (due_at);
CREATE INDEX accounts_matched ON accounts (connection_id, matched_email);
CREATE INDEX accounts_mailbox ON accounts (connection_id, mailbox_id);

CREATE TABLE authorization_requests (
    id              TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    account_id      TEXT NOT NULL REFERENCES accounts (id) ON UPDATE CASCADE, -- a room gets its res_ id when it is found
    callback_url    TEXT NOT NULL,
    scope           TEXT NOT NULL,
    state           TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    answered_at     BIGINT,                -- the last callback was accepted, and none is owed
    queued_at       BIGINT                 -- a callback was put on its way last
);
CREATE INDEX authorization_requests_account ON authorization_requests (account_id);
CREATE INDEX authorization_requests_organisation ON authorization_requests (organisation_id);

CREATE TABLE profiles (
    id            TEXT PRIMARY KEY,
    account_id    TEXT NOT NULL REFERENCES accounts (id),
    connection_id TEXT NOT NULL,
    name          TEXT NOT NULL,
    revoked_at    BIGINT
);
CREATE INDEX profiles_account ON profiles (account_id);
CREATE INDEX profiles_connection ON profiles (connection_id);

CREATE TABLE calendars (
    id           TEXT PRIMARY KEY,
    profile_id   TEXT NOT NULL REFERENCES profiles (id),
    account_id   TEXT NOT NULL REFERENCES accounts (id),
    remote_id    TEXT NOT NULL,
    name         TEXT NOT NULL,
    is_primary   BOOLEAN NOT NULL,
    read_only    BOOLEAN NOT NULL,
    deleted_at   BIGINT,
    cursor       TEXT NOT NULL,
    due_at       BIGINT,
    last_sync_at BIGINT,
    tries        BIGINT NOT NULL,
    cause_key    TEXT NOT NULL,
    cause_facts  TEXT NOT NULL
);
CREATE INDEX calendars_account ON calendars (account_id);
CREATE INDEX calendars_profile ON calendars (profile_id);
CREATE INDEX calendars_due ON calendars (due_at);

-- Busy time, packed: one row a calendar and month.
CREATE TABLE busy_months (
    calendar_id TEXT NOT NULL REFERENCES calendars (id),
    month       TEXT NOT NULL,             -- 2027-02, UTC
    packed      TEXT NOT NULL,             -- base64
    PRIMARY KEY (calendar_id, month)
);

CREATE TABLE grants (
    id              TEXT PRIMARY KEY,
    application_id  TEXT NOT NULL REFERENCES applications (id),
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    account_id      TEXT NOT NULL,         -- '' for the organisation's own grant
    scope           TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    revoked_at      BIGINT
);
CREATE INDEX grants_organisation ON grants (organisation_id);
CREATE INDEX grants_account ON grants (account_id);

CREATE TABLE codes (
    hash           TEXT PRIMARY KEY,
    grant_id       TEXT NOT NULL REFERENCES grants (id),
    client_id      TEXT NOT NULL,
    redirect_uri   TEXT NOT NULL,
    code_challenge TEXT NOT NULL,
    scope          TEXT NOT NULL,
    expires_at     BIGINT NOT NULL,
    used_at        BIGINT
);
CREATE INDEX codes_expires ON codes (expires_at);
CREATE INDEX codes_grant ON codes (grant_id);

CREATE TABLE tokens (
    hash       TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    grant_id   TEXT NOT NULL REFERENCES grants (id),
    code_hash  TEXT NOT NULL,
    expires_at BIGINT,                     -- NULL: until revoked
    created_at BIGINT NOT NULL
);
CREATE INDEX tokens_grant ON tokens (grant_id);
CREATE INDEX tokens_code ON tokens (code_hash);
CREATE INDEX tokens_expires ON tokens (expires_at);

CREATE TABLE intents (
    id              TEXT PRIMARY KEY,
    token_hash      TEXT NOT NULL UNIQUE,  -- of the secret in its url
    application_id  TEXT NOT NULL REFERENCES applications (id),
    organisation_id TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    state           TEXT NOT NULL,
    scope           TEXT NOT NULL,
    delegated_scope TEXT NOT NULL,
    code_challenge  TEXT NOT NULL,
    emails          TEXT NOT NULL,         -- JSON list
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT
);

-- A browser's connect in progress.
CREATE TABLE connects (
    id              TEXT PRIMARY KEY,      -- SHA-256 of the value in the browser's cookie
    application_id  TEXT NOT NULL REFERENCES applications (id),
    intent_id       TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    redirect_uri    TEXT NOT NULL,
    state           TEXT NOT NULL,
    scope           TEXT NOT NULL,
    delegated_scope TEXT NOT NULL,
    code_challenge  TEXT NOT NULL,
    provider        TEXT NOT NULL,
    credentials     TEXT NOT NULL,         -- sealed form values, '' before the form
    check_id        TEXT NOT NULL,         -- changes with every check
    check_at        BIGINT NOT NULL,       -- when it last wrote: one that falls silent has failed
    check_state     TEXT NOT NULL,         -- '', running, ok, failed
    check_steps     TEXT NOT NULL,         -- JSON list of steps
    check_result    TEXT NOT NULL,         -- sealed: completed credentials, tenant, identity
    preview         TEXT NOT NULL,         -- JSON
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    done_at         BIGINT
);
CREATE INDEX connects_expires ON connects (expires_at);

CREATE TABLE mappings (
    organisation_id TEXT NOT NULL REFERENCES organisations (id),
    email           TEXT NOT NULL,
    mailbox         TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (organisation_id, email)
);

-- What outlives a disconnect, so that a reconnect gives the same ids: keyed
-- hashes only.
CREATE TABLE identities (
    application_id TEXT NOT NULL,
    hash           TEXT NOT NULL,          -- of what identifies the thing at its provider
    kind           TEXT NOT NULL,          -- organisation, account, profile, calendar
    id             TEXT NOT NULL,
    PRIMARY KEY (application_id, kind, hash)
);

CREATE TABLE audits (
    id              TEXT PRIMARY KEY,
    at              BIGINT NOT NULL,
    application_id  TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    connection_id   TEXT NOT NULL,
    actor           TEXT NOT NULL,
    action          TEXT NOT NULL,
    facts           TEXT NOT NULL
);
CREATE INDEX audits_organisation ON audits (organisation_id, at);
CREATE INDEX audits_connection ON audits (connection_id, at);

-- Wrong sign-ins, counted per key, so that directory accounts are never locked
-- out and forms cannot be used for spraying or scanning.
CREATE TABLE tries (
    key          TEXT PRIMARY KEY,         -- hash of what is counted
    failures     BIGINT NOT NULL,
    last_at      BIGINT NOT NULL,
    locked_until BIGINT
);

-- Signed-in administrators on the hub's own pages.
CREATE TABLE console_sessions (
    id              TEXT PRIMARY KEY,      -- SHA-256 of the cookie's value
    identity_hash   TEXT NOT NULL,         -- the proven identity: its connections are seen, or '' and
    organisation_id TEXT NOT NULL,         -- the organisation that an operator's link is for
    actor           TEXT NOT NULL,
    expires_at      BIGINT NOT NULL
);

-- An operator's one-time links to the hub's own pages.
CREATE TABLE console_links (
    token_hash      TEXT PRIMARY KEY,
    organisation_id TEXT NOT NULL,
    expires_at      BIGINT NOT NULL,
    used_at         BIGINT
);

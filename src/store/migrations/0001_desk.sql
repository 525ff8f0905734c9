-- What the desk says and does. Instants are UTC microseconds, days are local and written 2025-01-06, numbers are E.164
-- digits. An `id` is the `seq` of the audit row that was written with the row.

CREATE TABLE users (
    name       TEXT PRIMARY KEY,
    role       TEXT NOT NULL,
    added_at   BIGINT NOT NULL,
    removed_at BIGINT
);

CREATE TABLE reviews (
    id      BIGINT PRIMARY KEY,
    number  BIGINT NOT NULL,
    day     TEXT NOT NULL,
    word    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    note    TEXT NOT NULL,
    by_user TEXT NOT NULL,
    at      BIGINT NOT NULL
);

CREATE TABLE appeals (
    id           BIGINT PRIMARY KEY,
    number       BIGINT NOT NULL,
    reason       TEXT NOT NULL,
    note         TEXT NOT NULL,
    opened_by    TEXT NOT NULL,
    opened_at    BIGINT NOT NULL,
    due_at       BIGINT NOT NULL,
    closing      BIGINT,
    word         TEXT,
    close_reason TEXT,
    close_note   TEXT,
    closed_by    TEXT,
    closed_at    BIGINT
);

CREATE UNIQUE INDEX one_open_appeal ON appeals (number) WHERE closed_at IS NULL;

CREATE TABLE releases (
    id          BIGINT PRIMARY KEY,
    number      BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    note        TEXT NOT NULL,
    by_user     TEXT NOT NULL,
    approved_by TEXT,
    at          BIGINT NOT NULL
);

CREATE TABLE allowed (
    id          BIGINT PRIMARY KEY,
    number      BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    note        TEXT NOT NULL,
    from_day    TEXT NOT NULL,
    until_day   TEXT,
    by_user     TEXT NOT NULL,
    approved_by TEXT,
    removed_at  BIGINT
);

CREATE UNIQUE INDEX allowed_once ON allowed (number) WHERE removed_at IS NULL;

CREATE TABLE wishes (
    id          BIGINT PRIMARY KEY,
    deed        TEXT NOT NULL,
    number      BIGINT NOT NULL,
    reason      TEXT NOT NULL,
    note        TEXT NOT NULL,
    until_day   TEXT,
    by_user     TEXT NOT NULL,
    at          BIGINT NOT NULL,
    answer      TEXT,
    answered_by TEXT,
    answered_at BIGINT
);

CREATE TABLE deliveries (
    id        BIGINT PRIMARY KEY,
    file      TEXT NOT NULL,
    sha256    TEXT NOT NULL,
    recipient TEXT NOT NULL,
    way       TEXT NOT NULL,
    state     TEXT NOT NULL,
    at        BIGINT NOT NULL
);

CREATE TABLE receipts (
    id       BIGINT PRIMARY KEY,
    delivery BIGINT NOT NULL REFERENCES deliveries (id),
    number   BIGINT NOT NULL,
    action   TEXT NOT NULL,
    state    TEXT NOT NULL,
    at       BIGINT NOT NULL
);

CREATE TABLE audit (
    seq    BIGINT PRIMARY KEY,
    at     BIGINT NOT NULL,
    actor  TEXT NOT NULL,
    act    TEXT NOT NULL,
    number BIGINT,
    detail TEXT NOT NULL,
    hash   TEXT NOT NULL
);

CREATE INDEX audit_number ON audit (number);

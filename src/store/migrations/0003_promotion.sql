-- Which definitions decide. `definitions` is the hash over all of a set; `answering` is the `seq` of the answer's audit row.

CREATE TABLE promotions (
    id          BIGINT PRIMARY KEY,
    definitions TEXT NOT NULL,
    note        TEXT NOT NULL,
    by_user     TEXT NOT NULL,
    at          BIGINT NOT NULL,
    answering   BIGINT,
    answer      TEXT,
    answered_by TEXT,
    answered_at BIGINT
);

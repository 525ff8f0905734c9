-- Where DuckDB finds calls when only their records have arrived: the fold of one day. There are no messages.
--
-- Simpler than `pipelines/event/call_event.sql` by what these records never hold: long calls in parts, a call reference
-- that comes round within the day, a record sent again under another one.

-- Filled within the time that is measured.
CREATE TEMP TABLE event (
    day DATE, caller BIGINT, caller_kind VARCHAR, caller_name VARCHAR,
    callee BIGINT, callee_kind VARCHAR, callee_name VARCHAR,
    start_us BIGINT, busy_s INTEGER, duration_s INTEGER, is_answered BOOLEAN, cell BIGINT, imei BIGINT,
    is_caller_onnet BOOLEAN, is_callee_onnet BOOLEAN
);

CREATE VIEW note AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name, is_caller_onnet, is_callee_onnet
FROM event WHERE false;

-- Text is kept where there is no number; the first of the types in `rank` leads a call.
CREATE VIEW record AS
SELECT day, caller, callee, call_ref::BIGINT AS call,
    CASE WHEN caller IS NULL THEN caller_kind END AS caller_kind,
    CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
    CASE WHEN callee IS NULL THEN callee_kind END AS callee_kind,
    CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
    CASE record_type WHEN 'originating' THEN 0 WHEN 'incoming_gateway' THEN 1 WHEN 'forwarded' THEN 2
        WHEN 'terminating' THEN 3 ELSE 4 END AS rank,
    epoch_us(start_at) AS start_us, COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered, cell, imei
FROM read_parquet('call_record/*/*.parquet', hive_partitioning = true);

-- One row per call: its leading record, and which types it has as bits.
CREATE VIEW led AS
SELECT caller, caller_kind, caller_name, callee, callee_kind, callee_name, types, UNNEST(leader) FROM (
    SELECT caller, caller_kind, caller_name, callee, callee_kind, callee_name, BIT_OR(1 << rank) AS types,
        ARG_MIN({day: day, rank: rank, start_us: start_us, busy_s: busy_s, duration_s: duration_s,
            is_answered: is_answered, cell: cell, imei: imei}, rank) AS leader
    FROM record GROUP BY caller, callee, call, caller_kind, caller_name, callee_kind, callee_name
);

CREATE VIEW ours AS SELECT DISTINCT number FROM 'subscriber/*.parquet';

CREATE VIEW folded AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name,
    start_us, busy_s, duration_s, is_answered, CASE WHEN rank = 0 THEN cell END AS cell,
    CASE WHEN rank = 0 THEN imei END AS imei,
    rank = 0 OR (types & 2 = 0 AND one.number IS NOT NULL) AS is_caller_onnet,
    types & 8 > 0 OR other.number IS NOT NULL AS is_callee_onnet
FROM led LEFT JOIN ours AS one ON caller = one.number LEFT JOIN ours AS other ON callee = other.number
WHERE day = DATE '2025-01-06'
    -- Neither the onward leg of a forwarded call nor a call that only claims to be ours.
    AND (rank = 0 OR NOT (types & 4 > 0 OR (types & 2 > 0 AND one.number IS NOT NULL)));

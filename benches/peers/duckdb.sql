-- `caller_day` of all days in DuckDB: `caller_day` has every column, `order_day` those that depend on order.
--
-- A party is one integer: its number, or a negative key where it has none, looked up for those few rows alone, so that
-- no text is read, joined or grouped for the many. What is asked of calls in order is one sort of (day, caller). Pairs
-- are grouped once with the lower key first: both directions stand in one row, and nothing is joined with itself.
-- The definitions are those of `pipelines/feature/`; `event` and `note` are those of `duckdb_event.sql` or
-- `duckdb_record.sql`.

-- Filled within the time that is measured.
CREATE TEMP TABLE name (kind VARCHAR, name VARCHAR, key BIGINT);

CREATE VIEW nameless AS
SELECT kind, name, -ROW_NUMBER() OVER (ORDER BY kind, name) AS key FROM (
    SELECT caller_kind AS kind, caller_name AS name FROM event WHERE caller IS NULL
    UNION SELECT callee_kind, callee_name FROM event WHERE callee IS NULL
    UNION SELECT caller_kind, caller_name FROM note WHERE caller IS NULL
    UNION SELECT callee_kind, callee_name FROM note WHERE callee IS NULL
) WHERE kind <> 'anonymous';

-- Calls with a key for either end; an anonymous caller's is null.
CREATE VIEW called AS
SELECT day, caller, callee, start_us, busy_s, duration_s, is_answered, cell, imei,
    is_caller_onnet, is_callee_onnet, (start_us // 3600000000 + 7) % 24 AS hour
FROM event WHERE caller IS NOT NULL AND callee IS NOT NULL
UNION ALL
SELECT day, COALESCE(caller, one.key), COALESCE(callee, other.key), start_us, busy_s, duration_s, is_answered,
    cell, imei, is_caller_onnet, is_callee_onnet, (start_us // 3600000000 + 7) % 24
FROM event
LEFT JOIN name AS one ON caller IS NULL AND caller_kind = one.kind AND caller_name = one.name
LEFT JOIN name AS other ON callee IS NULL AND callee_kind = other.kind AND callee_name = other.name
WHERE caller IS NULL OR callee IS NULL;

CREATE VIEW message AS
SELECT day, COALESCE(caller, one.key) AS caller, COALESCE(callee, other.key) AS callee, is_caller_onnet, is_callee_onnet
FROM note
LEFT JOIN name AS one ON caller IS NULL AND caller_kind = one.kind AND caller_name = one.name
LEFT JOIN name AS other ON callee IS NULL AND callee_kind = other.kind AND callee_name = other.name;

-- Each call beside the one before it, and how many calls start in the minute, ten minutes, hour that it begins. Of
-- calls that start together the shorter comes first, then the lower key: one below zero before every number.
CREATE VIEW sequenced AS
SELECT *, start_us - LAG(start_us + busy_s::BIGINT * 1000000) OVER line AS gap_us,
    -- Keys below zero lie far from every number.
    callee > 0 AND ABS(callee - LAG(callee) OVER line) BETWEEN 1 AND 10 AS is_sequential,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 59999999 FOLLOWING) AS calls_60s,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 599999999 FOLLOWING) AS calls_600s,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 3599999999 FOLLOWING) AS calls_3600s
FROM called WHERE caller IS NOT NULL
WINDOW line AS (PARTITION BY day, caller ORDER BY start_us, busy_s, callee),
    instants AS (PARTITION BY day, caller ORDER BY start_us);

CREATE VIEW equipment AS
SELECT day, caller AS party, COUNT(DISTINCT cell) AS cells, COUNT(DISTINCT imei) AS imeis
FROM called WHERE caller IS NOT NULL GROUP BY day, caller;

CREATE VIEW busiest AS
SELECT day, caller AS party, MAX(calls) AS peak_hour_calls
FROM (SELECT day, caller, hour, COUNT(*) AS calls FROM called WHERE caller IS NOT NULL GROUP BY day, caller, hour)
GROUP BY day, caller;

CREATE VIEW made AS
SELECT * FROM (
    SELECT day, caller AS party, BOOL_OR(is_caller_onnet) AS is_onnet, COUNT(*) AS calls_out,
        COUNT(*) FILTER (is_answered) AS answered_out, SUM(duration_s)::BIGINT AS duration_out_s,
        COUNT(*) FILTER (is_answered AND duration_s < 45) AS short_calls,
        COUNT(*) FILTER (gap_us >= 0) AS gaps, COUNT(*) FILTER (gap_us BETWEEN 0 AND 59999999) AS short_gaps,
        COUNT(*) FILTER (gap_us < 0) AS overlapping_calls,
        MAX(calls_60s) AS peak_calls_60s, MAX(calls_600s) AS peak_calls_600s, MAX(calls_3600s) AS peak_calls_3600s,
        COUNT(*) FILTER (is_sequential) AS sequential_calls,
        BIT_COUNT(BIT_OR(1 << hour))::BIGINT AS active_hours,
        COUNT(*) FILTER (hour < 8 OR hour >= 17) AS calls_outside_hours
    FROM sequenced GROUP BY day, caller
) JOIN equipment USING (day, party) JOIN busiest USING (day, party);

-- Pairs of parties in touch on a day, the lower key first; `up` is from low to high, `down` the other way.
CREATE MACRO pair(with_messages) AS TABLE
SELECT day, LEAST(caller, callee) AS low, GREATEST(caller, callee) AS high,
    COUNT(start_us) FILTER (caller <= callee) AS calls_up, COUNT(start_us) FILTER (caller > callee) AS calls_down,
    MIN(start_us) FILTER (caller <= callee) AS first_up, MAX(start_us) FILTER (caller <= callee) AS last_up,
    MIN(start_us) FILTER (caller > callee) AS first_down, MAX(start_us) FILTER (caller > callee) AS last_down
FROM (
    SELECT day, caller, callee, start_us FROM called WHERE caller IS NOT NULL
    UNION ALL SELECT day, caller, callee, NULL FROM message WHERE with_messages AND caller IS NOT NULL
)
GROUP BY day, LEAST(caller, callee), GREATEST(caller, callee);

-- One row per caller and called party. All calls of a pair on a day but the first follow another within 24 hours; the
-- first does when the day before ended with one.
CREATE MACRO contact(with_messages) AS TABLE
SELECT day, CASE WHEN is_up THEN low ELSE high END AS party,
    CASE WHEN is_up THEN calls_up ELSE calls_down END AS calls, is_new,
    CASE WHEN low = high THEN last_up > first_up WHEN is_up THEN last_down > first_up
        ELSE last_up > first_down END AS is_called_back,
    CASE WHEN is_up THEN first_up - up_before ELSE first_down - down_before END < 86400000000 AS is_first_repeated
FROM (
    SELECT *, ROW_NUMBER() OVER days = 1 AS is_new,
        LAG(last_up) OVER days AS up_before, LAG(last_down) OVER days AS down_before
    FROM pair(with_messages) WINDOW days AS (PARTITION BY low, high ORDER BY day)
), (VALUES (true), (false)) AS direction(is_up)
WHERE CASE WHEN is_up THEN calls_up ELSE calls_down END > 0;

CREATE MACRO reached(with_messages) AS TABLE
SELECT day, party, COUNT(*) AS callees, COUNT(*) FILTER (is_new) AS new_callees,
    COALESCE(SUM(calls) FILTER (is_new), 0)::BIGINT AS new_callee_calls, MAX(calls) AS top_callee_calls,
    COUNT(*) FILTER (calls > 1) AS repeat_callees, COUNT(*) FILTER (is_called_back) AS called_back,
    SUM(calls - 1 + CASE WHEN is_first_repeated THEN 1 ELSE 0 END)::BIGINT AS repeat_within_24h
FROM contact(with_messages) GROUP BY day, party;

CREATE VIEW received AS
SELECT day, callee AS party, BOOL_OR(is_callee_onnet) AS is_onnet, COUNT(*) AS calls_in
FROM called WHERE callee IS NOT NULL GROUP BY day, callee;

CREATE VIEW sent AS
SELECT day, caller AS party, BOOL_OR(is_caller_onnet) AS is_onnet, COUNT(*) AS sms_sent
FROM message WHERE caller IS NOT NULL GROUP BY day, caller;

CREATE VIEW got AS
SELECT day, callee AS party, BOOL_OR(is_callee_onnet) AS is_onnet, COUNT(*) AS sms_received
FROM message WHERE callee IS NOT NULL GROUP BY day, callee;

-- How many earlier days have any contact.
CREATE VIEW history AS
SELECT day, ROW_NUMBER() OVER (ORDER BY day) - 1 AS history_days FROM (
    SELECT day FROM called WHERE caller IS NOT NULL UNION SELECT day FROM message WHERE caller IS NOT NULL
);

-- Parties that made a call.
CREATE VIEW order_day AS
SELECT day, COALESCE(kind, 'e164') AS caller_kind, CASE WHEN party > 0 THEN party END AS caller, name AS caller_name,
    gaps, short_gaps, overlapping_calls, peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    callees, top_callee_calls, repeat_callees, called_back,
    CASE WHEN is_onnet THEN cells END AS cells, CASE WHEN is_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, repeat_within_24h
FROM made JOIN reached(false) USING (day, party)
LEFT JOIN name ON party = key;

-- Parties that made or received a call or a message.
CREATE VIEW caller_day AS
WITH party AS (
    SELECT day, party,
        COALESCE(made.is_onnet, false) OR COALESCE(received.is_onnet, false)
            OR COALESCE(sent.is_onnet, false) OR COALESCE(got.is_onnet, false) AS is_onnet,
        COLUMNS(made.* EXCLUDE (day, party, is_onnet)), COLUMNS(reached.* EXCLUDE (day, party)),
        calls_in, sms_sent, sms_received
    FROM made JOIN reached(true) AS reached USING (day, party)
    FULL JOIN received USING (day, party) FULL JOIN sent USING (day, party) FULL JOIN got USING (day, party)
),
counted AS (
    SELECT day, party, is_onnet, COALESCE(COLUMNS(* EXCLUDE (day, party, is_onnet)), 0) FROM party
)
SELECT day, COALESCE(kind, 'e164') AS caller_kind, CASE WHEN party > 0 THEN party END AS caller, name AS caller_name,
    is_onnet,
    calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls, short_calls / NULLIF(calls_out, 0) AS short_call_share_all,
    short_calls / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, short_gaps / NULLIF(gaps, 0) AS short_gap_share, overlapping_calls,
    peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    callees, COALESCE(history_days, 0) AS history_days, new_callees,
    new_callee_calls / NULLIF(calls_out, 0) AS new_callee_call_share,
    top_callee_calls, repeat_callees, called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN calls_out / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN cells END AS cells, CASE WHEN is_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, calls_outside_hours, 0 AS calls_to_dnc, repeat_within_24h
FROM counted LEFT JOIN history USING (day) LEFT JOIN name ON party = key;

-- DuckDB's second formulation: the busiest hour is a frame in the sort that is made anyway, and cells and handsets are
-- made distinct together before they are counted.

CREATE OR REPLACE VIEW sequenced AS
SELECT *, start_us - LAG(start_us + busy_s::BIGINT * 1000000) OVER line AS gap_us,
    callee > 0 AND ABS(callee - LAG(callee) OVER line) BETWEEN 1 AND 10 AS is_sequential,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 59999999 FOLLOWING) AS calls_60s,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 599999999 FOLLOWING) AS calls_600s,
    COUNT(*) OVER (instants RANGE BETWEEN CURRENT ROW AND 3599999999 FOLLOWING) AS calls_3600s,
    -- Calls since the clock hour began.
    COUNT(*) OVER (instants RANGE BETWEEN start_us % 3600000000 PRECEDING AND CURRENT ROW) AS calls_in_hour
FROM called WHERE caller IS NOT NULL
WINDOW line AS (PARTITION BY day, caller ORDER BY start_us, busy_s, callee),
    instants AS (PARTITION BY day, caller ORDER BY start_us);

CREATE OR REPLACE VIEW equipment AS
SELECT day, party, COUNT(DISTINCT cell) AS cells, COUNT(DISTINCT imei) AS imeis
FROM (SELECT DISTINCT day, caller AS party, cell, imei FROM called WHERE caller IS NOT NULL)
GROUP BY day, party;

CREATE OR REPLACE VIEW made AS
SELECT * EXCLUDE (peak_hour_calls), peak_hour_calls FROM (
    SELECT day, caller AS party, BOOL_OR(is_caller_onnet) AS is_onnet, COUNT(*) AS calls_out,
        COUNT(*) FILTER (is_answered) AS answered_out, SUM(duration_s)::BIGINT AS duration_out_s,
        COUNT(*) FILTER (is_answered AND duration_s < 45) AS short_calls,
        COUNT(*) FILTER (gap_us >= 0) AS gaps, COUNT(*) FILTER (gap_us BETWEEN 0 AND 59999999) AS short_gaps,
        COUNT(*) FILTER (gap_us < 0) AS overlapping_calls,
        MAX(calls_60s) AS peak_calls_60s, MAX(calls_600s) AS peak_calls_600s, MAX(calls_3600s) AS peak_calls_3600s,
        COUNT(*) FILTER (is_sequential) AS sequential_calls,
        BIT_COUNT(BIT_OR(1 << hour))::BIGINT AS active_hours,
        COUNT(*) FILTER (hour < 8 OR hour >= 17) AS calls_outside_hours,
        MAX(calls_in_hour) AS peak_hour_calls
    FROM sequenced GROUP BY day, caller
) JOIN equipment USING (day, party);

-- ClickHouse's third formulation: calls in order by window functions; an hour in microseconds is too wide for a frame.

CREATE VIEW sequenced AS
SELECT day, caller, start_us, busy_s, duration_s, is_answered, cell, imei, is_caller_onnet, hour,
    row_number() OVER line > 1 AS is_next, start_us - lagInFrame(start_us + busy_s * 1000000) OVER pair AS gap_us,
    callee > 0 AND abs(callee - lagInFrame(callee) OVER pair) BETWEEN 1 AND 10 AS is_sequential,
    count() OVER (instants RANGE BETWEEN 59999999 PRECEDING AND CURRENT ROW) AS calls_60s,
    count() OVER (instants RANGE BETWEEN 599999999 PRECEDING AND CURRENT ROW) AS calls_600s
FROM called WHERE caller != 0
WINDOW line AS (PARTITION BY day, caller ORDER BY start_us, busy_s, callee),
    pair AS (PARTITION BY day, caller ORDER BY start_us, busy_s, callee ROWS BETWEEN 1 PRECEDING AND CURRENT ROW),
    instants AS (PARTITION BY day, caller ORDER BY start_us);

CREATE OR REPLACE VIEW made AS
SELECT day, caller AS party, max(is_caller_onnet) AS is_onnet, count() AS calls_out,
    countIf(is_answered) AS answered_out, sum(duration_s) AS duration_out_s,
    countIf(is_answered AND duration_s < 45) AS short_calls,
    countIf(is_next AND gap_us >= 0) AS gaps, countIf(is_next AND gap_us >= 0 AND gap_us < 60000000) AS short_gaps,
    countIf(is_next AND gap_us < 0) AS overlapping_calls,
    max(calls_60s) AS peak_calls_60s, max(calls_600s) AS peak_calls_600s,
    maxIntersections(start_us, start_us + 3600000000) AS peak_calls_3600s,
    countIf(is_sequential) AS sequential_calls, uniqExact(cell) AS cells, uniqExact(imei) AS imeis,
    bitCount(groupBitOr(bitShiftLeft(toUInt32(1), hour))) AS active_hours,
    -- The most intervals of one hour that overlap are the calls of the busiest hour.
    maxIntersections(hour, toUInt8(hour + 1)) AS peak_hour_calls, countIf(hour < 8 OR hour >= 17) AS calls_outside_hours
FROM sequenced GROUP BY day, caller;

-- ClickHouse's second formulation: peaks by an aggregate function of intervals, while the calls are gathered.

CREATE OR REPLACE VIEW gathered AS
SELECT day, caller AS party, max(is_caller_onnet) AS is_onnet, count() AS calls_out,
    countIf(is_answered) AS answered_out, sum(duration_s) AS duration_out_s,
    countIf(is_answered AND duration_s < 45) AS short_calls,
    uniqExact(cell) AS cells, uniqExact(imei) AS imeis,
    bitCount(groupBitOr(bitShiftLeft(toUInt32(1), hour))) AS active_hours,
    countIf(hour < 8 OR hour >= 17) AS calls_outside_hours,
    -- The most intervals that overlap; an interval does not hold its end.
    maxIntersections(start_us, start_us + 60000000) AS peak_calls_60s,
    maxIntersections(start_us, start_us + 600000000) AS peak_calls_600s,
    maxIntersections(start_us, start_us + 3600000000) AS peak_calls_3600s,
    maxIntersections(hour, toUInt8(hour + 1)) AS peak_hour_calls,
    arraySort(groupArray((start_us, start_us + busy_s * 1000000, callee))) AS calls
FROM called WHERE caller != 0 GROUP BY day, caller;

CREATE OR REPLACE VIEW made AS
WITH calls.1 AS starts, arrayMap((start, end) -> start - end, arrayPopFront(starts), arrayPopBack(calls.2)) AS gaps_us
SELECT day, party, is_onnet, calls_out, answered_out, duration_out_s, short_calls,
    arrayCount(gap -> gap >= 0, gaps_us) AS gaps, arrayCount(gap -> gap >= 0 AND gap < 60000000, gaps_us) AS short_gaps,
    arrayCount(gap -> gap < 0, gaps_us) AS overlapping_calls,
    peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    arrayCount((callee, before) -> callee > 0 AND abs(callee - before) BETWEEN 1 AND 10,
        arrayPopFront(calls.3), arrayPopBack(calls.3)) AS sequential_calls,
    cells, imeis, active_hours, peak_hour_calls, calls_outside_hours
FROM gathered;

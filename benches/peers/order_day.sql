-- The columns of caller_day that depend on order or on pairs, alone; a statement ends where a line is empty.
CREATE TABLE pair AS
SELECT caller, callee, COUNT(*) AS calls, MIN(start_at) AS first_at, MAX(start_at) AS last_at
FROM call_event
WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller IS NOT NULL AND callee IS NOT NULL
GROUP BY caller, callee

CREATE TABLE named AS
SELECT day, caller, CONCAT(caller_kind, ' ', CASE WHEN caller IS NULL THEN caller_raw ELSE CAST(caller AS TEXT) END) AS caller_text,
    CONCAT(callee_kind, ' ', CASE WHEN callee IS NULL THEN callee_raw ELSE CAST(callee AS TEXT) END) AS callee_text,
    COUNT(*) AS calls, MIN(start_at) AS first_at, MAX(start_at) AS last_at
FROM call_event
WHERE day BETWEEN $day_before AND $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
    AND (caller IS NULL OR callee IS NULL)
GROUP BY day, caller, caller_text, callee_text

WITH called AS (
    -- The day's calls.
    SELECT caller_kind, caller, caller_raw, callee, record_id, start_at, COALESCE(ring_s, 0) + duration_s AS busy_s,
        caller_cell, caller_imei, is_caller_onnet
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
),
yesterday AS (
    -- When a number last called another on the day before.
    SELECT caller, callee, MAX(start_at) AS last_at FROM call_event
    WHERE day = $day_before AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller IS NOT NULL AND callee IS NOT NULL
    GROUP BY caller, callee
),
met AS (
    -- Whom numbers called; then pairs with an end that is no number.
    SELECT pair.caller AS number, '' AS name, COUNT(*) AS callees, MAX(pair.calls) AS most,
        COUNT(*) FILTER (WHERE pair.calls > 1) AS repeated, COUNT(*) FILTER (WHERE back.last_at > pair.first_at) AS back,
        SUM(pair.calls - 1) + COUNT(*) FILTER (WHERE seconds_between(yesterday.last_at, pair.first_at) < 86400) AS repeats
    FROM pair
    LEFT JOIN pair AS back ON pair.caller = back.callee AND pair.callee = back.caller
    LEFT JOIN yesterday ON pair.caller = yesterday.caller AND pair.callee = yesterday.callee
    GROUP BY pair.caller
    UNION ALL
    SELECT COALESCE(named.caller, 0), CASE WHEN named.caller IS NULL THEN named.caller_text ELSE '' END, COUNT(*), MAX(named.calls),
        COUNT(*) FILTER (WHERE named.calls > 1), COUNT(*) FILTER (WHERE back.last_at > named.first_at),
        SUM(named.calls - 1) + COUNT(*) FILTER (WHERE seconds_between(before.last_at, named.first_at) < 86400)
    FROM named
    LEFT JOIN named AS back ON named.caller_text = back.callee_text AND named.callee_text = back.caller_text AND back.day = $day
    LEFT JOIN named AS before
        ON named.caller_text = before.caller_text AND named.callee_text = before.callee_text AND before.day = $day_before
    WHERE named.day = $day
    GROUP BY named.caller, CASE WHEN named.caller IS NULL THEN named.caller_text ELSE '' END
),
party AS (
    -- Both together.
    SELECT number, name, SUM(callees) AS callees, MAX(most) AS most, SUM(repeated) AS repeated, SUM(back) AS back,
        SUM(repeats) AS repeats
    FROM met GROUP BY number, name
),
made AS (
    -- What numbers did in order; then what other parties did.
    SELECT 'e164' AS caller_kind, caller AS number, '' AS name, CAST(NULL AS TEXT) AS caller_name,
        BOOL_OR(is_caller_onnet) AS is_onnet,
        call_sequence(start_at, record_id, busy_s, callee, caller_cell, caller_imei, 60) AS sequence
    FROM called WHERE caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT caller_kind, 0, CONCAT(caller_kind, ' ', caller_raw), caller_raw, BOOL_OR(is_caller_onnet),
        call_sequence(start_at, record_id, busy_s, callee, caller_cell, caller_imei, 60)
    FROM called WHERE caller IS NULL GROUP BY caller_kind, caller_raw
)
SELECT $day AS day, caller_kind, NULLIF(made.number, 0) AS caller, caller_name,
    sequence['gaps'] AS gaps, sequence['short_gaps'] AS short_gaps, sequence['overlapping_calls'] AS overlapping_calls,
    sequence['peak_calls_60s'] AS peak_calls_60s, sequence['peak_calls_600s'] AS peak_calls_600s,
    sequence['peak_calls_3600s'] AS peak_calls_3600s, callees, most AS top_callee_calls, repeated AS repeat_callees,
    back AS called_back, CASE WHEN is_onnet THEN sequence['cells'] END AS cells,
    CASE WHEN is_onnet THEN sequence['imeis'] END AS imeis, sequence['active_hours'] AS active_hours,
    sequence['peak_hour_calls'] AS peak_hour_calls, sequence['sequential_calls'] AS sequential_calls,
    repeats AS repeat_within_24h
FROM made LEFT JOIN party ON made.number = party.number AND made.name = party.name

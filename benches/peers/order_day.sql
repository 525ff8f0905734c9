-- The columns of caller_day that depend on order or on pairs, alone.
WITH nameless AS (
    -- Ends that are no number.
    SELECT caller_kind AS kind, caller_name AS name FROM call_event WHERE day = $day AND caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM call_event WHERE day = $day AND callee IS NULL
),
named AS (
    -- Each once: with a key of its own every party is one whole number.
    SELECT DISTINCT kind, name FROM nameless WHERE kind <> 'anonymous'
),
called AS (
    -- The day's calls; what a forwarded leg or a spoofed call was is not what its caller did.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller,
        COALESCE(callee, key_of('named', callee_kind, callee_name)) AS callee, start_at,
        COALESCE(ring_s, 0) + duration_s AS busy_s, caller_cell, caller_imei, is_caller_onnet
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
before AS (
    -- Calls of the day before.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller,
        COALESCE(callee, key_of('named', callee_kind, callee_name)) AS callee, start_at
    FROM call_event WHERE day = $day_before AND NOT is_forwarded_leg AND NOT is_spoof_suspect
)
SELECT $day AS day, COALESCE(kind_of('named', party), 'e164') AS caller_kind, number AS caller,
    name_of('named', party) AS caller_name, gaps, short_gaps, overlapping_calls, peak_calls_60s, peak_calls_600s,
    peak_calls_3600s, callees, top_callee_calls, repeat_callees, called_back,
    CASE WHEN is_caller_onnet THEN cells END AS cells, CASE WHEN is_caller_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, repeat_within_24h
FROM follow_callers('called', 60, 'before')

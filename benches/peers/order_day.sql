-- The columns of caller_day that depend on order or on whom a number called, of numbers alone.
WITH called AS (
    -- The day's calls that numbers made.
    SELECT caller, callee, callee_kind, callee_raw, record_id, start_at, COALESCE(ring_s, 0) + duration_s AS busy_s, caller_cell, caller_imei
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller IS NOT NULL
),
pair AS (
    -- The day's pairs of numbers.
    SELECT caller, callee, COUNT(*) AS calls, MIN(start_at) AS first_call_at, MAX(start_at) AS last_call_at
    FROM called WHERE callee IS NOT NULL GROUP BY caller, callee
),
met AS (
    -- Whom each number called.
    SELECT pair.caller, COUNT(*) AS callees, MAX(pair.calls) AS top_callee_calls,
        COUNT(*) FILTER (WHERE pair.calls > 1) AS repeat_callees,
        COUNT(*) FILTER (WHERE back.last_call_at > pair.first_call_at) AS called_back
    FROM pair LEFT JOIN pair AS back ON pair.caller = back.callee AND pair.callee = back.caller
    GROUP BY pair.caller
),
made AS (
    -- What depends on order.
    SELECT caller, call_sequence(start_at, record_id, busy_s, callee, caller_cell, caller_imei, 60) AS sequence
    FROM called GROUP BY caller
)
SELECT $day AS day, made.caller, sequence, callees, top_callee_calls, repeat_callees, called_back
FROM made LEFT JOIN met ON made.caller = met.caller

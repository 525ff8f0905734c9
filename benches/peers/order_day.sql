-- The columns of caller_day that depend on order or on pairs, alone.
WITH called AS (
    -- The day's calls.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, start_at, COALESCE(ring_s, 0) + duration_s AS busy_s,
        caller_cell, caller_imei, is_caller_onnet
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
dialled AS (
    -- Who called whom, and when.
    SELECT caller, callee, start_at FROM called WHERE caller IS NOT NULL AND callee IS NOT NULL
),
back AS (
    -- Those whose other way round may be there as well, by whom they called.
    SELECT callee, caller, start_at FROM dialled WHERE may_have('dialled', callee, caller)
),
before AS (
    -- Calls of such pairs on the day before.
    SELECT caller, callee, start_at FROM call_event
    WHERE day = $day_before AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND may_have('dialled', caller, callee)
),
nameless AS (
    -- Calls with an end that is no number, today and on the day before.
    SELECT true AS is_today, caller_kind, caller, caller_name, callee_kind, callee, callee_name, start_at FROM called
    WHERE (caller IS NULL OR callee IS NULL) AND caller_kind <> 'anonymous'
    UNION ALL
    SELECT false, caller_kind, caller, caller_name, callee_kind, callee, callee_name, start_at FROM call_event
    WHERE day = $day_before AND (caller IS NULL OR callee IS NULL) AND caller_kind <> 'anonymous'
        AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
named AS (
    -- Such pairs.
    SELECT is_today, caller, callee, CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text,
        COUNT(*) AS calls, MIN(start_at) AS first_at, MAX(start_at) AS last_at
    FROM nameless GROUP BY is_today, caller, callee, caller_text, callee_text
),
met AS (
    -- What became of them; a party without a number is its text.
    SELECT COALESCE(named.caller, 0) AS number, CASE WHEN named.caller IS NULL THEN named.caller_text ELSE '' END AS name,
        COUNT(*) FILTER (WHERE named.callee IS NULL) AS callees, MAX(named.calls) FILTER (WHERE named.callee IS NULL) AS most,
        COUNT(*) FILTER (WHERE named.callee IS NULL AND named.calls > 1) AS repeated,
        COUNT(*) FILTER (WHERE back.last_at > named.first_at) AS back,
        COALESCE(SUM(named.calls - 1) FILTER (WHERE named.callee IS NULL), 0) + COUNT(*) FILTER (WHERE seconds_between(before.last_at, named.first_at) < 86400) AS repeats
    FROM named
    LEFT JOIN named AS back ON named.caller_text = back.callee_text AND named.callee_text = back.caller_text AND back.is_today
    LEFT JOIN named AS before
        ON named.caller_text = before.caller_text AND named.callee_text = before.callee_text AND NOT before.is_today
    WHERE named.is_today
    GROUP BY number, CASE WHEN named.caller IS NULL THEN named.caller_text ELSE '' END
),
made AS (
    -- What numbers did in order; then what other parties did.
    SELECT 'e164' AS caller_kind, caller AS number, '' AS name, CAST(NULL AS TEXT) AS caller_name,
        BOOL_OR(is_caller_onnet) AS is_onnet,
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, latest('back', caller, callee),
            latest('before', caller, callee), 60) AS sequence
    FROM called WHERE caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT caller_kind, 0, CONCAT(caller_kind, ' ', caller_name), caller_name, BOOL_OR(is_caller_onnet),
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, NULL, NULL, 60)
    FROM called WHERE caller IS NULL AND caller_kind <> 'anonymous' GROUP BY caller_kind, caller_name
)
SELECT $day AS day, caller_kind, NULLIF(made.number, 0) AS caller, caller_name,
    sequence['gaps'] AS gaps, sequence['short_gaps'] AS short_gaps, sequence['overlapping_calls'] AS overlapping_calls,
    sequence['peak_calls_60s'] AS peak_calls_60s, sequence['peak_calls_600s'] AS peak_calls_600s,
    sequence['peak_calls_3600s'] AS peak_calls_3600s, sequence['callees'] + COALESCE(met.callees, 0) AS callees,
    GREATEST(sequence['top_callee_calls'], COALESCE(most, 0)) AS top_callee_calls,
    sequence['repeat_callees'] + COALESCE(repeated, 0) AS repeat_callees,
    sequence['called_back'] + COALESCE(back, 0) AS called_back, CASE WHEN is_onnet THEN sequence['cells'] END AS cells,
    CASE WHEN is_onnet THEN sequence['imeis'] END AS imeis, sequence['active_hours'] AS active_hours,
    sequence['peak_hour_calls'] AS peak_hour_calls, sequence['sequential_calls'] AS sequential_calls,
    sequence['repeat_within_24h'] + COALESCE(repeats, 0) AS repeat_within_24h
FROM made LEFT JOIN met ON made.number = met.number AND made.name = met.name

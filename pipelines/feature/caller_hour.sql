-- Sum up what each party did in each local clock hour of the day.
WITH listed AS (
    -- Numbers in the do-not-call register for calls on this day.
    SELECT DISTINCT number FROM do_not_call
    WHERE scope IN ('call', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
called AS (
    -- Calls of the day that their callers made.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, local_hour(start_at) AS hour, start_at,
        COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered, caller_cell, caller_imei,
        is_caller_onnet, is_callee_onnet, listed.number IS NOT NULL AS is_listed
    FROM call_event LEFT JOIN listed ON call_event.callee = listed.number
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
made AS (
    -- What numbers did in each hour, in the order of their calls; then what other parties did, as number 0.
    SELECT 'e164' AS kind, caller AS number, '' AS name, hour, BOOL_OR(is_caller_onnet) AS is_onnet,
        COUNT(*) AS calls_out, COUNT(*) FILTER (WHERE is_answered) AS answered_out,
        SUM(CAST(duration_s AS BIGINT)) AS duration_out_s,
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s) AS short_calls,
        COUNT(*) FILTER (WHERE is_listed) AS calls_to_dnc,
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, $short_gap_s) AS sequence
    FROM called WHERE caller IS NOT NULL GROUP BY caller, hour
    UNION ALL
    SELECT caller_kind, 0, caller_name, hour, BOOL_OR(is_caller_onnet),
        COUNT(*), COUNT(*) FILTER (WHERE is_answered), SUM(CAST(duration_s AS BIGINT)),
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s), COUNT(*) FILTER (WHERE is_listed),
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, $short_gap_s)
    FROM called WHERE caller IS NULL AND caller_kind <> 'anonymous' GROUP BY caller_kind, caller_name, hour
),
received AS (
    -- What numbers received in each hour, and other parties.
    SELECT 'e164' AS kind, callee AS number, '' AS name, hour, BOOL_OR(is_callee_onnet) AS is_onnet, COUNT(*) AS calls_in
    FROM called WHERE callee IS NOT NULL GROUP BY callee, hour
    UNION ALL
    SELECT callee_kind, 0, callee_name, hour, BOOL_OR(is_callee_onnet), COUNT(*)
    FROM called WHERE callee IS NULL AND callee_kind <> 'anonymous' GROUP BY callee_kind, callee_name, hour
),
message AS (
    -- Messages of the day that their senders sent.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, is_caller_onnet, is_callee_onnet,
        local_hour(start_at) AS hour
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect
),
texted AS (
    -- Messages by party, sent and received.
    SELECT caller_kind AS kind, COALESCE(caller, 0) AS number, COALESCE(caller_name, '') AS name,
        hour, is_caller_onnet AS is_onnet, true AS is_sent
    FROM message
    UNION ALL
    SELECT callee_kind, COALESCE(callee, 0), COALESCE(callee_name, ''), hour, is_callee_onnet, false
    FROM message
),
messaged AS (
    -- How many there were in each hour.
    SELECT kind, number, name, hour, BOOL_OR(is_onnet) AS is_onnet,
        COUNT(*) FILTER (WHERE is_sent) AS sms_sent, COUNT(*) FILTER (WHERE NOT is_sent) AS sms_received
    FROM texted WHERE kind <> 'anonymous' GROUP BY kind, number, name, hour
),
talked AS (
    -- Whoever called or was called.
    SELECT COALESCE(made.kind, received.kind) AS kind, COALESCE(made.number, received.number) AS number,
        COALESCE(made.name, received.name) AS name, COALESCE(made.hour, received.hour) AS hour,
        made.is_onnet AS is_caller_onnet, received.is_onnet AS is_callee_onnet,
        calls_out, answered_out, duration_out_s, short_calls, calls_to_dnc, sequence, calls_in
    FROM made FULL JOIN received ON made.number = received.number AND made.hour = received.hour
        AND made.name = received.name AND made.kind = received.kind
),
party AS (
    -- One row per party and hour, those who only wrote or were written to included.
    SELECT COALESCE(talked.kind, messaged.kind, '') AS kind, COALESCE(talked.number, messaged.number) AS number,
        COALESCE(talked.name, messaged.name) AS name, COALESCE(talked.hour, messaged.hour, CAST(0 AS INT)) AS hour,
        COALESCE(is_caller_onnet, false) OR COALESCE(is_callee_onnet, false) OR COALESCE(messaged.is_onnet, false) AS is_onnet,
        COALESCE(calls_out, 0) AS calls_out, COALESCE(calls_in, 0) AS calls_in, COALESCE(answered_out, 0) AS answered_out,
        COALESCE(duration_out_s, 0) AS duration_out_s, COALESCE(short_calls, 0) AS short_calls,
        COALESCE(calls_to_dnc, 0) AS calls_to_dnc, sequence,
        COALESCE(sequence['gaps'], 0) AS gaps, COALESCE(sequence['short_gaps'], 0) AS short_gaps,
        COALESCE(sms_sent, 0) AS sms_sent, COALESCE(sms_received, 0) AS sms_received
    FROM talked FULL JOIN messaged ON talked.number = messaged.number AND talked.hour = messaged.hour
        AND talked.name = messaged.name AND talked.kind = messaged.kind
)
SELECT
    $day AS day, hour, kind AS caller_kind, NULLIF(number, 0) AS caller, CASE WHEN number = 0 THEN name END AS caller_name,
    is_onnet, calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s, short_calls,
    CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share,
    COALESCE(sequence['overlapping_calls'], 0) AS overlapping_calls,
    COALESCE(sequence['peak_calls_60s'], 0) AS peak_calls_60s, COALESCE(sequence['peak_calls_600s'], 0) AS peak_calls_600s,
    COALESCE(sequence['callees'], 0) AS callees, COALESCE(sequence['top_callee_calls'], 0) AS top_callee_calls,
    COALESCE(sequence['repeat_callees'], 0) AS repeat_callees, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN COALESCE(sequence['cells'], 0) END AS cells,
    CASE WHEN is_onnet THEN COALESCE(sequence['imeis'], 0) END AS imeis,
    COALESCE(sequence['sequential_calls'], 0) AS sequential_calls, calls_to_dnc
FROM party

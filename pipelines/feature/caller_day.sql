-- Sum up what each party did on the day.
WITH message AS (
    -- Messages of the day that their senders sent.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, is_caller_onnet, is_callee_onnet
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect
),
nameless AS (
    -- Ends that are no number.
    SELECT caller_kind AS kind, caller_name AS name FROM call_event WHERE day = $day AND caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM call_event WHERE day = $day AND callee IS NULL
    UNION ALL SELECT caller_kind, caller_name FROM message WHERE caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM message WHERE callee IS NULL
),
named AS (
    -- Each once: with a key of its own every party is one whole number; who hides is nobody.
    SELECT DISTINCT kind, name FROM nameless WHERE kind <> 'anonymous' AND name IS NOT NULL
),
called AS (
    -- Calls of the day that their callers made, and what of them adds up.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller, callee, start_at,
        COALESCE(ring_s, 0) + duration_s AS busy_s, caller_cell, caller_imei,
        is_caller_onnet, CAST(1 AS BIGINT) AS calls_out, CAST(is_answered AS BIGINT) AS answered_out,
        CAST(duration_s AS BIGINT) AS duration_out_s,
        CAST(is_answered AND duration_s < $short_call_s AS BIGINT) AS short_calls,
        CAST(local_hour(start_at) < $ad_hour_from OR local_hour(start_at) >= $ad_hour_until AS BIGINT) AS calls_outside_hours
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
made AS (
    -- What each party did, its calls in their order; whom it called, and who called back, is counted of pairs.
    SELECT party, is_caller_onnet, calls_out, answered_out, duration_out_s, short_calls, calls_outside_hours,
        gaps, short_gaps, overlapping_calls, peak_calls_60s, peak_calls_600s, peak_calls_3600s, cells, imeis,
        active_hours, peak_hour_calls, sequential_calls
    FROM follow_callers('called', $short_gap_s)
),
met AS (
    -- Whom numbers called; then whom other parties called.
    SELECT caller AS party, COUNT(*) FILTER (WHERE is_new) AS new_callees, SUM(calls) FILTER (WHERE is_new) AS new_callee_calls,
        COUNT(*) AS callees, MAX(calls) AS top_callee_calls, COUNT(*) FILTER (WHERE calls > 1) AS repeat_callees,
        COUNT(*) FILTER (WHERE is_called_back) AS called_back, SUM(repeats_within_24h) AS repeat_within_24h
    FROM contact_day WHERE day = $day AND calls > 0 AND caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT key_of('named', caller_kind, caller_name) AS party, COUNT(*) FILTER (WHERE is_new),
        SUM(calls) FILTER (WHERE is_new), COUNT(*), MAX(calls), COUNT(*) FILTER (WHERE calls > 1),
        COUNT(*) FILTER (WHERE is_called_back), SUM(repeats_within_24h)
    FROM contact_day
    WHERE day = $day AND calls > 0 AND caller IS NULL AND key_of('named', caller_kind, caller_name) IS NOT NULL
    GROUP BY key_of('named', caller_kind, caller_name)
),
listed AS (
    -- Numbers in the do-not-call register for calls on this day.
    SELECT DISTINCT number FROM do_not_call
    WHERE scope IN ('call', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
unwanted AS (
    -- Calls to such numbers.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS party, SUM(calls) AS calls_to_dnc
    FROM contact_day INNER JOIN listed ON contact_day.callee = listed.number
    WHERE day = $day AND COALESCE(caller, key_of('named', caller_kind, caller_name)) IS NOT NULL
    GROUP BY COALESCE(caller, key_of('named', caller_kind, caller_name))
),
rung AS (
    -- Whom each call rang.
    SELECT COALESCE(callee, key_of('named', callee_kind, callee_name)) AS party, is_callee_onnet
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
received AS (
    -- How often.
    SELECT party, is_callee_onnet > 0 AS is_callee_onnet, times AS calls_in FROM tally_parties('rung')
),
texted AS (
    -- Messages by party, sent and received.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS party, is_caller_onnet AS is_onnet, true AS is_sent
    FROM message
    UNION ALL
    SELECT COALESCE(callee, key_of('named', callee_kind, callee_name)), is_callee_onnet, false FROM message
),
messaged AS (
    -- How many there were.
    SELECT party, is_onnet > 0 AS is_texter_onnet, is_sent AS sms_sent, times - is_sent AS sms_received
    FROM tally_parties('texted')
),
history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
),
counted AS (
    -- One row per party.
    SELECT *, is_caller_onnet OR is_callee_onnet OR is_texter_onnet AS is_onnet
    FROM join_parties('made', 'met', 'unwanted', 'received', 'messaged')
)
SELECT
    $day AS day, COALESCE(kind_of('named', party), 'e164') AS caller_kind, number AS caller,
    name_of('named', party) AS caller_name, is_onnet,
    calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls, CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share,
    overlapping_calls, peak_calls_60s, peak_calls_600s, peak_calls_3600s, callees, value_of('history') AS history_days,
    CASE WHEN value_of('history') >= $min_history_days THEN new_callees END AS new_callees,
    CASE WHEN value_of('history') >= $min_history_days
        THEN CAST(new_callee_calls AS DOUBLE) / NULLIF(calls_out, 0) END AS new_callee_call_share,
    top_callee_calls, repeat_callees, called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN cells END AS cells, CASE WHEN is_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, calls_outside_hours, calls_to_dnc, repeat_within_24h
FROM counted

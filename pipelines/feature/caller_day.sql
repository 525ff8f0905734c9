-- Sum up what each party did on the day.
WITH called AS (
    -- Calls of the day that their callers made.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, start_at,
        COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered, caller_cell, caller_imei,
        is_caller_onnet, is_callee_onnet, local_hour(start_at) AS hour
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
message AS (
    -- Messages of the day that their senders sent.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, is_caller_onnet, is_callee_onnet
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect
),
nameless AS (
    -- Ends that are no number.
    SELECT caller_kind AS kind, caller_name AS name FROM called WHERE caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM called WHERE callee IS NULL
    UNION ALL SELECT caller_kind, caller_name FROM message WHERE caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM message WHERE callee IS NULL
),
named AS (
    -- Each once: with a key of its own every party is one whole number.
    SELECT DISTINCT kind, name FROM nameless WHERE kind <> 'anonymous' AND name IS NOT NULL
),
ordered AS (
    -- What numbers did, each number's calls in one pass and in their order; then what other parties did.
    SELECT caller AS party, BOOL_OR(is_caller_onnet) AS is_caller_onnet,
        COUNT(*) AS calls_out, COUNT(*) FILTER (WHERE is_answered) AS answered_out,
        SUM(CAST(duration_s AS BIGINT)) AS duration_out_s,
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s) AS short_calls,
        COUNT(*) FILTER (WHERE hour < $ad_hour_from OR hour >= $ad_hour_until) AS calls_outside_hours,
        -- Whom they called, and who called back, is counted of pairs.
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, NULL, NULL, $short_gap_s) AS sequence
    FROM called WHERE caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT key_of('named', caller_kind, caller_name) AS party, BOOL_OR(is_caller_onnet), COUNT(*),
        COUNT(*) FILTER (WHERE is_answered), SUM(CAST(duration_s AS BIGINT)),
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s),
        COUNT(*) FILTER (WHERE hour < $ad_hour_from OR hour >= $ad_hour_until),
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, NULL, NULL, $short_gap_s)
    FROM called WHERE caller IS NULL GROUP BY key_of('named', caller_kind, caller_name)
),
made AS (
    -- The same, with a column for each thing that depends on order; who hides is nobody.
    SELECT party, is_caller_onnet, calls_out, answered_out, duration_out_s, short_calls, calls_outside_hours,
        sequence['gaps'] AS gaps, sequence['short_gaps'] AS short_gaps, sequence['overlapping_calls'] AS overlapping_calls,
        sequence['peak_calls_60s'] AS peak_calls_60s, sequence['peak_calls_600s'] AS peak_calls_600s,
        sequence['peak_calls_3600s'] AS peak_calls_3600s, sequence['cells'] AS cells, sequence['imeis'] AS imeis,
        sequence['active_hours'] AS active_hours, sequence['peak_hour_calls'] AS peak_hour_calls,
        sequence['sequential_calls'] AS sequential_calls
    FROM ordered WHERE party IS NOT NULL
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
    SELECT COALESCE(callee, key_of('named', callee_kind, callee_name)) AS party, is_callee_onnet FROM called
),
received AS (
    -- How often.
    SELECT party, BOOL_OR(is_callee_onnet) AS is_callee_onnet, COUNT(*) AS calls_in
    FROM rung WHERE party IS NOT NULL GROUP BY party
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
    SELECT party, BOOL_OR(is_onnet) AS is_texter_onnet,
        COUNT(*) FILTER (WHERE is_sent) AS sms_sent, COUNT(*) FILTER (WHERE NOT is_sent) AS sms_received
    FROM texted WHERE party IS NOT NULL GROUP BY party
),
history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
),
counted AS (
    -- One row per party.
    SELECT party, number, COALESCE(calls_out, 0) AS calls,
        COALESCE(is_caller_onnet, false) OR COALESCE(is_callee_onnet, false) OR COALESCE(is_texter_onnet, false) AS is_onnet,
        COALESCE(calls_in, 0) AS calls_in, COALESCE(answered_out, 0) AS answered_out,
        COALESCE(duration_out_s, 0) AS duration_out_s, COALESCE(short_calls, 0) AS short_calls,
        COALESCE(calls_outside_hours, 0) AS calls_outside_hours, COALESCE(gaps, 0) AS gaps,
        COALESCE(short_gaps, 0) AS short_gaps, COALESCE(overlapping_calls, 0) AS overlapping_calls,
        COALESCE(peak_calls_60s, 0) AS peak_calls_60s, COALESCE(peak_calls_600s, 0) AS peak_calls_600s,
        COALESCE(peak_calls_3600s, 0) AS peak_calls_3600s, COALESCE(callees, 0) AS callees,
        COALESCE(new_callees, 0) AS new_callees, COALESCE(new_callee_calls, 0) AS new_callee_calls,
        COALESCE(top_callee_calls, 0) AS top_callee_calls, COALESCE(repeat_callees, 0) AS repeat_callees,
        COALESCE(called_back, 0) AS called_back, COALESCE(sms_sent, 0) AS sms_sent,
        COALESCE(sms_received, 0) AS sms_received, COALESCE(cells, 0) AS cells, COALESCE(imeis, 0) AS imeis,
        COALESCE(active_hours, 0) AS active_hours, COALESCE(peak_hour_calls, 0) AS peak_hour_calls,
        COALESCE(sequential_calls, 0) AS sequential_calls, COALESCE(calls_to_dnc, 0) AS calls_to_dnc,
        COALESCE(repeat_within_24h, 0) AS repeat_within_24h
    FROM join_parties('made', 'met', 'unwanted', 'received', 'messaged')
)
SELECT
    $day AS day, COALESCE(kind_of('named', party), 'e164') AS caller_kind, number AS caller,
    name_of('named', party) AS caller_name, is_onnet,
    calls AS calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls, CAST(short_calls AS DOUBLE) / NULLIF(calls, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share,
    overlapping_calls, peak_calls_60s, peak_calls_600s, peak_calls_3600s, callees, value_of('history') AS history_days,
    CASE WHEN value_of('history') >= $min_history_days THEN new_callees END AS new_callees,
    CASE WHEN value_of('history') >= $min_history_days
        THEN CAST(new_callee_calls AS DOUBLE) / NULLIF(calls, 0) END AS new_callee_call_share,
    top_callee_calls, repeat_callees, called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls AS DOUBLE) / NULLIF(calls + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN cells END AS cells, CASE WHEN is_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, calls_outside_hours, calls_to_dnc, repeat_within_24h
FROM counted

-- Sum up what each party did on the day.
WITH listed AS (
    -- Numbers in the do-not-call register for calls on this day.
    SELECT DISTINCT number FROM do_not_call
    WHERE scope IN ('call', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
called AS (
    -- Calls of the day that their callers made.
    SELECT caller_kind, caller, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
        callee_kind, callee, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
        record_id, start_at, COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered,
        caller_cell, caller_imei, is_caller_onnet, is_callee_onnet,
        local_hour(start_at) AS hour, listed.number IS NOT NULL AS is_listed
    FROM call_event LEFT JOIN listed ON call_event.callee = listed.number
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
message AS (
    -- Messages of the day that their senders sent.
    SELECT caller_kind, caller, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
        callee_kind, callee, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
        is_caller_onnet, is_callee_onnet
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect
),
hourly AS (
    -- Calls of each party in each local clock hour.
    SELECT caller_kind, caller, caller_name, COUNT(*) AS calls FROM called
    GROUP BY caller_kind, caller, caller_name, hour
),
part AS (
    -- What each source says of a party, one row per source.
    SELECT caller_kind, caller, caller_name, BOOL_OR(is_caller_onnet) AS is_onnet,
        COUNT(*) AS calls_out, COUNT(*) FILTER (WHERE is_answered) AS answered_out,
        SUM(CAST(duration_s AS BIGINT)) AS duration_out_s,
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s) AS short_calls,
        call_sequence(start_at, record_id, busy_s, callee, $short_gap_s) AS sequence,
        COUNT(DISTINCT caller_cell) AS cells, COUNT(DISTINCT caller_imei) AS imeis,
        COUNT(DISTINCT hour) AS active_hours,
        COUNT(*) FILTER (WHERE hour < $ad_hour_from OR hour >= $ad_hour_until) AS calls_outside_hours,
        COUNT(*) FILTER (WHERE is_listed) AS calls_to_dnc,
        0 AS calls_in, 0 AS sms_sent, 0 AS sms_received, 0 AS peak_hour_calls,
        0 AS callees, 0 AS new_callees, 0 AS new_callee_calls, 0 AS top_callee_calls, 0 AS repeat_callees,
        0 AS called_back, 0 AS repeat_within_24h
    FROM called GROUP BY caller_kind, caller, caller_name
    UNION ALL
    SELECT callee_kind, callee, callee_name, BOOL_OR(is_callee_onnet),
        0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, COUNT(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM called GROUP BY callee_kind, callee, callee_name
    UNION ALL
    SELECT caller_kind, caller, caller_name, BOOL_OR(is_caller_onnet),
        0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, COUNT(*), 0, 0, 0, 0, 0, 0, 0, 0, 0
    FROM message GROUP BY caller_kind, caller, caller_name
    UNION ALL
    SELECT callee_kind, callee, callee_name, BOOL_OR(is_callee_onnet),
        0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, COUNT(*), 0, 0, 0, 0, 0, 0, 0, 0
    FROM message GROUP BY callee_kind, callee, callee_name
    UNION ALL
    SELECT caller_kind, caller, caller_name, false,
        0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, MAX(calls), 0, 0, 0, 0, 0, 0, 0
    FROM hourly GROUP BY caller_kind, caller, caller_name
    UNION ALL
    SELECT caller_kind, caller, caller_name, false,
        0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, COUNT(*), COUNT(*) FILTER (WHERE is_new),
        COALESCE(SUM(calls) FILTER (WHERE is_new), 0), MAX(calls), COUNT(*) FILTER (WHERE calls > 1),
        COUNT(*) FILTER (WHERE is_called_back), SUM(repeats_within_24h)
    FROM contact_day WHERE day = $day AND calls > 0 GROUP BY caller_kind, caller, caller_name
),
party AS (
    -- One row per party: every count stands in one source and is zero in the others.
    SELECT caller_kind, caller, caller_name, COALESCE(BOOL_OR(is_onnet), false) AS is_onnet,
        COALESCE(SUM(calls_out), 0) AS calls_out, COALESCE(SUM(calls_in), 0) AS calls_in,
        COALESCE(SUM(answered_out), 0) AS answered_out, COALESCE(SUM(duration_out_s), 0) AS duration_out_s,
        COALESCE(SUM(short_calls), 0) AS short_calls,
        COALESCE(SUM(sequence['gaps']), 0) AS gaps, COALESCE(SUM(sequence['short_gaps']), 0) AS short_gaps,
        COALESCE(SUM(sequence['overlapping_calls']), 0) AS overlapping_calls,
        COALESCE(SUM(sequence['peak_calls_60s']), 0) AS peak_calls_60s,
        COALESCE(SUM(sequence['peak_calls_600s']), 0) AS peak_calls_600s,
        COALESCE(SUM(sequence['peak_calls_3600s']), 0) AS peak_calls_3600s,
        COALESCE(SUM(sequence['sequential_calls']), 0) AS sequential_calls,
        COALESCE(SUM(cells), 0) AS cells, COALESCE(SUM(imeis), 0) AS imeis,
        COALESCE(SUM(active_hours), 0) AS active_hours, COALESCE(SUM(peak_hour_calls), 0) AS peak_hour_calls,
        COALESCE(SUM(calls_outside_hours), 0) AS calls_outside_hours, COALESCE(SUM(calls_to_dnc), 0) AS calls_to_dnc,
        COALESCE(SUM(sms_sent), 0) AS sms_sent, COALESCE(SUM(sms_received), 0) AS sms_received,
        COALESCE(SUM(callees), 0) AS callees, COALESCE(SUM(new_callees), 0) AS new_callees,
        COALESCE(SUM(new_callee_calls), 0) AS new_callee_calls, COALESCE(SUM(top_callee_calls), 0) AS top_callee_calls,
        COALESCE(SUM(repeat_callees), 0) AS repeat_callees, COALESCE(SUM(called_back), 0) AS called_back,
        COALESCE(SUM(repeat_within_24h), 0) AS repeat_within_24h
    FROM part WHERE caller_kind <> 'anonymous' GROUP BY caller_kind, caller, caller_name
),
history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
)
SELECT
    $day AS day, caller_kind, caller, caller_name, is_onnet,
    calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls,
    CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share, overlapping_calls,
    peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    callees, history_days,
    CASE WHEN history_days >= $min_history_days THEN new_callees END AS new_callees,
    CASE WHEN history_days >= $min_history_days
        THEN CAST(new_callee_calls AS DOUBLE) / NULLIF(calls_out, 0) END AS new_callee_call_share,
    top_callee_calls, repeat_callees, called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN cells END AS cells,
    CASE WHEN is_onnet THEN imeis END AS imeis,
    active_hours, peak_hour_calls, sequential_calls, calls_outside_hours, calls_to_dnc, repeat_within_24h
FROM party CROSS JOIN history

-- Merge the days of the window into what each party did in all of them; caller_month does so with a window of its own.
WITH window_day AS (
    -- How many days of the window are kept.
    SELECT COUNT(DISTINCT day) AS kept_days FROM caller_day WHERE day BETWEEN $window_from AND $day
),
summed AS (
    -- What adds up over each party's days, and the greatest of what does not.
    SELECT caller_kind AS kind, COALESCE(caller, 0) AS number, COALESCE(caller_name, '') AS name, BOOL_OR(is_onnet) AS is_onnet,
        COUNT(*) AS days, COUNT(*) FILTER (WHERE calls_out > 0) AS active_days,
        COUNT(*) FILTER (WHERE calls_out > 0 OR sms_sent > 0) AS sending_days, MIN(history_days) AS history_days,
        SUM(calls_out) AS calls_out, SUM(calls_in) AS calls_in, SUM(answered_out) AS answered_out,
        SUM(duration_out_s) AS duration_out_s, SUM(short_calls) AS short_calls, SUM(gaps) AS gaps,
        SUM(short_gaps) AS short_gaps, SUM(overlapping_calls) AS overlapping_calls,
        MAX(peak_calls_60s) AS peak_calls_60s, MAX(peak_calls_600s) AS peak_calls_600s, MAX(peak_calls_3600s) AS peak_calls_3600s,
        SUM(sms_sent) AS sms_sent, SUM(sms_received) AS sms_received, SUM(active_hours) AS active_hours,
        MAX(peak_hour_calls) AS peak_hour_calls, SUM(sequential_calls) AS sequential_calls,
        SUM(calls_outside_hours) AS calls_outside_hours, SUM(calls_to_dnc) AS calls_to_dnc,
        SUM(repeat_within_24h) AS repeat_within_24h
    FROM caller_day WHERE day BETWEEN $window_from AND $day
    GROUP BY caller_kind, caller, caller_name
),
joined AS (
    -- What lies between these days, and what counts once over all of them.
    SELECT caller_kind AS kind, COALESCE(caller, 0) AS number, COALESCE(caller_name, '') AS name,
        COUNT(*) AS segment_days, join_segments(segment, $short_gap_s) AS sequence, join_contacts(contacts) AS circle
    FROM segment_day WHERE day BETWEEN $window_from AND $day
    GROUP BY caller_kind, caller, caller_name
),
merged AS (
    -- Both together, and how many days of a party only one of the two knows.
    SELECT summed.kind, summed.number, summed.name, COALESCE(is_onnet, false) AS is_onnet, days, active_days,
        COALESCE(GREATEST(sending_days - COALESCE(segment_days, 0), COALESCE(segment_days, 0) - sending_days), 0) AS missing_days,
        COALESCE(history_days, 0) AS history_days, COALESCE(calls_out, 0) AS calls_out, COALESCE(calls_in, 0) AS calls_in,
        COALESCE(answered_out, 0) AS answered_out, COALESCE(duration_out_s, 0) AS duration_out_s,
        COALESCE(short_calls, 0) AS short_calls, COALESCE(gaps, 0) + COALESCE(sequence['gaps'], 0) AS gaps,
        COALESCE(short_gaps, 0) + COALESCE(sequence['short_gaps'], 0) AS short_gaps,
        COALESCE(overlapping_calls, 0) + COALESCE(sequence['overlapping_calls'], 0) AS overlapping_calls,
        COALESCE(GREATEST(peak_calls_60s, sequence['peak_calls_60s']), 0) AS peak_calls_60s,
        COALESCE(GREATEST(peak_calls_600s, sequence['peak_calls_600s']), 0) AS peak_calls_600s,
        COALESCE(GREATEST(peak_calls_3600s, sequence['peak_calls_3600s']), 0) AS peak_calls_3600s,
        COALESCE(circle['callees'], 0) AS callees, COALESCE(circle['new_callees'], 0) AS new_callees,
        COALESCE(circle['new_callee_calls'], 0) AS new_callee_calls,
        COALESCE(circle['top_callee_calls'], 0) AS top_callee_calls,
        COALESCE(circle['repeat_callees'], 0) AS repeat_callees, COALESCE(circle['called_back'], 0) AS called_back,
        COALESCE(sms_sent, 0) AS sms_sent, COALESCE(sms_received, 0) AS sms_received,
        COALESCE(sequence['cells'], 0) AS cells, COALESCE(sequence['imeis'], 0) AS imeis,
        COALESCE(active_hours, 0) AS active_hours, COALESCE(peak_hour_calls, 0) AS peak_hour_calls,
        COALESCE(sequential_calls, 0) + COALESCE(sequence['sequential_calls'], 0) AS sequential_calls,
        COALESCE(calls_outside_hours, 0) AS calls_outside_hours, COALESCE(calls_to_dnc, 0) AS calls_to_dnc,
        COALESCE(repeat_within_24h, 0) AS repeat_within_24h
    FROM summed
    LEFT JOIN joined ON summed.number = joined.number AND summed.name = joined.name AND summed.kind = joined.kind
)
SELECT
    $day AS day, kind AS caller_kind, NULLIF(number, 0) AS caller, CASE WHEN number = 0 THEN name END AS caller_name,
    is_onnet, days, active_days, kept_days, missing_days,
    calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls,
    CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    -- What only all days together say is not told of some of them.
    CASE WHEN missing_days = 0 THEN gaps END AS gaps, CASE WHEN missing_days = 0 THEN short_gaps END AS short_gaps,
    CASE WHEN missing_days = 0 THEN CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) END AS short_gap_share,
    CASE WHEN missing_days = 0 THEN overlapping_calls END AS overlapping_calls,
    CASE WHEN missing_days = 0 THEN peak_calls_60s END AS peak_calls_60s,
    CASE WHEN missing_days = 0 THEN peak_calls_600s END AS peak_calls_600s,
    CASE WHEN missing_days = 0 THEN peak_calls_3600s END AS peak_calls_3600s,
    CASE WHEN missing_days = 0 THEN callees END AS callees, history_days,
    CASE WHEN missing_days = 0 AND history_days >= $min_history_days THEN new_callees END AS new_callees,
    CASE WHEN missing_days = 0 AND history_days >= $min_history_days
        THEN CAST(new_callee_calls AS DOUBLE) / NULLIF(calls_out, 0) END AS new_callee_call_share,
    CASE WHEN missing_days = 0 THEN top_callee_calls END AS top_callee_calls,
    CASE WHEN missing_days = 0 THEN repeat_callees END AS repeat_callees,
    CASE WHEN missing_days = 0 THEN called_back END AS called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN missing_days = 0 AND is_onnet THEN cells END AS cells,
    CASE WHEN missing_days = 0 AND is_onnet THEN imeis END AS imeis, active_hours, peak_hour_calls,
    CASE WHEN missing_days = 0 THEN sequential_calls END AS sequential_calls, calls_outside_hours, calls_to_dnc, repeat_within_24h
FROM window_day CROSS JOIN merged

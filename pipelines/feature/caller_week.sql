-- Merge the days of the window into what each party did in all of them; caller_month does so with a window of its own.
WITH window_day AS (
    -- How many days of the window are kept.
    SELECT COUNT(DISTINCT day) AS kept_days FROM caller_day WHERE day BETWEEN $window_from AND $day
),
nameless AS (
    -- Days of parties that are no number, each with a key below zero: so no text is grouped or joined for the many.
    SELECT -CAST(DENSE_RANK() OVER (ORDER BY caller_kind, caller_name) AS BIGINT) AS party, caller_day.*
    FROM caller_day WHERE day BETWEEN $window_from AND $day AND caller IS NULL
),
named AS (
    -- These parties.
    SELECT DISTINCT party, caller_kind AS kind, caller_name AS name FROM nameless
),
daily AS (
    -- The days of all parties.
    SELECT caller AS party, caller_day.* FROM caller_day WHERE day BETWEEN $window_from AND $day AND caller IS NOT NULL
    UNION ALL
    SELECT * FROM nameless
),
summed AS (
    -- What adds up over each party's days, and the greatest of what does not.
    SELECT party, BOOL_OR(is_onnet) AS is_onnet, COUNT(*) AS days, COUNT(*) FILTER (WHERE calls_out > 0) AS active_days,
        COUNT(*) FILTER (WHERE calls_out > 0 OR sms_sent > 0) AS sending_days, MIN(history_days) AS history_days,
        SUM(calls_out) AS calls_out, SUM(calls_in) AS calls_in, SUM(answered_out) AS answered_out,
        SUM(duration_out_s) AS duration_out_s, SUM(short_calls) AS short_calls, SUM(gaps) AS gaps,
        SUM(short_gaps) AS short_gaps, SUM(overlapping_calls) AS overlapping_calls,
        MAX(peak_calls_60s) AS peak_calls_60s, MAX(peak_calls_600s) AS peak_calls_600s, MAX(peak_calls_3600s) AS peak_calls_3600s,
        SUM(sms_sent) AS sms_sent, SUM(sms_received) AS sms_received, SUM(active_hours) AS active_hours,
        MAX(peak_hour_calls) AS peak_hour_calls, SUM(sequential_calls) AS sequential_calls,
        SUM(calls_outside_hours) AS calls_outside_hours, SUM(calls_to_dnc) AS calls_to_dnc,
        SUM(repeat_within_24h) AS repeat_within_24h
    FROM daily GROUP BY party
),
kept AS (
    -- What segment_day keeps of them; it is long, and so read once.
    SELECT COALESCE(caller, party) AS party, segment, contacts
    FROM segment_day LEFT JOIN named ON caller_kind = kind AND caller_name = name
    WHERE day BETWEEN $window_from AND $day
),
joined AS (
    -- What lies between these days, and what counts once over all of them.
    SELECT party, COUNT(*) AS segment_days, join_segments(segment, $short_gap_s) AS sequence, join_contacts(contacts) AS circle
    FROM kept GROUP BY party
),
merged AS (
    -- Both together, and how many days of a party only one of the two knows. Many parties have nothing that is joined:
    -- GREATEST takes that for 0, and is far faster than COALESCE where some are null and some are not.
    SELECT summed.party, COALESCE(is_onnet, false) AS is_onnet, days, active_days,
        COALESCE(GREATEST(sending_days - COALESCE(segment_days, 0), COALESCE(segment_days, 0) - sending_days), 0) AS missing_days,
        COALESCE(history_days, 0) AS history_days, COALESCE(calls_out, 0) AS calls_out, COALESCE(calls_in, 0) AS calls_in,
        COALESCE(answered_out, 0) AS answered_out, COALESCE(duration_out_s, 0) AS duration_out_s,
        COALESCE(short_calls, 0) AS short_calls, COALESCE(gaps, 0) + GREATEST(sequence['gaps'], 0) AS gaps,
        COALESCE(short_gaps, 0) + GREATEST(sequence['short_gaps'], 0) AS short_gaps,
        COALESCE(overlapping_calls, 0) + GREATEST(sequence['overlapping_calls'], 0) AS overlapping_calls,
        COALESCE(GREATEST(peak_calls_60s, sequence['peak_calls_60s']), 0) AS peak_calls_60s,
        COALESCE(GREATEST(peak_calls_600s, sequence['peak_calls_600s']), 0) AS peak_calls_600s,
        COALESCE(GREATEST(peak_calls_3600s, sequence['peak_calls_3600s']), 0) AS peak_calls_3600s,
        GREATEST(circle['callees'], 0) AS callees, GREATEST(circle['new_callees'], 0) AS new_callees,
        GREATEST(circle['new_callee_calls'], 0) AS new_callee_calls,
        GREATEST(circle['top_callee_calls'], 0) AS top_callee_calls,
        GREATEST(circle['repeat_callees'], 0) AS repeat_callees, GREATEST(circle['called_back'], 0) AS called_back,
        COALESCE(sms_sent, 0) AS sms_sent, COALESCE(sms_received, 0) AS sms_received,
        GREATEST(sequence['cells'], 0) AS cells, GREATEST(sequence['imeis'], 0) AS imeis,
        COALESCE(active_hours, 0) AS active_hours, COALESCE(peak_hour_calls, 0) AS peak_hour_calls,
        COALESCE(sequential_calls, 0) + GREATEST(sequence['sequential_calls'], 0) AS sequential_calls,
        COALESCE(calls_outside_hours, 0) AS calls_outside_hours, COALESCE(calls_to_dnc, 0) AS calls_to_dnc,
        COALESCE(repeat_within_24h, 0) AS repeat_within_24h
    FROM summed LEFT JOIN joined ON summed.party = joined.party
)
SELECT
    $day AS day, COALESCE(named.kind, 'e164') AS caller_kind, CASE WHEN merged.party > 0 THEN merged.party END AS caller,
    named.name AS caller_name, is_onnet, days, active_days, kept_days, missing_days,
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
FROM window_day CROSS JOIN merged LEFT JOIN named ON merged.party = named.party

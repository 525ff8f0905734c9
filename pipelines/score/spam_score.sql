-- Score every number that called enough within the window to be judged.
WITH subscription AS (
    -- The newest activation of each of our numbers up to the end of the day.
    SELECT number, MAX(activated_at) AS activated_at FROM subscriber WHERE activated_at < $until GROUP BY number
),
handed AS (
    -- Numbers that changed hands within a day of the window: what they did on it is of two people.
    SELECT DISTINCT former.number FROM (
        SELECT number, activated_at,
            LAST_VALUE(deactivated_at ORDER BY changed_at, source_partition, source_offset) AS ended_at
        FROM subscriber WHERE activated_at < $until GROUP BY number, activated_at
    ) AS former INNER JOIN subscription ON former.number = subscription.number
    WHERE former.activated_at < subscription.activated_at AND local_day(subscription.activated_at) >= $window_from
        AND local_day(plus_seconds(COALESCE(ended_at, subscription.activated_at), -1)) >= local_day(subscription.activated_at)
),
holder AS (
    -- The first day of each of our numbers with its holder, and whether another had it on that day as well.
    SELECT subscription.number, activated_at, local_day(activated_at) AS first_day, handed.number IS NOT NULL AS is_shared
    FROM subscription LEFT JOIN handed ON subscription.number = handed.number
),
summed AS (
    -- The window's sums, of the days on which the number was its holder's alone.
    SELECT caller, BOOL_OR(is_onnet) AS is_onnet, MAX(activated_at) AS activated_at,
        MAX(first_day) AS first_day, COALESCE(BOOL_OR(is_shared), false) AS is_shared,
        COUNT(*) FILTER (WHERE calls_out > 0) AS active_days, SUM(calls_out) AS calls_out, SUM(calls_in) AS calls_in,
        SUM(answered_out) AS answered_out, SUM(short_calls) AS short_calls, SUM(gaps) AS gaps, SUM(short_gaps) AS short_gaps,
        SUM(callees) AS callees, SUM(called_back) AS called_back, MAX(imeis) AS imeis, SUM(cells) AS cells,
        MAX(peak_calls_600s) AS peak_calls_600s, SUM(sequential_calls) AS sequential_calls, SUM(sms_sent) AS sms_sent,
        SUM(calls_out) FILTER (WHERE new_callee_call_share IS NOT NULL) AS dated_calls,
        SUM(CAST(ROUND(new_callee_call_share * calls_out) AS BIGINT)) AS new_callee_calls
    FROM caller_day LEFT JOIN holder ON caller_day.caller = holder.number
    WHERE day BETWEEN $window_from AND $day AND caller IS NOT NULL
        AND (first_day IS NULL OR day > first_day OR (day = first_day AND NOT is_shared))
    GROUP BY caller
),
judged AS (
    -- Quiet numbers are left out, not scored zero: absence is not innocence.
    SELECT * FROM summed WHERE calls_out >= $min_calls
),
called AS (
    -- Calls of each judged number to each party in the window.
    SELECT contact_day.caller, callee_kind, callee, callee_name, SUM(calls) AS calls
    FROM contact_day INNER JOIN judged ON contact_day.caller = judged.caller
    WHERE day BETWEEN $window_from AND $day AND calls > 0
        AND (first_day IS NULL OR day > first_day OR (day = first_day AND NOT is_shared))
    GROUP BY contact_day.caller, callee_kind, callee, callee_name
),
circle AS (
    -- How many parties each judged number called, and the most called of them.
    SELECT caller, COUNT(*) AS parties, MAX(calls) AS top_calls, SUM(calls) AS calls FROM called GROUP BY caller
),
valued AS (
    -- The values that are scored.
    SELECT judged.caller, activated_at, COALESCE(is_onnet, false) AS is_onnet, active_days,
        COALESCE(calls_out, 0) AS calls_out, COALESCE(CAST(calls_out AS DOUBLE) / NULLIF(active_days, 0), 0) AS calls_per_active_day,
        CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
        CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
        CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share,
        CAST(new_callee_calls AS DOUBLE) / NULLIF(dated_calls, 0) AS new_callee_call_share,
        CAST(circle.calls AS DOUBLE) / NULLIF(parties, 0) AS calls_per_callee,
        CAST(top_calls AS DOUBLE) / NULLIF(circle.calls, 0) AS top_callee_share,
        CAST(called_back AS DOUBLE) / NULLIF(callees, 0) AS called_back_share,
        CAST(answered_out AS DOUBLE) / NULLIF(calls_out, 0) AS answered_share,
        CAST(cells AS DOUBLE) / NULLIF(calls_out, 0) AS cells_per_call, peak_calls_600s,
        CAST(sequential_calls AS DOUBLE) / NULLIF(calls_out, 0) AS sequential_call_share,
        imeis, COALESCE(sms_sent, 0) AS sms_sent,
        CASE WHEN is_onnet THEN $onnet_card ELSE $offnet_card END AS card
    FROM judged LEFT JOIN circle ON judged.caller = circle.caller
),
characterised AS (
    -- The same by the names that cards use.
    SELECT *, named_struct('calls_per_active_day', calls_per_active_day, 'peak_calls_600s', peak_calls_600s,
            'out_share', out_share, 'called_back_share', called_back_share, 'cells_per_call', cells_per_call,
            'short_call_share_all', short_call_share_all, 'short_gap_share', short_gap_share,
            'new_callee_call_share', new_callee_call_share, 'calls_per_callee', calls_per_callee,
            'top_callee_share', top_callee_share, 'sequential_call_share', sequential_call_share,
            'answered_share', answered_share, 'imeis', imeis) AS characteristics
    FROM valued
),
pointed AS (
    -- Points of each component.
    SELECT *, points(card, 'frequency', characteristics) AS frequency_points,
        points(card, 'behaviour', characteristics) AS behaviour_points,
        points(card, 'short_call', characteristics) AS short_call_points,
        points(card, 'short_gap', characteristics) AS short_gap_points,
        points(card, 'stranger', characteristics) AS stranger_points,
        points(card, 'support', characteristics) AS support_points
    FROM characterised
),
totalled AS (
    -- All points together, and how many of the five criteria scored above zero.
    SELECT *,
        CAST(frequency_points > 0 AS BIGINT) + CAST(behaviour_points > 0 AS BIGINT) + CAST(short_call_points > 0 AS BIGINT)
            + CAST(short_gap_points > 0 AS BIGINT) + CAST(stranger_points > 0 AS BIGINT) AS criteria_met,
        frequency_points + behaviour_points + short_call_points + short_gap_points + stranger_points + support_points AS points
    FROM pointed
)
SELECT
    $day AS day, COALESCE(caller, 0) AS caller, activated_at, card, is_onnet, active_days, calls_out, calls_per_active_day,
    out_share, short_call_share_all, short_gap_share, new_callee_call_share, calls_per_callee, top_callee_share,
    called_back_share, cells_per_call, peak_calls_600s, sequential_call_share, answered_share, imeis, sms_sent,
    frequency_points, behaviour_points, short_call_points, short_gap_points, stranger_points, support_points,
    criteria_met, points, probability(card, points) AS score
FROM totalled

-- Sum up who called each number on the day, and how many strangers have done so within the window.
WITH history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
),
called AS (
    -- Numbers that were called by numbers on the day.
    SELECT callee, COUNT(*) AS callers, COUNT(*) FILTER (WHERE is_new) AS new_callers,
        SUM(calls) AS calls, SUM(answered) AS answered
    FROM contact_day WHERE day = $day AND calls > 0 AND caller IS NOT NULL AND callee IS NOT NULL
    GROUP BY callee
),
heard AS (
    -- What only the calls themselves say of these numbers.
    SELECT callee, BOOL_OR(is_callee_onnet) AS is_onnet,
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s) AS short_calls
    FROM call_event
    WHERE day = $day AND caller IS NOT NULL AND callee IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect
    GROUP BY callee
),
stranger AS (
    -- Numbers that called for the first time within the window; two numbers are new to each other on one day alone.
    SELECT day, caller, callee, caller / $block_size AS block FROM contact_day
    WHERE day BETWEEN $window_from AND $day AND is_new AND calls > 0 AND caller IS NOT NULL AND callee IS NOT NULL
),
pressure AS (
    -- How many strangers each number had, and on how many days.
    SELECT callee, COUNT(*) AS window_new_callers, COUNT(DISTINCT day) AS new_caller_days FROM stranger GROUP BY callee
),
pestered AS (
    -- How often these strangers called.
    SELECT stranger.callee, SUM(calls) AS calls
    FROM contact_day INNER JOIN stranger ON contact_day.caller = stranger.caller AND contact_day.callee = stranger.callee
    WHERE contact_day.day BETWEEN $window_from AND $day
    GROUP BY stranger.callee
),
block_use AS (
    -- Strangers of each number by the block that they lie in.
    SELECT callee, block, COUNT(*) AS callers FROM stranger GROUP BY callee, block
),
crowded_block AS (
    -- The most crowded of these blocks.
    SELECT callee, MAX(callers) AS block_callers FROM block_use GROUP BY callee
),
handset_use AS (
    -- Strangers of each number by the handset that they called it from.
    SELECT stranger.callee, caller_imei, COUNT(DISTINCT stranger.caller) AS callers
    FROM call_event INNER JOIN stranger ON call_event.caller = stranger.caller AND call_event.callee = stranger.callee
    WHERE call_event.day BETWEEN $window_from AND $day AND caller_imei > 0
        AND NOT is_forwarded_leg AND NOT is_spoof_suspect
    GROUP BY stranger.callee, caller_imei
),
crowded_handset AS (
    -- The most crowded of these handsets.
    SELECT callee, MAX(callers) AS handset_callers FROM handset_use GROUP BY callee
),
earlier_days AS (
    -- How many days before the window have been computed.
    SELECT COUNT(DISTINCT day) AS days FROM callee_day_before
    WHERE day >= $usual_from AND day < $window_from AND new_callers IS NOT NULL
),
earlier AS (
    -- Strangers of each number on these days; a day without a row had none.
    SELECT callee, SUM(new_callers) AS new_callers FROM callee_day_before
    WHERE day >= $usual_from AND day < $window_from GROUP BY callee
)
SELECT
    $day AS day, COALESCE(called.callee, 0) AS callee, COALESCE(is_onnet, false) AS is_onnet, callers,
    CASE WHEN history_days >= $min_history_days THEN called.new_callers END AS new_callers,
    COALESCE(called.calls, 0) AS calls, COALESCE(answered, 0) AS answered, COALESCE(short_calls, 0) AS short_calls,
    CAST(COALESCE(earlier.new_callers, 0) AS DOUBLE) / NULLIF(days, 0) AS usual_new_callers,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(window_new_callers, 0) END AS window_new_callers,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(new_caller_days, 0) END AS new_caller_days,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(pestered.calls, 0) END AS window_new_caller_calls,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(block_callers, 0) END AS block_callers,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(handset_callers, 0) END AS handset_callers
FROM called CROSS JOIN history CROSS JOIN earlier_days
LEFT JOIN heard ON called.callee = heard.callee
LEFT JOIN pressure ON called.callee = pressure.callee
LEFT JOIN pestered ON called.callee = pestered.callee
LEFT JOIN crowded_block ON called.callee = crowded_block.callee
LEFT JOIN crowded_handset ON called.callee = crowded_handset.callee
LEFT JOIN earlier ON called.callee = earlier.callee

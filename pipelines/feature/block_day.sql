-- Sum up the blocks of numbers of which several called on the day.
WITH history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
),
used AS (
    -- Blocks of which more than one number called.
    SELECT caller / $block_size AS block, COUNT(DISTINCT caller) AS callers, SUM(calls) AS calls_out,
        COALESCE(SUM(calls) FILTER (WHERE is_new), 0) AS new_callee_calls
    FROM contact_day WHERE day = $day AND calls > 0 AND caller IS NOT NULL
    GROUP BY caller / $block_size HAVING COUNT(DISTINCT caller) > 1
),
target AS (
    -- Parties that each of these blocks called, with how many of its numbers did.
    SELECT block, callee_kind, callee, callee_name, COUNT(*) AS callers
    FROM contact_day INNER JOIN used ON contact_day.caller / $block_size = used.block
    WHERE day = $day AND calls > 0
    GROUP BY block, callee_kind, callee, callee_name
),
circle AS (
    -- How many parties each block called, and how many of them from several numbers.
    SELECT block, COUNT(*) AS callees, COUNT(*) FILTER (WHERE callers > 1) AS shared_callees FROM target GROUP BY block
),
activated AS (
    -- Numbers of each block that were activated within the window.
    SELECT number / $block_size AS block, COUNT(DISTINCT number) AS numbers FROM subscriber
    WHERE activated_at < $until AND local_day(activated_at) >= $window_from GROUP BY number / $block_size
)
SELECT
    $day AS day, COALESCE(used.block, 0) AS block, callers, COALESCE(calls_out, 0) AS calls_out,
    COALESCE(callees, 0) AS callees, COALESCE(shared_callees, 0) AS shared_callees,
    CASE WHEN history_days >= $min_history_days THEN new_callee_calls END AS new_callee_calls,
    COALESCE(numbers, 0) AS activated
FROM history CROSS JOIN used
LEFT JOIN circle ON used.block = circle.block
LEFT JOIN activated ON used.block = activated.block

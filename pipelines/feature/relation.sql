-- Fold a week of contacts into what is known of every pair, as the week before left it.
WITH met AS (
    -- Pairs of numbers, the lower first: as they were known, and as they met on the days of the week.
    SELECT low, high, first_day, last_day, calls_up, calls_down, messages_up, messages_down FROM relation_before
    WHERE week = $week_before AND low IS NOT NULL
    UNION ALL
    SELECT LEAST(caller, callee), GREATEST(caller, callee), day AS first_day, day AS last_day,
        CASE WHEN caller <= callee THEN calls ELSE 0 END, CASE WHEN caller <= callee THEN 0 ELSE calls END,
        CASE WHEN caller <= callee THEN messages ELSE 0 END, CASE WHEN caller <= callee THEN 0 ELSE messages END
    FROM contact_day WHERE day >= $day AND day < $until_day AND caller IS NOT NULL AND callee IS NOT NULL
),
named AS (
    -- The week's contacts with an end that is no number, with a text for either end that is never null.
    SELECT day, calls, messages,
        CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text
    FROM contact_day WHERE day >= $day AND day < $until_day AND (caller IS NULL OR callee IS NULL)
),
named_met AS (
    -- Pairs of such texts, the lesser first: as they were known, and as they met.
    SELECT low_name, high_name, first_day, last_day, calls_up, calls_down, messages_up, messages_down
    FROM relation_before WHERE week = $week_before AND low IS NULL
    UNION ALL
    SELECT LEAST(caller_text, callee_text), GREATEST(caller_text, callee_text), day AS first_day, day AS last_day,
        CASE WHEN caller_text <= callee_text THEN calls ELSE 0 END,
        CASE WHEN caller_text <= callee_text THEN 0 ELSE calls END,
        CASE WHEN caller_text <= callee_text THEN messages ELSE 0 END,
        CASE WHEN caller_text <= callee_text THEN 0 ELSE messages END
    FROM named
),
related AS (
    -- All pairs with what is known of them.
    SELECT low, high, CAST(NULL AS TEXT) AS low_name, CAST(NULL AS TEXT) AS high_name,
        MIN(first_day) AS first_day, MAX(last_day) AS last_day, SUM(calls_up) AS calls_up, SUM(calls_down) AS calls_down,
        SUM(messages_up) AS messages_up, SUM(messages_down) AS messages_down
    FROM met GROUP BY low, high
    UNION ALL
    SELECT CAST(NULL AS BIGINT) AS low, CAST(NULL AS BIGINT) AS high, low_name, high_name,
        MIN(first_day), MAX(last_day), SUM(calls_up), SUM(calls_down), SUM(messages_up), SUM(messages_down)
    FROM named_met GROUP BY low_name, high_name
),
folded AS (
    -- Days that the state of the week before holds.
    SELECT COALESCE(MAX(history_days), 0) AS days FROM relation_before WHERE week = $week_before
),
recent AS (
    -- Days that the week adds.
    SELECT COUNT(DISTINCT day) AS days FROM contact_day WHERE day >= $day AND day < $until_day
)
SELECT
    $day AS week, low, high, low_name, high_name,
    COALESCE(first_day, $day) AS first_day, COALESCE(last_day, $day) AS last_day,
    COALESCE(calls_up, 0) AS calls_up, COALESCE(calls_down, 0) AS calls_down,
    COALESCE(messages_up, 0) AS messages_up, COALESCE(messages_down, 0) AS messages_down,
    folded.days + recent.days AS history_days
FROM folded CROSS JOIN recent CROSS JOIN related
-- Who has not met for so long is a stranger again.
WHERE last_day >= $kept_from

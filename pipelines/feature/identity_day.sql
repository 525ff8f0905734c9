-- Count the subscriptions of each identity against the legal limits.
WITH subscription AS (
    -- Each activation of a person in its latest state; rows of before blanks were left out have some that name nobody.
    SELECT number, activated_at,
        LAST_VALUE(deactivated_at ORDER BY changed_at, source_partition, source_offset) AS deactivated_at,
        LAST_VALUE(segment ORDER BY changed_at, source_partition, source_offset) AS segment,
        LAST_VALUE(NULLIF(TRIM(identity_hash), '') ORDER BY changed_at, source_partition, source_offset) AS identity_hash,
        LAST_VALUE(key_epoch ORDER BY changed_at, source_partition, source_offset) AS key_epoch,
        LAST_VALUE(NULLIF(TRIM(dealer), '') ORDER BY changed_at, source_partition, source_offset) AS dealer
    FROM subscriber WHERE activated_at < $until
    GROUP BY number, activated_at
),
held AS (
    -- Which of them the day and the window know; whose segment is unknown may be an enterprise's.
    SELECT identity_hash, key_epoch, dealer,
        deactivated_at IS NULL OR deactivated_at > $from AS is_active,
        local_day(activated_at) >= $window_from AS is_fresh
    FROM subscription WHERE identity_hash IS NOT NULL AND segment NOT IN ('enterprise', 'unknown')
),
counted AS (
    -- One row per identity.
    SELECT identity_hash, key_epoch, COUNT(*) FILTER (WHERE is_active) AS subscriptions,
        COUNT(*) FILTER (WHERE is_fresh) AS activated, COUNT(DISTINCT CASE WHEN is_fresh THEN dealer END) AS dealers
    FROM held GROUP BY identity_hash, key_epoch
)
SELECT
    $day AS day, COALESCE(identity_hash, '') AS identity_hash, key_epoch, subscriptions, activated, dealers,
    CASE WHEN GREATEST(subscriptions, activated) >= $limit_sims THEN $limit_sims ELSE $review_sims END AS limit_reached
FROM counted
WHERE GREATEST(subscriptions, activated) >= $review_sims

-- Count what each point of sale activated in each hour of the day, against its own usual hour.
WITH activation AS (
    -- Each activation from usual_from on in its latest state; rows of before blanks were left out have some that name nobody.
    SELECT number, activated_at,
        LAST_VALUE(NULLIF(TRIM(dealer), '') ORDER BY changed_at, source_partition, source_offset) AS dealer,
        LAST_VALUE(segment ORDER BY changed_at, source_partition, source_offset) AS segment,
        LAST_VALUE(NULLIF(TRIM(identity_hash), '') ORDER BY changed_at, source_partition, source_offset) AS identity_hash
    FROM subscriber
    WHERE activated_at < $until AND local_day(activated_at) >= $usual_from
    GROUP BY number, activated_at
),
sold AS (
    -- Activations of each dealer, segment and hour by identity.
    SELECT dealer, segment, local_day(activated_at) AS day, local_hour(activated_at) AS hour, identity_hash, COUNT(*) AS activations
    FROM activation WHERE dealer IS NOT NULL
    GROUP BY dealer, segment, local_day(activated_at), local_hour(activated_at), identity_hash
),
hourly AS (
    -- One row per dealer, segment and hour.
    SELECT dealer, segment, day, hour, SUM(activations) AS activations, COUNT(identity_hash) AS identities,
        MAX(activations) FILTER (WHERE identity_hash IS NOT NULL) AS top_identity_activations,
        SUM(activations) FILTER (WHERE identity_hash IS NULL) AS unidentified
    FROM sold GROUP BY dealer, segment, day, hour
),
usual AS (
    -- What each dealer and segment had on average in the hours before the day.
    SELECT dealer, segment, CAST(SUM(activations) AS DOUBLE) / COUNT(*) AS activations
    FROM hourly WHERE day < $day GROUP BY dealer, segment
)
SELECT
    $day AS day, COALESCE(hourly.dealer, '') AS dealer, COALESCE(hour, CAST(0 AS INT)) AS hour,
    COALESCE(hourly.segment, '') AS segment,
    COALESCE(hourly.activations, 0) AS activations, identities,
    COALESCE(top_identity_activations, 0) AS top_identity_activations, COALESCE(unidentified, 0) AS unidentified,
    -- What was unknown may have been of this segment: no shop is new where its sender keeps to the agreed words again.
    MAX(usual.activations) AS usual_activations
FROM hourly LEFT JOIN usual ON hourly.dealer = usual.dealer AND usual.segment IN (hourly.segment, 'unknown')
WHERE hourly.day = $day
GROUP BY hourly.dealer, hour, hourly.segment, hourly.activations, identities, top_identity_activations, unidentified

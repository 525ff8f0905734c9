-- Draw, of each band, those of the week's newly flagged and of the watched whom a reviewer looks at.
WITH finished AS (
    -- That the week is decided to its end, and not only until a noon: nobody is drawn from a part of it.
    SELECT DISTINCT table_name FROM pipeline_run
    WHERE table_name = 'decision' AND day = local_day(plus_seconds($until, -1)) AND started_at >= $until
),
held AS (
    -- The week's verdicts that were flagged for the first time in it, even for half a day, and those that never were.
    SELECT day, number, activated_at, segment, rules, score, flagged_day IS NOT NULL AS is_flagged
    FROM decision CROSS JOIN finished
    WHERE day >= $day AND day < $until_day
        AND (verdict IN ('watched', 'survey', 'limited', 'blocked') OR cause = 'not_confirmed')
        AND (flagged_day IS NULL OR flagged_day >= $day)
),
listed AS (
    -- Each subscription once, as it stood last.
    SELECT number, activated_at, BOOL_OR(is_flagged) AS is_flagged, MAX(score) AS score, MAX(day) AS day,
        LAST_VALUE(segment ORDER BY day) AS segment, LAST_VALUE(rules ORDER BY day) AS rules
    FROM held GROUP BY number, activated_at
),
banded AS (
    -- The band of each.
    SELECT *,
        CASE
            WHEN NOT is_flagged THEN 'control'
            WHEN score IS NULL THEN 'unscored'
            WHEN score >= $top_score THEN 'top'
            WHEN score >= $high_score THEN 'high'
            ELSE 'low'
        END AS band
    FROM listed
),
drawn AS (
    -- The order of each band's draw.
    SELECT *, ROW_NUMBER() OVER (PARTITION BY band ORDER BY draw($draw_key, number, $day), activated_at) AS place
    FROM banded
)
SELECT
    $day AS week, number, activated_at, COALESCE(segment, 'offnet') AS segment, COALESCE(rules, '') AS rules,
    COALESCE(day, $day) AS day, COALESCE(is_flagged, false) AS is_flagged, score, band, CAST(place AS BIGINT) AS place,
    place <= $per_band AS is_sampled
FROM drawn

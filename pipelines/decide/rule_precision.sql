-- Count what reviewers found among those drawn in a week, and say what it means for all that were flagged.
WITH member AS (
    -- Everybody of the week, in the own segment and in all of them.
    SELECT number, activated_at, rules, segment, band, is_sampled FROM review_sample WHERE week = $day
    UNION ALL
    SELECT number, activated_at, rules, 'all', band, is_sampled FROM review_sample WHERE week = $day
),
said AS (
    -- What was said since the week began, each word about the subscription that was active then.
    SELECT event_id, case_event.number, MAX(activated_at) AS activated_at, MAX(word) AS word, MAX(said_at) AS said_at
    FROM case_event LEFT JOIN subscriber ON case_event.number = subscriber.number AND activated_at <= said_at
    WHERE word IN ('confirmed', 'dismissed', 'overturned') AND said_at >= $from
    GROUP BY event_id, case_event.number
),
reviewed AS (
    -- The last word about each.
    SELECT number, activated_at, LAST_VALUE(word ORDER BY said_at, event_id) = 'confirmed' AS is_confirmed
    FROM said GROUP BY number, activated_at
),
counted AS (
    -- Numbers of each band; who was not drawn does not count as reviewed, since somebody chose to look.
    SELECT rules, segment, band, COUNT(*) AS numbers, COUNT(*) FILTER (WHERE is_sampled) AS sampled,
        COUNT(*) FILTER (WHERE is_sampled AND is_confirmed IS NOT NULL) AS reviewed,
        COUNT(*) FILTER (WHERE is_sampled AND is_confirmed) AS confirmed
    FROM member LEFT JOIN reviewed ON member.number = reviewed.number
        AND member.activated_at IS NOT DISTINCT FROM reviewed.activated_at
    GROUP BY rules, segment, band
),
shared AS (
    -- The share that was confirmed, and how far an interval is pulled towards the middle by few reviews.
    SELECT *, CAST(confirmed AS DOUBLE) / NULLIF(reviewed, 0) AS share, $z * $z / NULLIF(reviewed + reviewed, 0) AS pull
    FROM counted
),
bounded AS (
    -- Wilson's interval, which holds at shares of none and all, too.
    SELECT *, (share + pull) / (1 + pull + pull) AS middle,
        SQRT(share * (1 - share) * (pull + pull) + pull * pull) / (1 + pull + pull) AS reach
    FROM shared
),
weighed AS (
    -- All bands that were flagged: their mean by numbers, and their intervals' arms as independent errors.
    SELECT rules, segment, SUM(numbers) AS numbers, SUM(sampled) AS sampled, SUM(reviewed) AS reviewed,
        SUM(confirmed) AS confirmed, SUM(share * numbers) / SUM(numbers) AS share,
        SQRT(SUM(POWER((share - middle + reach) * numbers, 1 + 1))) / SUM(numbers) AS lower_arm,
        SQRT(SUM(POWER((middle + reach - share) * numbers, 1 + 1))) / SUM(numbers) AS upper_arm,
        BOOL_AND(reviewed > 0) AS is_known
    FROM bounded WHERE band <> 'control' GROUP BY rules, segment
),
told AS (
    -- The bands, and what they say together where each of them has a review.
    SELECT rules, segment, band, numbers, sampled, reviewed, confirmed, share, middle - reach AS low, middle + reach AS high
    FROM bounded
    UNION ALL
    SELECT rules, segment, 'flagged', numbers, sampled, reviewed, confirmed, CASE WHEN is_known THEN share END,
        CASE WHEN is_known THEN share - lower_arm END, CASE WHEN is_known THEN share + upper_arm END
    FROM weighed
)
SELECT
    $day AS week, rules, segment, band, COALESCE(numbers, 0) AS numbers, COALESCE(sampled, 0) AS sampled,
    COALESCE(reviewed, 0) AS reviewed, COALESCE(confirmed, 0) AS confirmed, share,
    CASE WHEN low > 0 THEN low WHEN low IS NOT NULL THEN 0.0 END AS low,
    CASE WHEN high < 1 THEN high WHEN high IS NOT NULL THEN 1.0 END AS high
FROM told

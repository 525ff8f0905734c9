-- List who refuses advertising by text, by kind and since when, as known at the end of the day.
WITH latest AS (
    -- The newest day that is known already: it remembers texts that are past their time.
    SELECT MAX(day) AS day FROM ad_refusal_before
),
known AS (
    -- Who refused what then.
    SELECT number, scope, valid_from, valid_until
    FROM ad_refusal_before INNER JOIN latest ON ad_refusal_before.day = latest.day
),
ordered AS (
    -- Each text of a channel once, however often it was sent; one that a person has to read first says nothing yet.
    SELECT CONCAT(channel, '/', report_id) AS report_id, MIN(day) AS day, MIN(reporter) AS number, MIN(reported_at) AS said_at,
        MIN(kind) = 'dnc_register' AS is_refusal, MIN(UPPER(TRIM(content))) AS letter
    FROM citizen_report
    WHERE day BETWEEN $texts_from AND $day AND kind IN ('dnc_register', 'dnc_cancel') AND NOT needs_human
    GROUP BY channel, report_id
),
word AS (
    -- Each text for each kind of advertising, both where it names none; before them what is known, as texts of its days.
    SELECT number, 'call' AS scope, day, said_at, report_id, is_refusal, 1 AS turn FROM ordered WHERE letter <> 'S'
    UNION ALL
    SELECT number, 'sms', day, said_at, report_id, is_refusal, 1 FROM ordered WHERE letter <> 'V'
    UNION ALL
    SELECT number, scope, CAST(valid_from - INTERVAL '1 day' AS DATE), $from, '', true, 0 FROM known
    UNION ALL
    SELECT number, scope, CAST(valid_until - INTERVAL '1 day' AS DATE), $from, '', false, 0
    FROM known WHERE valid_until IS NOT NULL
),
holder AS (
    -- Since when whoever has one of these numbers now has it.
    SELECT subscriber.number, MAX(activated_at) AS since
    FROM subscriber INNER JOIN (SELECT DISTINCT number FROM word) AS said ON subscriber.number = said.number
    WHERE activated_at < $until GROUP BY subscriber.number
),
last_word AS (
    -- The last word of each day; what was said before the number changed hands was another's.
    SELECT word.number, scope, day, LAST_VALUE(is_refusal ORDER BY turn, said_at, report_id) AS is_refusal
    FROM word LEFT JOIN holder ON word.number = holder.number
    WHERE since IS NULL OR day >= local_day(since) GROUP BY word.number, scope, day
),
followed AS (
    -- The same with the word before.
    SELECT number, scope, day, is_refusal,
        LAG(is_refusal) OVER (PARTITION BY number, scope ORDER BY day) AS was_refusal
    FROM last_word
),
change AS (
    -- Words that changed something, each with the day of the next such.
    SELECT number, scope, day AS said_on, is_refusal,
        LEAD(day) OVER (PARTITION BY number, scope ORDER BY day) AS changed_on
    FROM followed WHERE is_refusal <> COALESCE(was_refusal, false)
)
SELECT
    $day AS day, COALESCE(number, 0) AS number, scope,
    COALESCE(CAST(said_on + INTERVAL '1 day' AS DATE), $day) AS valid_from,
    CAST(changed_on + INTERVAL '1 day' AS DATE) AS valid_until
FROM change
WHERE is_refusal AND (changed_on IS NULL OR changed_on >= $day)

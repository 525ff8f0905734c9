-- Count who reported which domain, account or number in a week, and the accused numbers that share it.
WITH message AS (
    -- Each report once, however often it was sent; only those that accuse somebody. An id belongs to its channel.
    SELECT CONCAT(channel, '/', report_id) AS report_id, MIN(reporter) AS reporter,
        STRING_TO_ARRAY(COALESCE(MIN(COALESCE(sources, CAST(source AS VARCHAR))), '-'), '|') AS sources,
        MIN(entities) AS entities, MIN(reported_at) AS reported_at
    FROM citizen_report
    WHERE day >= $day AND day < $until_day AND kind IN ('spam_call', 'spam_sms', 'scam_call') AND entities IS NOT NULL
    GROUP BY channel, report_id
),
report AS (
    -- Each with each number that it accuses, or with none.
    SELECT report_id, reporter, CAST(NULLIF(accused, '-') AS BIGINT) AS source, entities, reported_at
    FROM (SELECT *, UNNEST(sources) AS accused FROM message) AS accusal
),
mention AS (
    -- What each of them names, one by one.
    SELECT report_id, reporter, source, reported_at, UNNEST(STRING_TO_ARRAY(entities, '|')) AS entity FROM report
),
named AS (
    -- The same in parts; the accused number itself is no news, and the reporter's own, as 84 or 0, is nobody else's.
    SELECT report_id, reporter, source, reported_at,
        SPLIT_PART(entity, ':', 1) AS kind, SUBSTR(entity, STRPOS(entity, ':') + 1) AS value
    FROM mention
    WHERE (source IS NULL OR entity <> CONCAT('number:', CAST(source AS TEXT)))
        AND CAST(reporter AS TEXT) NOT IN (
            SUBSTR(entity, STRPOS(entity, ':') + 1), CONCAT('84', LTRIM(SUBSTR(entity, STRPOS(entity, ':') + 1), '0')))
),
whole AS (
    -- Each thing.
    SELECT kind, value, COUNT(DISTINCT report_id) AS reports, COUNT(DISTINCT reporter) AS reporters,
        COUNT(DISTINCT source) AS sources, MIN(reported_at) AS first_at, MAX(reported_at) AS last_at
    FROM named GROUP BY kind, value
),
accused AS (
    -- Each thing with each number that is accused together with it.
    SELECT kind, value, source, COUNT(DISTINCT report_id) AS reports, COUNT(DISTINCT reporter) AS reporters,
        ARRAY_TO_STRING(ARRAY_SORT(ARRAY_AGG(DISTINCT report_id)), '|') AS report_ids
    FROM named GROUP BY kind, value, source
)
SELECT
    $day AS week, COALESCE(whole.kind, '') AS kind, COALESCE(whole.value, '') AS value, source,
    accused.reports AS source_reports, accused.reporters AS source_reporters,
    whole.reports AS reports, whole.reporters AS reporters, sources,
    COALESCE(first_at, $from) AS first_at, COALESCE(last_at, $from) AS last_at, report_ids
FROM whole INNER JOIN accused ON whole.kind = accused.kind AND whole.value = accused.value

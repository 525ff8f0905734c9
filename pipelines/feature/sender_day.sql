-- Count who reported a sender by its name or short code, and whom of them our records show it to have reached.
WITH told AS (
    -- Each report once, however often it was sent; only those that accuse somebody.
    SELECT CONCAT(channel, '/', report_id) AS report_id, MIN(reporter) AS reporter,
        STRING_TO_ARRAY(MIN(entities), '|') AS entities
    FROM citizen_report
    WHERE day = $day AND kind IN ('spam_call', 'spam_sms', 'scam_call') AND entities IS NOT NULL
    GROUP BY channel, report_id
),
mention AS (
    -- What each of them names, one by one.
    SELECT report_id, reporter, UNNEST(entities) AS entity FROM told
),
named AS (
    -- Each with each sender that it accuses.
    SELECT report_id, reporter, TRANSLATE(UPPER(SUBSTR(entity, STRPOS(entity, ':') + 1)), ' -_.&+', '') AS sender
    FROM mention WHERE SPLIT_PART(entity, ':', 1) = 'sender'
),
came AS (
    -- What came under a name or a short code, to whom; a service number is the one that is dialled, however signalled.
    SELECT day, callee, messages,
        REGEXP_REPLACE(TRANSLATE(UPPER(caller_name), ' -_.&+', ''), '^(00)?84(1[89]00)', '\2') AS sender
    FROM contact_day WHERE day BETWEEN $match_from AND $day AND caller IS NULL AND callee IS NOT NULL
),
brand AS (
    -- Numbers whose calls show a name that somebody accuses, with who may have been called.
    SELECT DISTINCT number, reporter, named.sender
    FROM brandname INNER JOIN named ON TRANSLATE(UPPER(name), ' -_.&+', '') = named.sender
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $match_from)
),
reached AS (
    -- Each pair of them once.
    SELECT callee, came.sender FROM came LEFT SEMI JOIN named ON callee = reporter AND came.sender = named.sender
    UNION SELECT callee, brand.sender FROM contact_day INNER JOIN brand ON caller = number AND callee = reporter
    WHERE day BETWEEN $match_from AND $day
),
loaded AS (
    -- Of how many of these days there are messages under a name.
    SELECT COUNT(DISTINCT day) AS days FROM came WHERE messages > 0
),
served AS (
    -- Those of them whom we serve on the day.
    SELECT number FROM subscriber LEFT SEMI JOIN named ON number = reporter WHERE activated_at < $until GROUP BY number
    HAVING COALESCE(LAST_VALUE(deactivated_at ORDER BY activated_at, changed_at, source_partition, source_offset) > $from, true)
)
SELECT
    $day AS day, COALESCE(named.sender, '') AS sender,
    COUNT(DISTINCT report_id) AS reports, COUNT(DISTINCT reporter) AS reporters,
    COUNT(DISTINCT CASE WHEN callee IS NOT NULL THEN reporter END) AS reached_reporters,
    CASE WHEN MAX(days) > CAST($day AS INT) - CAST($match_from AS INT)
        THEN COUNT(DISTINCT CASE WHEN callee IS NULL AND number IS NOT NULL THEN reporter END) END AS unreached_reporters
FROM named LEFT JOIN reached ON reporter = callee AND named.sender = reached.sender
LEFT JOIN served ON reporter = number CROSS JOIN loaded
GROUP BY named.sender

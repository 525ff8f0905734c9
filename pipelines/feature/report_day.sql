-- Count the people who reported each number, and those whom it had really called or written to.
WITH report AS (
    -- Each report once, however often it was sent; only those that accuse a number.
    SELECT report_id, MIN(reporter) AS reporter, MIN(kind) AS kind, MIN(source) AS source, MIN(reported_at) AS reported_at
    FROM citizen_report
    WHERE day = $day AND source IS NOT NULL AND kind IN ('spam_call', 'spam_sms', 'scam_call')
    GROUP BY report_id
),
seen AS (
    -- People who reported a number on an earlier day already.
    SELECT DISTINCT source, reporter FROM citizen_report
    WHERE day >= $seen_from AND day < $day AND source IS NOT NULL AND kind IN ('spam_call', 'spam_sms', 'scam_call')
),
contact AS (
    -- Contacts that a report of the day may be about.
    SELECT caller, callee, SUM(calls) AS calls, SUM(messages) AS messages, MIN(first_call_at) AS first_call_at
    FROM contact_day
    WHERE day BETWEEN $match_from AND $day AND caller IS NOT NULL AND callee IS NOT NULL
    GROUP BY caller, callee
),
checked AS (
    -- Each report with whether its source had contacted the reporter, or only the other way round.
    SELECT report.source, report.reporter, report.report_id, report.kind,
        COALESCE(CASE WHEN report.kind = 'spam_sms' THEN made.messages > 0
            ELSE made.first_call_at <= report.reported_at END, false) AS is_matched,
        COALESCE(received.calls > 0, false) AND COALESCE(made.calls, 0) = 0 AS is_reversed
    FROM report LEFT ANTI JOIN seen ON report.source = seen.source AND report.reporter = seen.reporter
    LEFT JOIN contact AS made ON made.caller = report.source AND made.callee = report.reporter
    LEFT JOIN contact AS received ON received.caller = report.reporter AND received.callee = report.source
)
SELECT
    $day AS day,
    COALESCE(source, 0) AS source,
    COUNT(DISTINCT report_id) AS reports,
    COUNT(DISTINCT reporter) AS reporters,
    COUNT(DISTINCT CASE WHEN is_matched THEN reporter END) AS matched_reporters,
    COUNT(DISTINCT CASE WHEN is_reversed AND NOT is_matched THEN reporter END) AS reversed_reporters,
    COUNT(DISTINCT CASE WHEN is_matched AND kind = 'scam_call' THEN reporter END) AS scam_reporters
FROM checked
GROUP BY source

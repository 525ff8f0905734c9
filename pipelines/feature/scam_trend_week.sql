-- Count a week's reports by form of fraud, province and channel, beside those of the week before.
WITH report AS (
    -- Each report of both weeks once, however often it was sent; only those that accuse somebody.
    SELECT day, channel, report_id, MIN(reporter) AS reporter, COALESCE(MIN(scam_form), 'none') AS form,
        COALESCE(MIN(province), 'unknown') AS province
    FROM citizen_report
    WHERE day >= $before_from AND day < $until_day AND kind IN ('spam_call', 'spam_sms', 'scam_call')
    GROUP BY day, channel, report_id
),
matched AS (
    -- Those of them of whose numbers one had really called or written.
    SELECT DISTINCT day, channel, report_id FROM report_check
    WHERE day >= $before_from AND day < $until_day AND state = 'matched'
),
checked AS (
    -- Each report with its week and what the records say of it.
    SELECT report.form, report.province, report.channel, report.reporter, report.day >= $day AS is_now,
        matched.report_id IS NOT NULL AS is_matched
    FROM report
    LEFT JOIN matched ON report.day = matched.day AND report.channel = matched.channel
        AND report.report_id = matched.report_id
)
SELECT
    $day AS week, form, province, channel,
    COUNT(*) FILTER (WHERE is_now) AS reports,
    COUNT(DISTINCT CASE WHEN is_now THEN reporter END) AS reporters,
    COUNT(*) FILTER (WHERE is_now AND is_matched) AS matched,
    COUNT(*) FILTER (WHERE NOT is_now) AS reports_before,
    COUNT(DISTINCT CASE WHEN NOT is_now THEN reporter END) AS reporters_before,
    COUNT(*) FILTER (WHERE NOT is_now AND is_matched) AS matched_before
FROM checked
GROUP BY form, province, channel

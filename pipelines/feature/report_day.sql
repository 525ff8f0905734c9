-- Count the people who reported each number, those whose word counts, and those who look sent.
WITH pretence AS (
    -- Reports that tell of somebody who pretends to be an authority, a firm or a relative, by whatever word they were sent.
    SELECT DISTINCT day, channel, report_id FROM citizen_report
    WHERE day BETWEEN $seen_from AND $day AND STRPOS(CONCAT(' ', $pretending_forms, ' '), CONCAT(' ', scam_form, ' ')) > 0
),
report AS (
    -- Each person with each number on the day: what came of it.
    SELECT source, reporter, COUNT(*) AS reports, NOT BOOL_AND(is_repeated) AS is_new, MIN(weight) AS weight,
        BOOL_OR(state = 'matched') AS is_matched,
        BOOL_OR(state = 'matched' AND (kind = 'scam_call' OR pretence.report_id IS NOT NULL)) AS is_scam,
        BOOL_OR(state = 'other_direction') AS is_reversed, BOOL_OR(state = 'not_here_yet') AS is_pending,
        BOOL_OR(state IN ('no_such_call', 'other_direction', 'outside_window', 'own_number')) AS is_unmatched
    FROM report_check
    LEFT JOIN pretence ON report_check.channel = pretence.channel AND report_check.report_id = pretence.report_id
        AND pretence.day = $day
    WHERE report_check.day = $day AND source IS NOT NULL GROUP BY source, reporter
),
counted AS (
    -- People who were matched about a number on an earlier day already.
    SELECT DISTINCT source, reporter FROM report_check WHERE day >= $seen_from AND day < $day AND state = 'matched'
),
told AS (
    -- Who reported which number within the last weeks.
    SELECT source, reporter, MAX(day) AS last_day, BOOL_OR(state = 'matched') AS is_matched,
        BOOL_OR(state IN ('no_such_call', 'other_direction', 'outside_window', 'own_number')) AS is_unmatched
    FROM report_check WHERE day BETWEEN $together_from AND $day AND source IS NOT NULL GROUP BY source, reporter
),
burst AS (
    -- Numbers that many people report of late whom they had nothing to do with.
    SELECT source FROM told WHERE last_day >= $burst_from GROUP BY source
    HAVING COUNT(*) FILTER (WHERE is_unmatched AND NOT is_matched) >= $burst_reporters
        AND COUNT(*) FILTER (WHERE is_unmatched AND NOT is_matched) >= $burst_share * COUNT(*)
),
looked AS (
    -- The days on which a brigade may have been seen: what it said by then stays uncounted though it dissolves later.
    SELECT DISTINCT day AS seen_on FROM report_check WHERE day BETWEEN $seen_from AND $day
),
busy AS (
    -- People who reported numbers enough to go about with anybody: a number that thousands report makes millions of pairs.
    SELECT reporter FROM report_check WHERE day BETWEEN $known_from AND $day AND source IS NOT NULL
    GROUP BY reporter HAVING COUNT(DISTINCT source) >= $together_numbers
),
known AS (
    -- Which numbers they had reported by each of these days, within the weeks before it, each with one report that names it:
    -- neighbours who pass a list on have one report in common, and nothing is hidden by standing behind others.
    SELECT seen_on, source, report_check.reporter, MIN(CONCAT(channel, '/', report_id)) AS report
    FROM busy INNER JOIN report_check ON busy.reporter = report_check.reporter
    INNER JOIN looked ON day <= seen_on AND CAST(seen_on AS INT) - CAST(day AS INT) <= $together_days
    WHERE day BETWEEN $known_from AND $day AND source IS NOT NULL GROUP BY seen_on, source, report_check.reporter
),
breadth AS (
    -- By how many reports each person had reported numbers: as many as there are numbers, where none is a list.
    SELECT seen_on, reporter, COUNT(DISTINCT report) AS reports FROM known GROUP BY seen_on, reporter
),
shared AS (
    -- Pairs of people who both had reported numbers enough.
    SELECT one.seen_on, one.reporter, other.reporter AS peer
    FROM known AS one INNER JOIN known AS other ON one.seen_on = other.seen_on AND one.source = other.source
    WHERE one.reporter <> other.reporter GROUP BY one.seen_on, one.reporter, other.reporter
    HAVING COUNT(*) >= $together_numbers
),
companion AS (
    -- Those of them who did so by reports enough of either, and reported hardly anything else.
    SELECT shared.seen_on, shared.reporter, peer FROM shared
    INNER JOIN known AS one ON shared.seen_on = one.seen_on AND shared.reporter = one.reporter
    INNER JOIN known AS other ON shared.seen_on = other.seen_on AND peer = other.reporter AND one.source = other.source
    INNER JOIN breadth AS own ON shared.seen_on = own.seen_on AND shared.reporter = own.reporter
    INNER JOIN breadth AS theirs ON shared.seen_on = theirs.seen_on AND peer = theirs.reporter
    GROUP BY shared.seen_on, shared.reporter, peer
    HAVING LEAST(COUNT(DISTINCT one.report), COUNT(DISTINCT other.report))
        >= GREATEST($together_numbers, $together_share * GREATEST(MAX(own.reports), MAX(theirs.reports)))
),
party AS (
    -- People who had reported a number with enough companions on one of the days.
    SELECT one.seen_on, one.source, one.reporter FROM known AS one
    INNER JOIN companion ON one.seen_on = companion.seen_on AND one.reporter = companion.reporter
    INNER JOIN known AS other ON other.seen_on = one.seen_on AND other.reporter = peer AND other.source = one.source
    GROUP BY one.seen_on, one.source, one.reporter HAVING COUNT(*) + 1 >= $together_people
),
together AS (
    -- The same on whatever day.
    SELECT DISTINCT source, reporter FROM party
),
word AS (
    -- Who was matched about which number within the last two weeks.
    SELECT source, reporter, FIRST_VALUE(weight ORDER BY report_check.day, reported_at) AS weight,
        BOOL_OR(kind = 'scam_call' OR pretence.report_id IS NOT NULL) AS is_scam
    FROM report_check
    LEFT JOIN pretence ON report_check.channel = pretence.channel AND report_check.report_id = pretence.report_id
        AND report_check.day = pretence.day
    WHERE report_check.day BETWEEN $seen_from AND $day AND state = 'matched' GROUP BY source, reporter
),
remaining AS (
    -- Where some of them turn out to go about together: those whose word still counts.
    SELECT word.source, COUNT(*) FILTER (WHERE together.reporter IS NULL AND weight >= $least_weight) AS people,
        COUNT(*) FILTER (WHERE together.reporter IS NULL AND weight >= $least_weight AND is_scam) AS scams
    FROM word LEFT JOIN together ON word.source = together.source AND word.reporter = together.reporter
    GROUP BY word.source HAVING COUNT(together.reporter) > 0
),
judged AS (
    -- Each person with each number, and whether the word counts.
    SELECT report.*, together.reporter IS NOT NULL AS is_together, burst.source IS NOT NULL AS is_burst,
        counted.reporter IS NULL AND is_matched AS is_first_match,
        counted.reporter IS NULL AND is_matched AND weight >= $least_weight AND together.reporter IS NULL AS is_counted
    FROM report
    LEFT JOIN counted ON report.source = counted.source AND report.reporter = counted.reporter
    LEFT JOIN together ON report.source = together.source AND report.reporter = together.reporter
    LEFT JOIN burst ON report.source = burst.source
)
SELECT
    $day AS day,
    COALESCE(judged.source, remaining.source, 0) AS source,
    COALESCE(SUM(reports) FILTER (WHERE is_new), 0) AS reports,
    COUNT(*) FILTER (WHERE is_new) AS reporters,
    COUNT(*) FILTER (WHERE is_counted) AS matched_reporters,
    COUNT(*) FILTER (WHERE is_new AND is_reversed AND NOT is_matched) AS reversed_reporters,
    COUNT(*) FILTER (WHERE is_counted AND is_scam) AS scam_reporters,
    COUNT(*) FILTER (WHERE is_new AND is_unmatched AND NOT is_matched) AS unmatched_reporters,
    COUNT(*) FILTER (WHERE is_new AND is_pending AND NOT is_matched) AS pending_reporters,
    COUNT(*) FILTER (WHERE is_first_match AND NOT is_counted) AS doubted_reporters,
    NULLIF(CONCAT_WS('+', CASE WHEN BOOL_OR(is_burst) THEN 'burst' END, CASE WHEN BOOL_OR(is_together) THEN 'together' END), '')
        AS brigade,
    MAX(remaining.people) AS remaining_reporters,
    MAX(remaining.scams) AS remaining_scam_reporters
FROM judged FULL JOIN remaining ON judged.source = remaining.source
GROUP BY COALESCE(judged.source, remaining.source, 0)
HAVING COUNT(*) FILTER (WHERE is_new OR is_first_match) > 0 OR MAX(remaining.people) IS NOT NULL

-- Check each number that a report accuses against the calls and messages that really were, and say whose it is.
WITH message AS (
    -- Each report once, however often it was sent; only those that accuse somebody. A call of later is a slip of the pen.
    SELECT channel, report_id, MIN(reporter) AS reporter, MIN(kind) AS kind, MIN(reported_at) AS reported_at,
        STRING_TO_ARRAY(COALESCE(MIN(COALESCE(sources, CAST(source AS VARCHAR))), '-'), '|') AS sources,
        MIN(called_at) FILTER (WHERE called_at <= plus_seconds(reported_at, $called_slack_s)) AS called_at
    FROM citizen_report WHERE day = $day AND kind IN ('spam_call', 'spam_sms', 'scam_call') GROUP BY channel, report_id
),
report AS (
    -- Each of its numbers, or none where it names none. The time that it names is that of one call: of the first number's.
    SELECT channel, report_id, CAST(ARRAY_POSITION(sources, named) AS BIGINT) - 1 AS place, reporter, kind, reported_at,
        CAST(NULLIF(named, '-') AS BIGINT) AS source, CASE WHEN named = sources[1] THEN called_at END AS called_at
    FROM (SELECT *, UNNEST(sources) AS named FROM message) AS mention
),
asked AS (
    -- The days on which each is looked for, and up to when: around the time that it names, else the last ones.
    SELECT report.*, LEAST(reported_at, plus_seconds(called_at, $called_slack_s)) AS until_at,
        CASE WHEN called_at IS NULL THEN $match_from
            ELSE GREATEST(local_day(plus_seconds(called_at, -$called_slack_s)), $known_from) END AS from_day,
        CASE WHEN called_at IS NULL THEN $day ELSE local_day(LEAST(reported_at, plus_seconds(called_at, $called_slack_s))) END AS until_day
    FROM report
),
pair AS (
    -- Whose contacts are looked up, either way round.
    SELECT source AS caller, reporter AS callee FROM report WHERE source IS NOT NULL
    UNION SELECT reporter AS caller, source AS callee FROM report WHERE source IS NOT NULL
),
own_range AS (
    -- The holder of the ranges that most of our numbers are in.
    SELECT range_holder(number) AS holder FROM subscriber WHERE range_holder(number) <> ''
    GROUP BY range_holder(number) ORDER BY COUNT(*) DESC, holder LIMIT 1
),
ported AS (
    -- Numbers that left the holder of their range, with whom each went to last: a register may never end the lines before.
    SELECT number, LAST_VALUE(operator ORDER BY valid_from, operator) AS operator FROM ported_number WHERE valid_from <= $day
    GROUP BY number HAVING COALESCE(LAST_VALUE(valid_until ORDER BY valid_from, operator) > $day, true)
),
agency AS (
    -- Numbers of agencies and services on the day.
    SELECT DISTINCT number FROM special_number WHERE number IS NOT NULL AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
shown AS (
    -- Calls to a reporter from abroad or by VoIP.
    SELECT caller, callee, day FROM call_event
    WHERE day BETWEEN $known_from AND $day AND record_type = 'incoming_gateway' AND origin IN ('international', 'voip')
        AND NOT is_spoof_suspect AND may_have('pair', caller, callee)
),
false_call AS (
    -- Those that show what cannot come that way, as in trunk_day: a fixed line, an agency, or a number that nobody holds.
    SELECT caller, callee, shown.day, COUNT(*) AS calls
    FROM shown LEFT JOIN own_range ON range_holder(caller) = own_range.holder LEFT JOIN ported ON caller = ported.number
    LEFT JOIN agency ON caller = agency.number
    WHERE number_type(caller) IN ('fixed', 'special', 'unallocated') OR agency.number IS NOT NULL
        OR (own_range.holder IS NOT NULL AND ported.number IS NULL AND $owns_ranges = 1)
    GROUP BY caller, callee, shown.day
),
contact AS (
    -- All contacts of the last week that may be theirs; a call that only shows a number was not made by it.
    SELECT contact_day.caller, contact_day.callee, contact_day.day, contact_day.calls, answered, messages,
        first_call_at, last_call_at, COALESCE(false_call.calls, 0) AS false_calls
    FROM contact_day LEFT JOIN false_call ON contact_day.caller = false_call.caller
        AND contact_day.callee = false_call.callee AND contact_day.day = false_call.day
    WHERE contact_day.day BETWEEN $known_from AND $day AND may_have('pair', contact_day.caller, contact_day.callee)
),
near AS (
    -- Each number with the contacts that it made, and with those that came back; whether they are of those days.
    SELECT channel, report_id, place, true AS is_made, day BETWEEN from_day AND until_day AS is_near, contact.*
    FROM asked INNER JOIN contact ON source = caller AND reporter = callee
    UNION ALL SELECT channel, report_id, place, false, day BETWEEN from_day AND until_day, contact.*
    FROM asked INNER JOIN contact ON reporter = caller AND source = callee
),
met AS (
    -- What each of two had to do with the other: on those days, and within the week.
    SELECT channel, report_id, place, is_made, SUM(calls) FILTER (WHERE is_near) AS calls, SUM(answered) FILTER (WHERE is_near) AS answered,
        SUM(messages) FILTER (WHERE is_near) AS messages, MIN(first_call_at) FILTER (WHERE is_near) AS first_call_at,
        SUM(false_calls) FILTER (WHERE is_near) AS false_calls, MAX(last_call_at) FILTER (WHERE is_near) AS last_call_at,
        MAX(day) FILTER (WHERE is_near AND messages > 0) AS last_message_day, SUM(calls) AS known_calls, SUM(messages) AS known_messages
    FROM near GROUP BY channel, report_id, place, is_made
),
newest AS (
    -- How new the records of each day are.
    SELECT false AS is_message, day, MAX(last_call_at) AS newest_at FROM contact_day
    WHERE day BETWEEN $known_from AND $day AND last_call_at IS NOT NULL GROUP BY day
    UNION ALL SELECT true, day, MAX(start_at) FROM sms_event WHERE day BETWEEN $known_from AND $day GROUP BY day
),
loaded AS (
    -- Of how many of the days of each number there are records, and how new these are.
    SELECT channel, report_id, place, COUNT(*) AS days, MAX(newest_at) AS newest_at
    FROM asked INNER JOIN newest ON (kind = 'spam_sms') = is_message AND day BETWEEN from_day AND until_day
    GROUP BY channel, report_id, place
),
told AS (
    -- When each person first reported each number.
    SELECT reporter, CAST(named AS BIGINT) AS source, MIN(reported_at) AS first_at
    FROM (SELECT reporter, reported_at, UNNEST(STRING_TO_ARRAY(COALESCE(sources, CAST(source AS VARCHAR)), '|')) AS named
        FROM citizen_report WHERE day BETWEEN $seen_from AND $day AND kind IN ('spam_call', 'spam_sms', 'scam_call')) AS mention
    GROUP BY reporter, named
),
party AS (
    -- Both ends of all reports.
    SELECT source AS number FROM report WHERE source IS NOT NULL UNION SELECT reporter FROM report
),
served AS (
    -- Those whom we serve on the day, and since when.
    SELECT subscriber.number, MAX(holder) AS holder, MAX(activated_at) AS activated_at FROM subscriber
    INNER JOIN party ON subscriber.number = party.number LEFT JOIN own_range ON true
    WHERE activated_at < $until GROUP BY subscriber.number
    HAVING COALESCE(LAST_VALUE(deactivated_at ORDER BY activated_at, changed_at, source_partition, source_offset) > $from, true)
),
record AS (
    -- What became of the numbers that each person reported earlier, the own among them, whose source is not kept: all that
    -- matched, and of a report without one its first. What the last holder of a reporter's number said is not theirs.
    SELECT reporter, COUNT(DISTINCT COALESCE(source, reporter)) AS numbers,
        COUNT(DISTINCT CASE WHEN state = 'matched' THEN source END) AS matched
    FROM (SELECT *, BOOL_OR(state = 'matched') OVER (PARTITION BY day, channel, report_id) AS is_right FROM report_check_before
        WHERE day >= $record_from AND state IN ('matched', 'no_such_call', 'other_direction', 'outside_window', 'own_number')) AS earlier
    LEFT JOIN served ON reporter = served.number
    WHERE COALESCE(day >= local_day(activated_at), true) AND (state = 'matched' OR (NOT is_right AND COALESCE(place, 0) = 0)) GROUP BY reporter
),
compared AS (
    -- Each number with all of that.
    SELECT asked.*, COALESCE(made.calls, 0) AS calls, COALESCE(made.answered, 0) AS answered,
        COALESCE(made.messages, 0) AS messages, kind <> 'spam_sms' AND made.false_calls >= made.calls AS is_false,
        CASE WHEN kind = 'spam_sms' THEN made.last_message_day < local_day(source_served.activated_at)
            ELSE made.last_call_at < source_served.activated_at END AS is_former,
        made.first_call_at, COALESCE(first_at < reported_at, false) AS is_repeated,
        COALESCE(record.numbers, 0) AS record_numbers, COALESCE(record.matched, 0) AS record_matched,
        COALESCE(operator, source_served.holder, NULLIF(range_holder(asked.source), '')) AS carrier, own_range.holder,
        CASE WHEN kind = 'spam_sms' THEN made.messages > 0 ELSE made.first_call_at <= reported_at
            AND COALESCE(made.first_call_at <= back.first_call_at, true) END AS is_matched,
        loaded.days > CAST(until_day AS INT) - CAST(from_day AS INT) AND seconds_between(newest_at, until_at) <= $quiet_s AS is_here,
        source_served.number IS NOT NULL OR reporter_served.number IS NOT NULL AS is_seen,
        CASE WHEN kind = 'spam_sms' THEN back.messages > 0 ELSE back.first_call_at IS NOT NULL
            AND COALESCE(back.first_call_at < made.first_call_at, true) END AS is_reversed,
        CASE WHEN kind = 'spam_sms' THEN made.known_messages > 0 ELSE made.known_calls > 0 END AS is_known
    FROM asked
    LEFT JOIN met AS made ON asked.channel = made.channel AND asked.report_id = made.report_id AND asked.place = made.place AND made.is_made
    LEFT JOIN met AS back ON asked.channel = back.channel AND asked.report_id = back.report_id AND asked.place = back.place AND NOT back.is_made
    LEFT JOIN told ON asked.source = told.source AND asked.reporter = told.reporter LEFT JOIN record ON asked.reporter = record.reporter
    LEFT JOIN loaded ON asked.channel = loaded.channel AND asked.report_id = loaded.report_id AND asked.place = loaded.place
    LEFT JOIN ported ON asked.source = ported.number LEFT JOIN own_range ON true
    LEFT JOIN served AS source_served ON asked.source = source_served.number
    LEFT JOIN served AS reporter_served ON asked.reporter = reporter_served.number
)
SELECT
    $day AS day, channel, report_id, COALESCE(reporter, 0) AS reporter,
    -- The own number beside the pseudonym of whoever was erased would tell whose it is.
    NULLIF(source, reporter) AS source, COALESCE(kind, '') AS kind, COALESCE(reported_at, $from) AS reported_at,
    CASE
        WHEN source IS NULL THEN 'no_source'
        WHEN source = reporter THEN 'own_number'
        WHEN is_matched AND is_false THEN 'false_number'
        WHEN is_matched AND is_former THEN 'former_holder'
        WHEN is_matched THEN 'matched'
        WHEN until_day < $known_from THEN 'outside_window'
        WHEN NOT COALESCE(is_here, false) THEN 'not_here_yet'
        WHEN NOT is_seen THEN 'unseen'
        WHEN is_reversed THEN 'other_direction'
        WHEN is_known THEN 'outside_window'
        ELSE 'no_such_call'
    END AS state,
    first_call_at, calls, answered, messages, is_repeated, record_numbers, record_matched,
    (record_matched + $record_prior) / CAST(record_numbers + $record_prior AS DOUBLE) AS weight,
    carrier, CASE WHEN carrier <> holder THEN carrier END AS route_to, place
FROM compared

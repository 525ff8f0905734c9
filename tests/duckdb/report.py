"""Whether what a citizen reports really was, by the events themselves.

In: `citizen_report`, the views of `contact.py`. Out: of each report of a day whether it is matched, with the calls and
messages that it may be about, in the table `witnessed`. Never: reads `contact_day`, or says why a report is not matched.
"""

WITNESSED = """
CREATE OR REPLACE TEMP TABLE witnessed AS
WITH report AS (
    SELECT channel, report_id, min(reporter) AS reporter, min(kind) AS kind, min(source) AS source,
        min(reported_at) AS reported_at
    FROM citizen_report
    WHERE day = DATE '{day}' AND kind IN ('spam_call', 'spam_sms', 'scam_call')
    GROUP BY ALL
),
near_call AS (
    FROM own_call WHERE day BETWEEN DATE '{day}' - {match_days} AND DATE '{day}'
),
near_message AS (
    FROM own_message WHERE day BETWEEN DATE '{day}' - {match_days} AND DATE '{day}'
)
SELECT *, source IS NOT NULL AND source <> reporter AND CASE WHEN kind = 'spam_sms' THEN messages > 0
    ELSE first_call_at <= reported_at AND began = source END AS is_matched
FROM (
    SELECT
        *,
        (SELECT count(*) FROM near_call WHERE caller = source AND callee = reporter) AS calls,
        (SELECT count(*) FROM near_call WHERE caller = source AND callee = reporter AND is_answered) AS answered,
        (SELECT count(*) FROM near_message WHERE caller = source AND callee = reporter) AS messages,
        (SELECT min(start_at) FROM near_call WHERE caller = source AND callee = reporter) AS first_call_at,
        -- Who made the first of all calls between the two; of two at once, the number.
        (SELECT arg_min(caller, epoch_us(start_at) * 2 + (caller <> source)::INT) FROM near_call
            WHERE (caller = source AND callee = reporter) OR (caller = reporter AND callee = source)) AS began
    FROM report
)
"""

DIFFERING = """
SELECT channel, report_id FROM witnessed
FULL JOIN (FROM report_check WHERE day = DATE '{day}') AS checked USING (channel, report_id)
WHERE (state = 'matched') IS DISTINCT FROM coalesce(is_matched, false)
    OR (checked.calls, checked.answered, checked.messages) IS DISTINCT FROM
        (witnessed.calls, witnessed.answered, witnessed.messages)
    OR checked.first_call_at IS DISTINCT FROM witnessed.first_call_at
ORDER BY ALL
"""


def differing_reports(con, day, values):
    """How many reports of a day there are, and the channel and id of those that were checked otherwise."""
    con.execute(WITNESSED.format(day=day, **values))
    reports = con.execute("SELECT count(*) FROM witnessed").fetchone()[0]
    return reports, con.execute(DIFFERING.format(day=day)).fetchall()

"""Whether what a citizen reports really was, by the events themselves.

In: `citizen_report`, the views of `contact.py`. Out: of each number that a report of a day accuses whether it is matched,
with the calls and messages that it may be about, in the table `witnessed`; where the number was only shown, that it came
from abroad.
Never: reads `contact_day`, or says why a report is not matched.
"""

from lake import local_day_sql

WITNESSED = """
CREATE OR REPLACE TEMP TABLE witnessed AS
WITH message AS (
    SELECT channel, report_id, min(reporter) AS reporter, min(kind) AS kind, min(reported_at) AS reported_at,
        coalesce(string_split(min(coalesce(sources, source::VARCHAR)), '|'), [NULL]) AS sources,
        min(called_at) FILTER (called_at <= reported_at + {slack}) AS called_at
    FROM citizen_report
    WHERE day = DATE '{day}' AND kind IN ('spam_call', 'spam_sms', 'scam_call')
    GROUP BY ALL
),
report AS (
    -- The time that a report names is that of the first number's call.
    SELECT * EXCLUDE (sources, called_at), sources[place + 1]::BIGINT AS source,
        CASE WHEN place = 0 THEN called_at END AS called_at
    FROM (SELECT *, unnest(range(len(sources))) AS place FROM message)
),
meant AS (
    -- The days that each is about: around the time that it names, else the last ones.
    SELECT *,
        CASE WHEN called_at IS NULL THEN DATE '{day}' - {match_days}
            ELSE greatest({earliest}, DATE '{day}' - {known_days}) END AS from_day,
        CASE WHEN called_at IS NULL THEN DATE '{day}'
            ELSE {latest} END AS until_day
    FROM report
)
SELECT *, source IS NOT NULL AND source <> reporter AND CASE WHEN kind = 'spam_sms' THEN messages > 0
    ELSE first_call_at <= reported_at AND began = source END AS is_matched
FROM (
    SELECT
        *,
        (SELECT count(*) FROM own_call WHERE day BETWEEN from_day AND until_day
            AND caller = source AND callee = reporter) AS calls,
        (SELECT count(*) FROM own_call WHERE day BETWEEN from_day AND until_day
            AND caller = source AND callee = reporter AND is_answered) AS answered,
        (SELECT count(*) FROM own_message WHERE day BETWEEN from_day AND until_day
            AND caller = source AND callee = reporter) AS messages,
        (SELECT min(start_at) FROM own_call WHERE day BETWEEN from_day AND until_day
            AND caller = source AND callee = reporter) AS first_call_at,
        (SELECT count(*) FROM own_call WHERE day BETWEEN from_day AND until_day
            AND caller = source AND callee = reporter
            AND NOT (record_type = 'incoming_gateway' AND origin IN ('international', 'voip'))) AS home_calls,
        -- Who made the first of all calls between the two; of two at once, the number.
        (SELECT arg_min(caller, epoch_us(start_at) * 2 + (caller <> source)::INT) FROM own_call
            WHERE day BETWEEN from_day AND until_day
            AND ((caller = source AND callee = reporter) OR (caller = reporter AND callee = source))) AS began
    FROM meant
)
"""

DIFFERING = """
SELECT DISTINCT channel, report_id FROM witnessed
FULL JOIN (SELECT * REPLACE (coalesce(place, 0) AS place) FROM report_check WHERE day = DATE '{day}') AS checked
    USING (channel, report_id, place)
WHERE (state IN ('matched', 'false_number', 'former_holder')) IS DISTINCT FROM coalesce(is_matched, false)
    -- What the numbering plan says of a number is not worked out here; a call from a network at home is never false.
    OR (state = 'false_number' AND (checked.kind = 'spam_sms' OR home_calls > 0))
    OR (checked.calls, checked.answered, checked.messages) IS DISTINCT FROM
        (witnessed.calls, witnessed.answered, witnessed.messages)
    OR checked.first_call_at IS DISTINCT FROM witnessed.first_call_at
ORDER BY ALL
"""


def differing_reports(con, day, values):
    """How many reports of a day there are, and the channel and id of those that were checked otherwise."""
    slack = f"to_seconds({values['called_slack_s']})"
    earliest = local_day_sql(f"(called_at - {slack})")
    latest = local_day_sql(f"least(called_at + {slack}, reported_at)")
    con.execute(WITNESSED.format(day=day, slack=slack, earliest=earliest, latest=latest, **values))
    reports = con.execute("SELECT count(DISTINCT (channel, report_id)) FROM witnessed").fetchone()[0]
    return reports, con.execute(DIFFERING.format(day=day)).fetchall()

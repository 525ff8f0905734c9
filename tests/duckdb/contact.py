"""Whom one meets on a day, and whom one knows at the end of a week.

In: `call_event`, `sms_event`; for the states `contact_day`. Out: the pairs of a day or a week, as they should be, in
the table `expected`. Never: folds one week upon the other, as the product does.
"""

from compare import expect

# What counts as a call and as a message of somebody; the first day on which two parties had to do with each other; and
# the days on which anybody had.
CONTACT = """
CREATE OR REPLACE VIEW own_call AS
SELECT
    *,
    party(caller_kind, caller, caller_raw) AS caller_party,
    party(callee_kind, callee, callee_raw) AS callee_party,
    epoch_us(start_at) AS start_us,
    epoch_us(start_at) + (coalesce(ring_s, 0)::BIGINT + duration_s) * 1000000 AS end_us,
    (epoch_us(start_at) + 25200000000) // 3600000000 % 24 AS local_hour
FROM call_event
WHERE NOT is_forwarded_leg AND NOT is_spoof_suspect;

CREATE OR REPLACE VIEW own_message AS
SELECT
    *,
    party(caller_kind, caller, caller_raw) AS caller_party,
    party(callee_kind, callee, callee_raw) AS callee_party
FROM sms_event
WHERE NOT is_spoof_suspect;

CREATE OR REPLACE TABLE first_contact AS
WITH contact AS (
    SELECT day, caller_party, caller_kind, callee_party, callee_kind FROM own_call
    UNION ALL
    SELECT day, caller_party, caller_kind, callee_party, callee_kind FROM own_message
)
SELECT
    least(caller_party, callee_party) AS one, greatest(caller_party, callee_party) AS other, min(day) AS first_day
FROM contact
WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
GROUP BY ALL;

CREATE OR REPLACE TABLE contact_date AS
SELECT DISTINCT day FROM own_call WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
UNION
SELECT DISTINCT day FROM own_message WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous';
"""


# Every pair of a day, whatever its ends are. `CONTACT` must have run.
CONTACT_DAY = """
CREATE OR REPLACE TEMP TABLE pair_day AS
WITH met AS (
    SELECT
        caller_kind, caller, caller_name, callee_kind, callee, callee_name, caller_party, callee_party, start_at,
        start_us, is_answered, true AS is_call
    FROM own_call
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}'
    UNION ALL
    SELECT
        caller_kind, caller, caller_name, callee_kind, callee, callee_name, caller_party, callee_party, start_at,
        epoch_us(start_at), false, false
    FROM own_message
    WHERE day = DATE '{day}'
),
-- A call follows the one before it, on this day or the last; a message follows nothing.
followed AS (
    SELECT
        *,
        start_us >= day_start_us(DATE '{day}') AS is_today,
        CASE WHEN is_call THEN
            start_us - lag(start_us) OVER (PARTITION BY caller_party, callee_party, is_call ORDER BY start_us)
        END AS since_us
    FROM met
    WHERE caller_kind <> 'anonymous' AND callee_kind <> 'anonymous'
),
pair AS (
    SELECT
        caller_party, callee_party,
        any_value(caller_kind) AS caller_kind, any_value(caller) AS caller, any_value(caller_name) AS caller_name,
        any_value(callee_kind) AS callee_kind, any_value(callee) AS callee, any_value(callee_name) AS callee_name,
        count(*) FILTER (WHERE is_call) AS calls,
        count(*) FILTER (WHERE is_answered) AS answered,
        count(*) FILTER (WHERE NOT is_call) AS messages,
        count(*) FILTER (WHERE since_us < 86400000000) AS repeats_within_24h,
        min(start_at) FILTER (WHERE is_call) AS first_call_at,
        max(start_at) FILTER (WHERE is_call) AS last_call_at
    FROM followed
    WHERE is_today
    GROUP BY ALL
)
SELECT
    DATE '{day}' AS day, pair.*,
    (SELECT count(*) FROM contact_date WHERE day < DATE '{day}') AS history_days,
    NOT EXISTS (
        FROM first_contact
        WHERE one = least(pair.caller_party, pair.callee_party)
            AND other = greatest(pair.caller_party, pair.callee_party) AND first_day < DATE '{day}'
    ) AS is_new,
    coalesce(back.last_call_at > pair.first_call_at, false) AS is_called_back
FROM pair
LEFT JOIN pair AS back ON back.caller_party = pair.callee_party AND back.callee_party = pair.caller_party
"""


def expect_contact_day(con, contract, day, values):
    """Leaves the pairs of one day, as they should be, in the table `expected`. `CONTACT` must have run."""
    con.execute(CONTACT_DAY.format(day=day))
    expect(con, contract, "pair_day")


# Each pair's days of contact at once, where the product folds week upon week. A state is kept for each week, and leaves
# out who has not met for `remembered_days` before it; so who meets again once the state of the week before has
# forgotten it begins anew: another spell.
SPELL = """
CREATE OR REPLACE TABLE spell_day AS
WITH ends AS (
    SELECT
        day, calls, messages, caller IS NOT NULL AND callee IS NOT NULL AS are_numbers,
        caller_kind || ' ' || coalesce(caller_name, caller::VARCHAR) AS caller_text,
        callee_kind || ' ' || coalesce(callee_name, callee::VARCHAR) AS callee_text,
        caller, callee
    FROM contact_day
),
turned AS (
    SELECT
        *, CASE WHEN are_numbers THEN caller > callee ELSE caller_text > callee_text END AS is_down
    FROM ends
),
met AS (
    SELECT
        CASE WHEN are_numbers THEN least(caller, callee) END AS low,
        CASE WHEN are_numbers THEN greatest(caller, callee) END AS high,
        CASE WHEN NOT are_numbers THEN least(caller_text, callee_text) END AS low_name,
        CASE WHEN NOT are_numbers THEN greatest(caller_text, callee_text) END AS high_name,
        day,
        sum(if(is_down, 0, calls)) AS calls_up, sum(if(is_down, calls, 0)) AS calls_down,
        sum(if(is_down, 0, messages)) AS messages_up, sum(if(is_down, messages, 0)) AS messages_down
    FROM turned
    GROUP BY ALL
),
forgotten AS (
    SELECT
        *,
        coalesce(
            lag(day) OVER pair_in_order < date_trunc('week', day)::DATE - 7 - {remembered_days}, false
        ) AS was_forgotten
    FROM met
    WINDOW pair_in_order AS (PARTITION BY low, high, low_name, high_name ORDER BY day)
)
SELECT
    * EXCLUDE (was_forgotten),
    sum(was_forgotten::INTEGER) OVER (PARTITION BY low, high, low_name, high_name ORDER BY day) AS spell
FROM forgotten
"""

RELATION = """
CREATE OR REPLACE TEMP TABLE known AS
SELECT
    DATE '{week}' AS week, low, high, low_name, high_name,
    min(day) AS first_day, max(day) AS last_day,
    sum(calls_up) AS calls_up, sum(calls_down) AS calls_down,
    sum(messages_up) AS messages_up, sum(messages_down) AS messages_down,
    (SELECT count(DISTINCT day) FROM contact_day WHERE day < DATE '{week}' + 7) AS history_days
FROM spell_day
WHERE day < DATE '{week}' + 7
GROUP BY low, high, low_name, high_name, spell
HAVING max(day) >= DATE '{week}' - {remembered_days}
QUALIFY row_number() OVER (PARTITION BY low, high, low_name, high_name ORDER BY spell DESC) = 1
"""


def expect_relation(con, contract, week, values):
    """Leaves whom everybody knew at the end of a week in the table `expected`. `SPELL` must have run."""
    con.execute(RELATION.format(week=week, **values))
    expect(con, contract, "known")

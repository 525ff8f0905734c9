"""A party's day.

In: `call_event`, `sms_event`, `do_not_call`, and the views of `contact.CONTACT`. Out: the parties of a day, as they
should be, in the table `expected`. Never: asks a kernel: DuckDB's windows say what depends on the order of calls.
"""

from compare import expect

CALLER_DAY = """
CREATE OR REPLACE TEMP TABLE party_day AS
WITH call AS (SELECT * FROM own_call WHERE day = DATE '{day}'),
message AS (SELECT * FROM own_message WHERE day = DATE '{day}'),
history AS (SELECT count(*) AS history_days FROM contact_date WHERE day < DATE '{day}'),

seen AS (
    SELECT caller_party AS party, caller_kind AS kind, caller AS number, caller_raw AS raw, is_caller_onnet AS is_onnet
    FROM call
    UNION ALL
    SELECT callee_party, callee_kind, callee, callee_raw, is_callee_onnet FROM call
    UNION ALL
    SELECT caller_party, caller_kind, caller, caller_raw, is_caller_onnet FROM message
    UNION ALL
    SELECT callee_party, callee_kind, callee, callee_raw, is_callee_onnet FROM message
),
present AS (
    SELECT
        party, any_value(kind) AS kind, any_value(number) AS number,
        any_value(CASE WHEN kind <> 'e164' THEN raw END) AS name, bool_or(is_onnet) AS is_onnet
    FROM seen
    WHERE kind <> 'anonymous'
    GROUP BY party
),

-- Each call beside the one that the same party made next, the one before, and all that it began soon after.
made AS (
    SELECT
        *,
        lead(start_us) OVER made_in_order - end_us AS gap_us,
        lag(callee_kind) OVER made_in_order AS previous_kind,
        lag(callee) OVER made_in_order AS previous_callee,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 59999999 FOLLOWING) AS within_60s,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 599999999 FOLLOWING) AS within_600s,
        count(*) OVER (PARTITION BY caller_party ORDER BY start_us
            RANGE BETWEEN CURRENT ROW AND 3599999999 FOLLOWING) AS within_3600s
    FROM call
    WINDOW made_in_order AS (PARTITION BY caller_party ORDER BY start_us, end_us, callee NULLS FIRST)
),
outgoing AS (
    SELECT
        caller_party AS party,
        count(*) AS calls_out,
        count(*) FILTER (WHERE is_answered) AS answered_out,
        sum(duration_s) AS duration_out_s,
        count(*) FILTER (WHERE is_answered AND duration_s < {short_call_s}) AS short_calls,
        count(*) FILTER (WHERE gap_us >= 0) AS gaps,
        count(*) FILTER (WHERE gap_us >= 0 AND gap_us < {short_gap_s}::BIGINT * 1000000) AS short_gaps,
        count(*) FILTER (WHERE gap_us < 0) AS overlapping_calls,
        max(within_60s) AS peak_calls_60s,
        max(within_600s) AS peak_calls_600s,
        max(within_3600s) AS peak_calls_3600s,
        count(DISTINCT caller_cell) AS cells,
        count(DISTINCT caller_imei) AS imeis,
        count(DISTINCT local_hour) AS active_hours,
        count(*) FILTER (
            WHERE callee_kind = 'e164' AND previous_kind = 'e164' AND abs(callee - previous_callee) BETWEEN 1 AND 10
        ) AS sequential_calls,
        count(*) FILTER (
            WHERE local_hour < {ad_hour_from} OR local_hour >= {ad_hour_until}
        ) AS calls_outside_hours,
        count(*) FILTER (WHERE callee_kind = 'e164' AND callee IN (
            SELECT number
            FROM do_not_call
            WHERE scope IN ('call', 'both')
                AND valid_from <= DATE '{day}' AND (valid_until IS NULL OR valid_until > DATE '{day}')
        )) AS calls_to_dnc
    FROM made
    GROUP BY ALL
),
by_hour AS (
    SELECT party, max(calls) AS peak_hour_calls
    FROM (SELECT caller_party AS party, local_hour, count(*) AS calls FROM call GROUP BY ALL)
    GROUP BY ALL
),

towards AS (
    SELECT
        caller_party, callee_party, count(*) AS calls, min(start_us) AS first_us, max(start_us) AS last_us
    FROM call
    GROUP BY ALL
),
callee AS (
    SELECT
        t.caller_party AS party,
        t.calls,
        coalesce(back.last_us > t.first_us, false) AS called_back,
        coalesce(f.first_day >= DATE '{day}', true) AS is_new
    FROM towards AS t
    LEFT JOIN towards AS back ON back.caller_party = t.callee_party AND back.callee_party = t.caller_party
    LEFT JOIN first_contact AS f
        ON f.one = least(t.caller_party, t.callee_party) AND f.other = greatest(t.caller_party, t.callee_party)
),
callees AS (
    SELECT
        party,
        count(*) AS callees,
        count(*) FILTER (WHERE is_new) AS new_callees,
        coalesce(sum(calls) FILTER (WHERE is_new), 0) AS new_callee_calls,
        max(calls) AS top_callee_calls,
        count(*) FILTER (WHERE calls >= 2) AS repeat_callees,
        count(*) FILTER (WHERE called_back) AS called_back
    FROM callee
    GROUP BY ALL
),

-- The nearest earlier call to the same party decides: a farther one is farther off.
repeated AS (
    SELECT party, count(*) AS repeat_within_24h
    FROM (
        SELECT
            caller_party AS party, day,
            start_us - lag(start_us) OVER (
                PARTITION BY caller_party, callee_party ORDER BY start_us, record_id
            ) AS since_us
        FROM own_call
        WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}'
    )
    WHERE day = DATE '{day}' AND since_us < {repeat_window_s}::BIGINT * 1000000
    GROUP BY ALL
),
incoming AS (SELECT callee_party AS party, count(*) AS calls_in FROM call GROUP BY ALL),
sent AS (SELECT caller_party AS party, count(*) AS sms_sent FROM message GROUP BY ALL),
received AS (SELECT callee_party AS party, count(*) AS sms_received FROM message GROUP BY ALL),

counted AS (
    SELECT
        present.*,
        history.history_days,
        history.history_days >= {min_history_days} AS is_history_enough,
        outgoing.* EXCLUDE (party),
        coalesce(calls_in, 0) AS calls_in_seen,
        callees.* EXCLUDE (party),
        by_hour.peak_hour_calls,
        repeated.repeat_within_24h,
        sent.sms_sent,
        received.sms_received
    FROM present
    CROSS JOIN history
    LEFT JOIN outgoing USING (party)
    LEFT JOIN by_hour USING (party)
    LEFT JOIN callees USING (party)
    LEFT JOIN repeated USING (party)
    LEFT JOIN incoming USING (party)
    LEFT JOIN sent USING (party)
    LEFT JOIN received USING (party)
)
SELECT
    DATE '{day}' AS day,
    kind AS caller_kind,
    number AS caller,
    name AS caller_name,
    is_onnet,
    coalesce(calls_out, 0) AS calls_out,
    CASE WHEN is_onnet THEN calls_in_seen END AS calls_in,
    coalesce(answered_out, 0) AS answered_out,
    coalesce(duration_out_s, 0) AS duration_out_s,
    coalesce(short_calls, 0) AS short_calls,
    short_calls::DOUBLE / nullif(calls_out, 0)::DOUBLE AS short_call_share_all,
    short_calls::DOUBLE / nullif(answered_out, 0)::DOUBLE AS short_call_share,
    coalesce(gaps, 0) AS gaps,
    coalesce(short_gaps, 0) AS short_gaps,
    short_gaps::DOUBLE / nullif(gaps, 0)::DOUBLE AS short_gap_share,
    coalesce(overlapping_calls, 0) AS overlapping_calls,
    coalesce(peak_calls_60s, 0) AS peak_calls_60s,
    coalesce(peak_calls_600s, 0) AS peak_calls_600s,
    coalesce(peak_calls_3600s, 0) AS peak_calls_3600s,
    coalesce(callees, 0) AS callees,
    history_days,
    CASE WHEN is_history_enough THEN coalesce(new_callees, 0) END AS new_callees,
    CASE WHEN is_history_enough
        THEN new_callee_calls::DOUBLE / nullif(calls_out, 0)::DOUBLE END AS new_callee_call_share,
    coalesce(top_callee_calls, 0) AS top_callee_calls,
    coalesce(repeat_callees, 0) AS repeat_callees,
    coalesce(called_back, 0) AS called_back,
    coalesce(sms_sent, 0) AS sms_sent,
    coalesce(sms_received, 0) AS sms_received,
    CASE WHEN is_onnet
        THEN coalesce(calls_out, 0)::DOUBLE
            / nullif(coalesce(calls_out, 0) + calls_in_seen, 0)::DOUBLE END AS out_share,
    CASE WHEN is_onnet THEN coalesce(cells, 0) END AS cells,
    CASE WHEN is_onnet THEN coalesce(imeis, 0) END AS imeis,
    coalesce(active_hours, 0) AS active_hours,
    coalesce(peak_hour_calls, 0) AS peak_hour_calls,
    coalesce(sequential_calls, 0) AS sequential_calls,
    coalesce(calls_outside_hours, 0) AS calls_outside_hours,
    coalesce(calls_to_dnc, 0) AS calls_to_dnc,
    coalesce(repeat_within_24h, 0) AS repeat_within_24h
FROM counted
"""


def expect_caller_day(con, contract, day, values):
    """Leaves the parties of one day, as they should be, in the table `expected`. `CONTACT` must have run."""
    con.execute(CALLER_DAY.format(day=day, **values))
    expect(con, contract, "party_day")

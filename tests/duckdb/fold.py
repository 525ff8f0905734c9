"""What a call and a message are: the fold of records, a second time.

In: records, trunks and subscriptions in DuckDB. Out: the events of a day, as they should be, in the table `expected`.
Never: the product's shape of it.
"""

from compare import expect

# The state of a subscription is its latest row.
SUBSCRIPTION = """
CREATE OR REPLACE TABLE subscription AS
SELECT number, epoch_us(activated_at) AS activated_us, epoch_us(deactivated_at) AS deactivated_us
FROM subscriber
QUALIFY row_number() OVER (
    PARTITION BY number, activated_at ORDER BY changed_at DESC, source_partition DESC, source_offset DESC
) = 1
"""

# Calls and messages in one shape, so that they are folded by the same words. A message has no parts of its own record
# (`parts` are its segments) and no duration.
FOLDABLE = {
    "call_event": """
CREATE OR REPLACE VIEW foldable AS
SELECT
    rowid AS row, day, record_type, record_id, call_ref AS ref, partial_seq, caller, caller_kind, caller_raw, callee,
    callee_kind, callee_raw, start_at, ring_s, duration_s, is_answered, release_cause, trunk, cell, imei, imsi,
    NULL::VARCHAR AS sender_name, NULL::INTEGER AS parts, source_partition, source_offset
FROM call_record
""",
    "sms_event": """
CREATE OR REPLACE VIEW foldable AS
SELECT
    rowid AS row, day, record_type, record_id, message_ref AS ref, NULL::INTEGER AS partial_seq, caller, caller_kind,
    caller_raw, callee, callee_kind, callee_raw, start_at, NULL::INTEGER AS ring_s, 0 AS duration_s,
    NULL::BOOLEAN AS is_answered, NULL::INTEGER AS release_cause, trunk, cell, imei, imsi, sender_name, parts,
    source_partition, source_offset
FROM sms_record
""",
}

# Every record of the day before, the day and the day after, and the parts of the day before those, with the number of
# its call within (pair, link), and its `place` in the order. What a call goes on with on the third day that it is seen
# on, and on each day behind that, is a call of its own. A (pair, link) without a record of the day itself can lead no
# event of the day and is left out.
# What a record says of its call is fetched later, by `row`: windows over few columns are quick.
CHAINED = """
CREATE OR REPLACE TEMP TABLE chained AS
WITH near AS (
    SELECT
        row, day, record_type, record_id, ref, partial_seq, duration_s, is_answered, trunk, source_partition,
        source_offset,
        party(caller_kind, caller, caller_raw) AS caller_party,
        party(callee_kind, callee, callee_raw) AS callee_party,
        epoch_us(start_at) AS start_us,
        epoch_us(start_at) + (coalesce(ring_s, 0)::BIGINT + duration_s) * 1000000 AS end_us
    FROM foldable
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}' + 1 OR (day = DATE '{day}' - 2 AND partial_seq IS NOT NULL)
),
linked AS (
    SELECT
        *, coalesce(min(ref) OVER (PARTITION BY caller_party, callee_party, record_id), record_id) AS link
    FROM near
),
touched AS (
    SELECT linked.*
    FROM linked
    SEMI JOIN (SELECT DISTINCT caller_party, callee_party, link FROM linked WHERE day = DATE '{day}') AS of_the_day
        USING (caller_party, callee_party, link)
),
placed AS (
    SELECT
        *,
        row_number() OVER chain AS place,
        start_us - lag(start_us) OVER chain AS since_previous_us,
        start_us - max(end_us) OVER (
            PARTITION BY caller_party, callee_party, link
            ORDER BY start_us, partial_seq NULLS FIRST, record_id, source_partition, source_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS since_latest_end_us
    FROM touched
    WINDOW chain AS (
        PARTITION BY caller_party, callee_party, link
        ORDER BY start_us, partial_seq NULLS FIRST, record_id, source_partition, source_offset
    )
),
run AS (
    SELECT
        *,
        sum(CASE
            WHEN place = 1 THEN 1
            WHEN since_previous_us <= {pair_window_us} THEN 0
            WHEN partial_seq IS NOT NULL AND since_latest_end_us <= {pair_window_us} THEN 0
            ELSE 1
        END) OVER (PARTITION BY caller_party, callee_party, link ORDER BY place) AS run_no
    FROM placed
)
SELECT
    * EXCLUDE (run_no),
    run_no * 4 + greatest(0, day - min(day) OVER (PARTITION BY caller_party, callee_party, link, run_no) - 1) AS call_no
FROM run
"""

# One row per call that the day's records lead, with everything that either event table says of it.
FOLDED = """
CREATE OR REPLACE TEMP TABLE folded AS
WITH call AS (
    SELECT
        caller_party, callee_party, link, call_no,
        count(*) AS records,
        count(*) FILTER (WHERE day < DATE '{day}') AS records_before,
        count(*) FILTER (WHERE day > DATE '{day}') AS records_after,
        min(lead_rank(record_type)) AS leading,
        count(*) FILTER (WHERE record_type = 'originating') > 0 AS has_originating,
        count(*) FILTER (WHERE record_type = 'incoming_gateway') > 0 AS has_incoming,
        count(*) FILTER (WHERE record_type = 'forwarded') > 0 AS has_forwarded,
        count(*) FILTER (WHERE record_type = 'terminating') > 0 AS has_terminating,
        min(trunk) FILTER (WHERE record_type = 'incoming_gateway') AS trunk_in,
        min(trunk) FILTER (WHERE record_type = 'outgoing_gateway') AS trunk_out,
        arg_min(row, place) FILTER (WHERE record_type = 'terminating') AS terminating_row
    FROM chained
    GROUP BY ALL
),
-- The records of the leading type, each part once.
part AS (
    SELECT c.caller_party, c.callee_party, c.link, c.call_no, c.row, c.place, c.duration_s, c.is_answered
    FROM chained AS c
    JOIN call
        ON c.caller_party = call.caller_party AND c.callee_party = call.callee_party
        AND c.link = call.link AND c.call_no = call.call_no AND lead_rank(c.record_type) = call.leading
    QUALIFY row_number() OVER (
        PARTITION BY c.caller_party, c.callee_party, c.link, c.call_no, c.partial_seq ORDER BY c.place
    ) = 1
),
led AS (
    SELECT
        caller_party, callee_party, link, call_no,
        arg_min(row, place) AS leader_row,
        arg_max(row, place) AS last_row,
        sum(duration_s) AS duration_s,
        bool_or(is_answered) AS is_answered
    FROM part
    GROUP BY ALL
),
ours AS (
    SELECT DISTINCT number
    FROM subscription
    WHERE activated_us < day_start_us(DATE '{day}' + 1)
        AND (deactivated_us IS NULL OR deactivated_us > day_start_us(DATE '{day}'))
),
-- Two rows of one trunk that are valid on one day: the later one speaks.
trunk_of_day AS (
    SELECT trunk, arg_max(kind, valid_from) AS kind
    FROM trunk
    WHERE valid_from <= DATE '{day}' AND (valid_until IS NULL OR valid_until > DATE '{day}')
    GROUP BY ALL
),
near AS (
    SELECT row, release_cause, cell, imei, imsi
    FROM foldable
    WHERE day BETWEEN DATE '{day}' - 1 AND DATE '{day}' + 1
),
said AS (
    SELECT
        leader.* EXCLUDE (trunk, duration_s, is_answered, release_cause),
        led.duration_s,
        led.is_answered,
        last.release_cause,
        coalesce(call.trunk_in, call.trunk_out) AS trunk,
        CASE WHEN leader.record_type = 'originating' THEN leader.cell END AS caller_cell,
        CASE WHEN leader.record_type = 'originating' THEN leader.imei END AS caller_imei,
        CASE WHEN leader.record_type = 'originating' THEN leader.imsi END AS caller_imsi,
        terminating.cell AS callee_cell,
        terminating.imei AS callee_imei,
        terminating.imsi AS callee_imsi,
        call.records, call.records_before, call.records_after,
        call.has_originating, call.has_incoming, call.has_forwarded, call.has_terminating,
        trunk_of_day.kind AS trunk_kind,
        our_caller.number IS NOT NULL AS is_caller_ours,
        our_callee.number IS NOT NULL AS is_callee_ours
    FROM led
    JOIN call USING (caller_party, callee_party, link, call_no)
    JOIN foldable AS leader ON leader.row = led.leader_row AND leader.day = DATE '{day}'
    JOIN near AS last ON last.row = led.last_row
    LEFT JOIN near AS terminating ON terminating.row = call.terminating_row
    -- The trunk it came in by: a trunk that it left by says nothing of its origin.
    LEFT JOIN trunk_of_day ON trunk_of_day.trunk = call.trunk_in
    LEFT JOIN ours AS our_caller ON our_caller.number = leader.caller
    LEFT JOIN ours AS our_callee ON our_callee.number = leader.callee
)
SELECT
    *,
    has_originating OR has_forwarded OR (NOT has_incoming AND is_caller_ours) AS is_caller_onnet,
    has_terminating OR is_callee_ours AS is_callee_onnet,
    has_forwarded AND NOT has_originating AS is_forwarded_leg,
    has_incoming AND NOT has_originating AND NOT has_forwarded AND is_caller_ours AS is_spoof_suspect,
    CASE
        WHEN has_originating OR has_forwarded THEN 'onnet'
        WHEN trunk_kind IS NOT NULL THEN trunk_kind
        WHEN is_caller_onnet THEN 'onnet'
        WHEN caller_kind = 'e164' AND starts_with(caller::VARCHAR, '84') THEN 'national'
        ELSE 'international'
    END AS origin
FROM said
"""

# What an event table says in another way than the fold.
RENAMED = {
    "call_ref": "ref", "message_ref": "ref",
    "caller_name": "IF(caller_kind = 'e164', NULL, caller_raw)", "callee_name": "IF(callee_kind = 'e164', NULL, callee_raw)",
}


def expect_events(con, contract, day, values):
    """Leaves the events of one day, as they should be, in the table `expected`."""
    pair_window_s = values["call_pair_window_s" if contract.name == "call_event" else "sms_pair_window_s"]
    con.execute(FOLDABLE[contract.name])
    con.execute(CHAINED.format(day=day, pair_window_us=pair_window_s * 1_000_000))
    con.execute(FOLDED.format(day=day))
    expect(con, contract, "folded", RENAMED)

-- Fold all records of a call into one row; what differs is never folded.
WITH ours AS (
    -- Numbers that are ours at some instant of the day, by the latest state of each activation.
    SELECT DISTINCT number FROM (
        SELECT number, activated_at,
            LAST_VALUE(deactivated_at ORDER BY changed_at, source_partition, source_offset) AS deactivated_at
        FROM subscriber GROUP BY number, activated_at
    ) AS subscription
    WHERE activated_at < $until AND (deactivated_at IS NULL OR deactivated_at > $from)
),
record AS (
    -- The day and its neighbours, so that midnight splits no pair; each party as one text.
    SELECT *,
        COALESCE(CAST(caller AS VARCHAR), CONCAT(caller_kind, ' ', caller_raw)) AS caller_party,
        COALESCE(CAST(callee AS VARCHAR), CONCAT(callee_kind, ' ', callee_raw)) AS callee_party,
        plus_seconds(start_at, COALESCE(ring_s, 0) + duration_s) AS end_at,
        CASE record_type WHEN 'originating' THEN 'a' WHEN 'incoming_gateway' THEN 'b' WHEN 'forwarded' THEN 'c'
            WHEN 'terminating' THEN 'd' ELSE 'e' END AS rank
    FROM call_record WHERE day BETWEEN $day_before AND $day_after
),
pair AS (
    -- Pairs of the day itself: a call of the day has its leading record in it.
    SELECT DISTINCT caller_party AS pair_caller, callee_party AS pair_callee FROM record WHERE day = $day
),
linked AS (
    -- Records of one id belong together, even where their call references differ.
    SELECT record.*,
        COALESCE(MIN(call_ref) OVER (PARTITION BY caller_party, callee_party, record_id), record_id) AS link
    FROM record INNER JOIN pair ON caller_party = pair_caller AND callee_party = pair_callee
),
chained AS (
    -- Each record with the start of the one before it and the latest end so far.
    SELECT *,
        LAG(start_at) OVER (PARTITION BY caller_party, callee_party, link
            ORDER BY start_at, partial_seq NULLS FIRST, record_id, source_partition, source_offset) AS start_before,
        MAX(end_at) OVER (PARTITION BY caller_party, callee_party, link
            ORDER BY start_at, partial_seq NULLS FIRST, record_id, source_partition, source_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS end_before
    FROM linked
),
called AS (
    -- A record that starts too late after the one before begins another call, unless it continues a long one.
    SELECT *,
        SUM(CASE WHEN seconds_between(start_before, start_at) <= $pair_window_s THEN 0
            WHEN partial_seq IS NOT NULL AND seconds_between(end_before, start_at) <= $pair_window_s THEN 0 ELSE 1 END)
            OVER (PARTITION BY caller_party, callee_party, link
            ORDER BY start_at, partial_seq NULLS FIRST, record_id, source_partition, source_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS call
    FROM chained
),
ordered AS (
    -- The leading type of a call, each record's place in it, and which copy of its part it is.
    SELECT *, MIN(rank) OVER (PARTITION BY caller_party, callee_party, link, call) AS leading,
        ROW_NUMBER() OVER (PARTITION BY caller_party, callee_party, link, call
            ORDER BY rank, start_at, partial_seq NULLS FIRST, record_id, source_partition, source_offset) AS place,
        ROW_NUMBER() OVER (PARTITION BY caller_party, callee_party, link, call, rank, partial_seq
            ORDER BY start_at, record_id, source_partition, source_offset) AS copy
    FROM called
),
fact AS (
    -- What all records of a call say together.
    SELECT caller_party, callee_party, link, call, COUNT(*) AS records,
        SUM(duration_s) FILTER (WHERE rank = leading AND copy = 1) AS total_s,
        BOOL_OR(is_answered) FILTER (WHERE rank = leading AND copy = 1) AS is_answered,
        LAST_VALUE(release_cause ORDER BY place) FILTER (WHERE rank = leading AND copy = 1) AS release_cause,
        MIN(trunk) FILTER (WHERE record_type = 'incoming_gateway') AS trunk_in,
        MIN(trunk) FILTER (WHERE record_type = 'outgoing_gateway') AS trunk_out,
        FIRST_VALUE(cell ORDER BY place) FILTER (WHERE record_type = 'terminating') AS callee_cell,
        FIRST_VALUE(imei ORDER BY place) FILTER (WHERE record_type = 'terminating') AS callee_imei,
        FIRST_VALUE(imsi ORDER BY place) FILTER (WHERE record_type = 'terminating') AS callee_imsi,
        BOOL_OR(record_type = 'originating') AS is_originated, BOOL_OR(record_type = 'forwarded') AS is_forwarded,
        BOOL_OR(record_type = 'incoming_gateway') AS is_incoming, BOOL_OR(record_type = 'terminating') AS is_terminated
    FROM ordered GROUP BY caller_party, callee_party, link, call
),
event AS (
    -- The leading record of each call of the day beside those facts.
    SELECT ordered.*, fact.records, fact.total_s, fact.is_answered AS is_any_answered, fact.release_cause AS last_cause,
        trunk_in, trunk_out, callee_cell, callee_imei, callee_imsi, is_originated, is_forwarded, is_incoming,
        is_originated OR is_forwarded OR (NOT is_incoming AND caller_ours.number IS NOT NULL) AS is_caller_onnet,
        is_terminated OR callee_ours.number IS NOT NULL AS is_callee_onnet,
        caller_ours.number IS NOT NULL AS is_caller_ours
    FROM ordered
    INNER JOIN fact ON ordered.caller_party = fact.caller_party AND ordered.callee_party = fact.callee_party
        AND ordered.link = fact.link AND ordered.call = fact.call
    LEFT JOIN ours AS caller_ours ON ordered.caller = caller_ours.number
    LEFT JOIN ours AS callee_ours ON ordered.callee = callee_ours.number
    WHERE ordered.place = 1 AND ordered.day = $day
),
route AS (
    -- What comes in by each trunk on this day.
    SELECT trunk, MIN(kind) AS kind FROM trunk
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY trunk
)
SELECT
    $day AS day, record_type, record_id, call_ref,
    caller, caller_kind, caller_raw, callee, callee_kind, callee_raw,
    start_at, ring_s, CAST(COALESCE(total_s, 0) AS INT) AS duration_s,
    COALESCE(is_any_answered, false) AS is_answered, last_cause AS release_cause,
    COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN record_type = 'originating' THEN cell END AS caller_cell,
    CASE WHEN record_type = 'originating' THEN imei END AS caller_imei,
    CASE WHEN record_type = 'originating' THEN imsi END AS caller_imsi,
    callee_cell, callee_imei, callee_imsi,
    CASE WHEN is_originated OR is_forwarded THEN 'onnet' WHEN is_incoming AND route.kind IS NOT NULL THEN route.kind
        WHEN is_caller_onnet THEN 'onnet' WHEN is_vietnamese(caller) THEN 'national' ELSE 'international' END AS origin,
    COALESCE(is_caller_onnet, false) AS is_caller_onnet,
    COALESCE(is_callee_onnet, false) AS is_callee_onnet,
    COALESCE(is_forwarded AND NOT is_originated, false) AS is_forwarded_leg,
    COALESCE(is_incoming AND NOT is_originated AND NOT is_forwarded AND is_caller_ours, false) AS is_spoof_suspect,
    records
FROM event LEFT JOIN route ON event.trunk_in = route.trunk

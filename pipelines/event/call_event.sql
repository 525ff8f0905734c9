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
    -- The day and its neighbours, so that midnight splits no pair of records; names stand for parties without a number.
    SELECT *, ROW_NUMBER() OVER () AS id, plus_seconds(start_at, COALESCE(ring_s, 0) + duration_s) AS end_at,
        COALESCE(caller, 0) AS caller_key, COALESCE(callee, 0) AS callee_key,
        CONCAT(CASE WHEN caller IS NULL THEN CONCAT(caller_kind, ' ', caller_raw) END, '>',
            CASE WHEN callee IS NULL THEN CONCAT(callee_kind, ' ', callee_raw) END) AS names,
        CASE record_type WHEN 'originating' THEN 'a' WHEN 'incoming_gateway' THEN 'b' WHEN 'forwarded' THEN 'c'
            WHEN 'terminating' THEN 'd' ELSE 'e' END AS rank
    FROM call_record
    WHERE day BETWEEN $day_before AND $day_after
        AND (partial_seq IS NOT NULL OR (start_at >= plus_seconds($from, -$edge_s) AND start_at < plus_seconds($until, $edge_s)))
),
repeated AS (
    -- Record ids that came more than once.
    SELECT record_id FROM record GROUP BY record_id HAVING COUNT(*) > 1
),
resent AS (
    -- Records that came more than once: they belong together, even where their call references differ.
    SELECT caller_key, callee_key, names, record.record_id, MIN(call_ref) AS call_ref
    FROM record LEFT SEMI JOIN repeated ON record.record_id = repeated.record_id
    GROUP BY caller_key, callee_key, names, record.record_id
),
named AS (
    -- What the fold needs of each record, with the name that it shares with the others of its call.
    SELECT record.id, record.day, record.caller_key, record.callee_key, record.names, record.record_id, partial_seq, start_at, end_at,
        rank, trunk, duration_s, is_answered, release_cause, cell, imei, imsi, source_partition, source_offset,
        COALESCE('=' || COALESCE(resent.call_ref, record.call_ref), record.record_id) AS link_name
    FROM resent RIGHT JOIN record ON record.record_id = resent.record_id AND record.caller_key = resent.caller_key
        AND record.callee_key = resent.callee_key AND record.names = resent.names
),
linked AS (
    -- All records in one order, which puts those of a call side by side: one sort is cheaper than keys of text.
    SELECT id, day, partial_seq, start_at, end_at, rank, trunk, duration_s, is_answered, release_cause, cell, imei, imsi,
        ROW_NUMBER() OVER line AS place, run_number(caller_key, callee_key, names, link_name) OVER line AS link
    FROM named
    WINDOW line AS (ORDER BY caller_key, callee_key, names, link_name,
        start_at, partial_seq NULLS FIRST, record_id, source_partition, source_offset)
),
spread AS (
    -- Links whose records lie too far apart for one pair of records: a long call in parts, or a reference come round.
    SELECT link FROM linked GROUP BY link HAVING seconds_between(MIN(start_at), MAX(start_at)) > $pair_window_s
),
chained AS (
    -- Records of such links, each with the start of the one before it and the latest end so far.
    SELECT *,
        LAG(start_at) OVER (PARTITION BY link ORDER BY place) AS start_before,
        MAX(end_at) OVER (PARTITION BY link ORDER BY place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS end_before
    FROM linked LEFT SEMI JOIN spread ON linked.link = spread.link
),
called AS (
    -- A record that starts too late after the one before begins another call, unless it continues a long one.
    SELECT * EXCEPT (start_before, end_before),
        SUM(CASE WHEN seconds_between(start_before, start_at) <= $pair_window_s THEN 0
            WHEN partial_seq IS NOT NULL AND seconds_between(end_before, start_at) <= $pair_window_s THEN 0 ELSE 1 END)
            OVER (PARTITION BY link ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS call
    FROM chained
    UNION ALL
    SELECT *, 1 AS call FROM linked LEFT ANTI JOIN spread ON linked.link = spread.link
),
part AS (
    -- The first copy of each part of each type, and how many records it stands for.
    SELECT link, call, rank, partial_seq, MIN(place) AS place, MIN(trunk) AS trunk, COUNT(*) AS records,
        COUNT(*) FILTER (WHERE day < $day) AS records_before, COUNT(*) FILTER (WHERE day > $day) AS records_after
    FROM called GROUP BY link, call, rank, partial_seq
),
typed AS (
    -- What the records of one type say together.
    SELECT part.link, part.call, part.rank, MIN(part.trunk) AS trunk, SUM(part.records) AS records,
        SUM(part.records_before) AS records_before, SUM(part.records_after) AS records_after,
        SUM(duration_s) AS duration_s, BOOL_OR(is_answered) AS is_answered,
        MIN(part.place) AS first_place, MAX(part.place) AS last_place
    FROM part INNER JOIN called ON part.place = called.place
    GROUP BY part.link, part.call, part.rank
),
fact AS (
    -- What all types say together; the leading type comes first.
    SELECT link, call, MIN(rank) AS leading, SUM(records) AS records,
        SUM(records_before) AS records_before, SUM(records_after) AS records_after,
        MIN(CASE WHEN rank = 'b' THEN trunk END) AS trunk_in, MIN(CASE WHEN rank = 'e' THEN trunk END) AS trunk_out,
        MIN(CASE WHEN rank = 'd' THEN first_place END) AS terminating_place,
        BOOL_OR(rank = 'a') AS is_originated, BOOL_OR(rank = 'b') AS is_incoming,
        BOOL_OR(rank = 'c') AS is_forwarded, BOOL_OR(rank = 'd') AS is_terminated
    FROM typed GROUP BY link, call
),
route AS (
    -- What comes in by each trunk on this day.
    SELECT trunk, MIN(kind) AS kind FROM trunk
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY trunk
),
event AS (
    -- The leading record of each call of the day beside those facts.
    SELECT record.*, fact.records, fact.records_before, fact.records_after, typed.duration_s AS total_s, typed.is_answered AS is_any_answered,
        last.release_cause AS last_cause, trunk_in, trunk_out, route.kind AS route_kind,
        callee_side.cell AS callee_cell, callee_side.imei AS callee_imei, callee_side.imsi AS callee_imsi,
        is_originated, is_forwarded, is_incoming, caller_ours.number IS NOT NULL AS is_caller_ours,
        is_originated OR is_forwarded OR (NOT is_incoming AND caller_ours.number IS NOT NULL) AS is_caller_onnet,
        is_terminated OR callee_ours.number IS NOT NULL AS is_callee_onnet
    FROM fact
    INNER JOIN typed ON fact.link = typed.link AND fact.call = typed.call AND fact.leading = typed.rank
    INNER JOIN called AS leader ON typed.first_place = leader.place
    INNER JOIN record ON leader.id = record.id
    INNER JOIN called AS last ON typed.last_place = last.place
    LEFT JOIN called AS callee_side ON fact.terminating_place = callee_side.place
    LEFT JOIN route ON fact.trunk_in = route.trunk
    LEFT JOIN ours AS caller_ours ON record.caller = caller_ours.number
    LEFT JOIN ours AS callee_ours ON record.callee = callee_ours.number
    WHERE record.day = $day
)
SELECT
    $day AS day, record_type, record_id, call_ref,
    caller, caller_kind, caller_raw, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
    callee, callee_kind, callee_raw, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
    start_at, ring_s, CAST(COALESCE(total_s, 0) AS INT) AS duration_s,
    COALESCE(is_any_answered, false) AS is_answered, last_cause AS release_cause,
    COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN rank = 'a' THEN cell END AS caller_cell,
    CASE WHEN rank = 'a' THEN imei END AS caller_imei,
    CASE WHEN rank = 'a' THEN imsi END AS caller_imsi,
    callee_cell, callee_imei, callee_imsi,
    CASE WHEN is_originated OR is_forwarded THEN 'onnet' WHEN is_incoming AND route_kind IS NOT NULL THEN route_kind
        WHEN is_caller_onnet THEN 'onnet' WHEN caller IS NULL OR is_vietnamese(caller) THEN 'national' ELSE 'international' END AS origin,
    COALESCE(is_caller_onnet, false) AS is_caller_onnet,
    COALESCE(is_callee_onnet, false) AS is_callee_onnet,
    COALESCE(is_forwarded AND NOT is_originated, false) AS is_forwarded_leg,
    COALESCE(is_incoming AND NOT is_originated AND NOT is_forwarded AND is_caller_ours, false) AS is_spoof_suspect,
    COALESCE(records, 0) AS records, COALESCE(records_before, 0) AS records_before, COALESCE(records_after, 0) AS records_after
FROM event

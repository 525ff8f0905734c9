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
        COALESCE(caller, 0) % $shares AS share,
        CONCAT(CASE WHEN caller IS NULL THEN CONCAT(caller_kind, ' ', caller_raw) END, '>',
            CASE WHEN callee IS NULL THEN CONCAT(callee_kind, ' ', callee_raw) END) AS names
    FROM call_record
    WHERE day BETWEEN $day_before AND $day_after
        AND (partial_seq IS NOT NULL OR (start_at >= plus_seconds($from, -$edge_s) AND start_at < plus_seconds($until, $edge_s)))
),
folded AS (
    -- Records between the same two side by side: in the row that leads a call stands what all its records say.
    SELECT id, fold_call(named_struct('caller', caller_key, 'callee', callee_key, 'names', names, 'record_id', record_id,
            'call_ref', call_ref, 'record_type', record_type, 'start_at', start_at, 'end_at', end_at,
            'partial_seq', partial_seq, 'is_before', day < $day, 'is_after', day > $day, 'duration_s', duration_s,
            'is_answered', is_answered, 'release_cause', release_cause, 'trunk', trunk, 'cell', cell, 'imei', imei,
            'imsi', imsi, 'source_partition', source_partition, 'source_offset', source_offset), $pair_window_s)
        OVER (PARTITION BY share ORDER BY caller_key, callee_key) AS call
    FROM record
),
leader AS (
    -- The leading record of each call.
    SELECT id, call FROM folded WHERE call IS NOT NULL
),
route AS (
    -- What comes in by each trunk on this day.
    SELECT trunk, MIN(kind) AS kind FROM trunk
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY trunk
),
event AS (
    -- The leading record of each call of the day beside what all of them say.
    SELECT record.*, call, route.kind AS route_kind, call['is_originated'] AS is_originated,
        call['is_forwarded'] AS is_forwarded, call['is_incoming'] AS is_incoming,
        call['is_originated'] OR call['is_forwarded'] OR (NOT call['is_incoming'] AND caller_ours.number IS NOT NULL)
            AS is_caller_onnet,
        call['is_terminated'] OR callee_ours.number IS NOT NULL AS is_callee_onnet,
        caller_ours.number IS NOT NULL AS is_caller_ours
    FROM leader
    INNER JOIN record ON leader.id = record.id
    LEFT JOIN route ON call['trunk_in'] = route.trunk
    LEFT JOIN ours AS caller_ours ON record.caller = caller_ours.number
    LEFT JOIN ours AS callee_ours ON record.callee = callee_ours.number
    WHERE record.day = $day
)
SELECT
    $day AS day, record_type, record_id, call_ref,
    caller, caller_kind, caller_raw, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
    callee, callee_kind, callee_raw, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
    start_at, ring_s, CAST(COALESCE(call['duration_s'], 0) AS INT) AS duration_s,
    COALESCE(call['is_answered'], false) AS is_answered, call['release_cause'] AS release_cause,
    COALESCE(call['trunk_in'], call['trunk_out']) AS trunk,
    CASE WHEN is_originated THEN cell END AS caller_cell,
    CASE WHEN is_originated THEN imei END AS caller_imei,
    CASE WHEN is_originated THEN imsi END AS caller_imsi,
    call['callee_cell'] AS callee_cell, call['callee_imei'] AS callee_imei, call['callee_imsi'] AS callee_imsi,
    CASE WHEN is_originated OR is_forwarded THEN 'onnet' WHEN is_incoming AND route_kind IS NOT NULL THEN route_kind
        WHEN is_caller_onnet THEN 'onnet' WHEN caller IS NULL OR is_vietnamese(caller) THEN 'national' ELSE 'international' END AS origin,
    COALESCE(is_caller_onnet, false) AS is_caller_onnet,
    COALESCE(is_callee_onnet, false) AS is_callee_onnet,
    COALESCE(is_forwarded AND NOT is_originated, false) AS is_forwarded_leg,
    COALESCE(is_incoming AND NOT is_originated AND NOT is_forwarded AND is_caller_ours, false) AS is_spoof_suspect,
    COALESCE(call['records'], 0) AS records, COALESCE(call['records_before'], 0) AS records_before,
    COALESCE(call['records_after'], 0) AS records_after
FROM event

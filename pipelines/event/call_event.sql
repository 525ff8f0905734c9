-- Fold all records of a call into one row; what differs is never folded.
WITH ours AS (
    -- Numbers that are ours at some instant of the day, by the latest state of each activation.
    SELECT number FROM (
        SELECT number, activated_at,
            LAST_VALUE(deactivated_at ORDER BY changed_at, source_partition, source_offset) AS deactivated_at
        FROM subscriber GROUP BY number, activated_at
    ) AS subscription
    WHERE activated_at < $until AND (deactivated_at IS NULL OR deactivated_at > $from)
),
record AS (
    -- The day and its neighbours, so that midnight splits no pair of records; parts tell who has talked for days.
    SELECT * EXCEPT (loaded_at, source_id) FROM call_record
    WHERE day BETWEEN $parts_from AND $day_after
        AND (partial_seq IS NOT NULL OR (start_at >= plus_seconds($from, -$edge_s) AND start_at < plus_seconds($until, $edge_s)))
),
route AS (
    -- What comes in by each trunk on this day.
    SELECT trunk, MIN(kind) AS kind FROM trunk
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY trunk
),
call AS (
    -- The calls, and whose numbers are ours.
    SELECT *, has('ours', caller) AS is_caller_ours, has('ours', callee) AS is_callee_ours
    FROM fold_call('record', $day, $pair_window_s)
),
event AS (
    -- Each beside the way that it came in by, and which of its ends are on our network.
    SELECT call.*, route.kind AS route_kind,
        is_originated OR is_forwarded OR (NOT is_incoming AND is_caller_ours) AS is_caller_onnet,
        is_terminated OR is_callee_ours AS is_callee_onnet
    FROM call LEFT JOIN route ON trunk_in = route.trunk
)
SELECT
    $day AS day, record_type, record_id, call_ref,
    caller, caller_kind, caller_raw, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
    callee, callee_kind, callee_raw, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
    start_at, ring_s, duration_s, is_answered, release_cause, COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN is_originated THEN cell END AS caller_cell,
    CASE WHEN is_originated THEN imei END AS caller_imei,
    CASE WHEN is_originated THEN imsi END AS caller_imsi,
    callee_cell, callee_imei, callee_imsi,
    CASE WHEN is_originated OR is_forwarded THEN 'onnet' WHEN is_incoming AND route_kind IS NOT NULL THEN route_kind
        WHEN is_caller_onnet THEN 'onnet' WHEN caller IS NULL OR is_vietnamese(caller) THEN 'national' ELSE 'international' END AS origin,
    is_caller_onnet, is_callee_onnet, is_forwarded AND NOT is_originated AS is_forwarded_leg,
    is_incoming AND NOT is_originated AND NOT is_forwarded AND is_caller_ours AS is_spoof_suspect,
    records, records_before, records_after
FROM event

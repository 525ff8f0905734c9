-- Fold all records of a short message into one row; what differs is never folded.
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
    SELECT *, COALESCE(caller, 0) AS caller_key, COALESCE(callee, 0) AS callee_key,
        CONCAT(CASE WHEN caller IS NULL THEN CONCAT(caller_kind, ' ', caller_raw) END, '>',
            CASE WHEN callee IS NULL THEN CONCAT(callee_kind, ' ', callee_raw) END) AS names
    FROM sms_record
    WHERE day BETWEEN $day_before AND $day_after
        AND start_at >= plus_seconds($from, -$edge_s) AND start_at < plus_seconds($until, $edge_s)
),
repeated AS (
    -- Record ids that came more than once.
    SELECT record_id FROM record GROUP BY record_id HAVING COUNT(*) > 1
),
resent AS (
    -- Records that came more than once: they belong together, even where their message references differ.
    SELECT caller_key, callee_key, names, record.record_id, MIN(message_ref) AS message_ref
    FROM record LEFT SEMI JOIN repeated ON record.record_id = repeated.record_id
    GROUP BY caller_key, callee_key, names, record.record_id
),
named AS (
    -- Each record with the name that it shares with the others of its message.
    SELECT record.*, COALESCE('=' || COALESCE(resent.message_ref, record.message_ref), record.record_id) AS link_name
    FROM resent RIGHT JOIN record ON record.record_id = resent.record_id AND record.caller_key = resent.caller_key
        AND record.callee_key = resent.callee_key AND record.names = resent.names
),
placed AS (
    -- All records in one order, which puts those of a message side by side.
    SELECT *, ROW_NUMBER() OVER line AS place,
        previous(start_at, caller_key, callee_key, names, link_name) OVER line AS start_before
    FROM named
    WINDOW line AS (ORDER BY caller_key, callee_key, names, link_name, start_at, record_id, source_partition, source_offset)
),
sent AS (
    -- Each record with the number of its message; one that starts too late after the one before begins another.
    SELECT *, SUM(CASE WHEN seconds_between(start_before, start_at) <= $pair_window_s THEN 0 ELSE 1 END)
        OVER (ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS message
    FROM placed
),
fact AS (
    -- What all records of a message say together; the sender's own record leads, then a gateway's, then the receiver's.
    SELECT message, COUNT(*) AS records,
        COUNT(*) FILTER (WHERE day < $day) AS records_before, COUNT(*) FILTER (WHERE day > $day) AS records_after,
        COALESCE(MIN(CASE WHEN record_type = 'originating' THEN place END),
            MIN(CASE WHEN record_type = 'incoming_gateway' THEN place END),
            MIN(CASE WHEN record_type = 'terminating' THEN place END), MIN(place)) AS leading_place,
        MIN(CASE WHEN record_type = 'incoming_gateway' THEN trunk END) AS trunk_in,
        MIN(CASE WHEN record_type = 'outgoing_gateway' THEN trunk END) AS trunk_out,
        BOOL_OR(record_type = 'originating') AS is_originated,
        BOOL_OR(record_type = 'incoming_gateway') AS is_incoming,
        BOOL_OR(record_type = 'terminating') AS is_terminated
    FROM sent GROUP BY message
)
SELECT
    $day AS day, leader.record_type, leader.record_id, leader.message_ref,
    leader.caller, leader.caller_kind, leader.caller_raw, CASE WHEN leader.caller IS NULL THEN leader.caller_raw END AS caller_name,
    leader.sender_name,
    leader.callee, leader.callee_kind, leader.callee_raw, CASE WHEN leader.callee IS NULL THEN leader.callee_raw END AS callee_name,
    leader.start_at, leader.parts, COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN leader.record_type = 'originating' THEN leader.imei END AS caller_imei,
    COALESCE(is_originated OR (NOT is_incoming AND caller_ours.number IS NOT NULL), false) AS is_caller_onnet,
    COALESCE(is_terminated OR callee_ours.number IS NOT NULL, false) AS is_callee_onnet,
    COALESCE(is_incoming AND NOT is_originated AND caller_ours.number IS NOT NULL, false) AS is_spoof_suspect,
    fact.records, fact.records_before, fact.records_after
FROM fact
INNER JOIN sent AS leader ON fact.leading_place = leader.place
LEFT JOIN ours AS caller_ours ON leader.caller = caller_ours.number
LEFT JOIN ours AS callee_ours ON leader.callee = callee_ours.number
WHERE leader.day = $day

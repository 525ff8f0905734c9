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
    -- The day and its neighbours, so that midnight splits no pair; place_key orders the records of a message.
    SELECT *,
        CONCAT(COALESCE(CAST(caller AS VARCHAR), CONCAT(caller_kind, ' ', caller_raw)), '>',
            COALESCE(CAST(callee AS VARCHAR), CONCAT(callee_kind, ' ', callee_raw))) AS pair,
        CASE record_type WHEN 'originating' THEN 'a' WHEN 'incoming_gateway' THEN 'b'
            WHEN 'terminating' THEN 'd' ELSE 'e' END AS rank,
        sort_key(start_at, CAST(NULL AS INT), record_id, source_partition, source_offset) AS place_key
    FROM sms_record
    WHERE day BETWEEN $day_before AND $day_after
        AND ((start_at >= plus_seconds($from, -$edge_s) AND start_at < plus_seconds($until, $edge_s)))
),
today AS (
    -- Pairs of the day itself: a message of the day has its leading record in it.
    SELECT DISTINCT pair FROM record WHERE day = $day
),
resent AS (
    -- Records that came more than once: they belong together, even where their message references differ.
    SELECT pair, record_id, MIN(message_ref) AS message_ref FROM record GROUP BY pair, record_id HAVING COUNT(*) > 1
),
linked AS (
    -- Each record with the link that it shares with the others of its message.
    SELECT record.*, CONCAT(record.pair, ' ', COALESCE('=' || COALESCE(resent.message_ref, record.message_ref), record.record_id)) AS link
    FROM record LEFT SEMI JOIN today ON record.pair = today.pair
    LEFT JOIN resent ON record.pair = resent.pair AND record.record_id = resent.record_id
),
spread AS (
    -- Links whose records lie too far apart for one message: a reference come round.
    SELECT link FROM linked GROUP BY link HAVING seconds_between(MIN(start_at), MAX(start_at)) > $pair_window_s
),
chained AS (
    -- Records of such links, each with the start of the one before it.
    SELECT *, LAG(start_at) OVER (PARTITION BY link ORDER BY place_key) AS start_before
    FROM linked LEFT SEMI JOIN spread ON linked.link = spread.link
),
sent AS (
    -- A record that starts too late after the one before begins another message.
    SELECT * EXCEPT (start_before),
        SUM(CASE WHEN seconds_between(start_before, start_at) <= $pair_window_s THEN 0 ELSE 1 END)
            OVER (PARTITION BY link ORDER BY place_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS message
    FROM chained
    UNION ALL
    SELECT *, 1 AS message FROM linked LEFT ANTI JOIN spread ON linked.link = spread.link
),
fact AS (
    -- What all records of a message say together; the leading type comes first.
    SELECT link, message, COUNT(*) AS records, MIN(CONCAT(rank, place_key)) AS leading_key,
        MIN(CASE WHEN rank = 'b' THEN trunk END) AS trunk_in, MIN(CASE WHEN rank = 'e' THEN trunk END) AS trunk_out,
        BOOL_OR(rank = 'a') AS is_originated, BOOL_OR(rank = 'b') AS is_incoming, BOOL_OR(rank = 'd') AS is_terminated
    FROM sent GROUP BY link, message
)
SELECT
    $day AS day, leader.record_type, leader.record_id, leader.message_ref,
    leader.caller, leader.caller_kind, leader.caller_raw, leader.sender_name,
    leader.callee, leader.callee_kind, leader.callee_raw,
    leader.start_at, leader.parts, COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN leader.rank = 'a' THEN leader.imei END AS caller_imei,
    COALESCE(is_originated OR (NOT is_incoming AND caller_ours.number IS NOT NULL), false) AS is_caller_onnet,
    COALESCE(is_terminated OR callee_ours.number IS NOT NULL, false) AS is_callee_onnet,
    COALESCE(is_incoming AND NOT is_originated AND caller_ours.number IS NOT NULL, false) AS is_spoof_suspect,
    fact.records
FROM fact
INNER JOIN sent AS leader ON fact.leading_key = CONCAT(leader.rank, leader.place_key)
LEFT JOIN ours AS caller_ours ON leader.caller = caller_ours.number
LEFT JOIN ours AS callee_ours ON leader.callee = callee_ours.number
WHERE leader.day = $day

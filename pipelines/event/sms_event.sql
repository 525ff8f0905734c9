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
    -- The day and its neighbours, so that midnight splits no pair; each party as one text.
    SELECT *,
        COALESCE(CAST(caller AS VARCHAR), CONCAT(caller_kind, ' ', caller_raw)) AS caller_party,
        COALESCE(CAST(callee AS VARCHAR), CONCAT(callee_kind, ' ', callee_raw)) AS callee_party,
        CASE record_type WHEN 'originating' THEN 'a' WHEN 'incoming_gateway' THEN 'b'
            WHEN 'terminating' THEN 'd' ELSE 'e' END AS rank
    FROM sms_record WHERE day BETWEEN $day_before AND $day_after
),
pair AS (
    -- Pairs of the day itself: a message of the day has its leading record in it.
    SELECT DISTINCT caller_party AS pair_caller, callee_party AS pair_callee FROM record WHERE day = $day
),
linked AS (
    -- Records of one id belong together, even where their message references differ.
    SELECT record.*,
        COALESCE(MIN(message_ref) OVER (PARTITION BY caller_party, callee_party, record_id), record_id) AS link
    FROM record INNER JOIN pair ON caller_party = pair_caller AND callee_party = pair_callee
),
chained AS (
    -- Each record with the start of the one before it.
    SELECT *,
        LAG(start_at) OVER (PARTITION BY caller_party, callee_party, link
            ORDER BY start_at, record_id, source_partition, source_offset) AS start_before
    FROM linked
),
sent AS (
    -- A record that starts too late after the one before begins another message.
    SELECT *,
        SUM(CASE WHEN seconds_between(start_before, start_at) <= $pair_window_s THEN 0 ELSE 1 END)
            OVER (PARTITION BY caller_party, callee_party, link
            ORDER BY start_at, record_id, source_partition, source_offset
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS message
    FROM chained
),
ordered AS (
    -- Each record's place in its message, the leading type first, and what all of its records say together.
    SELECT *,
        ROW_NUMBER() OVER (PARTITION BY caller_party, callee_party, link, message
            ORDER BY rank, start_at, record_id, source_partition, source_offset) AS place,
        COUNT(*) OVER (PARTITION BY caller_party, callee_party, link, message) AS records,
        MIN(CASE WHEN record_type = 'incoming_gateway' THEN trunk END)
            OVER (PARTITION BY caller_party, callee_party, link, message) AS trunk_in,
        MIN(CASE WHEN record_type = 'outgoing_gateway' THEN trunk END)
            OVER (PARTITION BY caller_party, callee_party, link, message) AS trunk_out,
        MIN(rank) OVER (PARTITION BY caller_party, callee_party, link, message) = 'a' AS is_originated,
        BOOL_OR(record_type = 'incoming_gateway')
            OVER (PARTITION BY caller_party, callee_party, link, message) AS is_incoming,
        BOOL_OR(record_type = 'terminating')
            OVER (PARTITION BY caller_party, callee_party, link, message) AS is_terminated
    FROM sent
)
SELECT
    $day AS day, record_type, record_id, message_ref,
    caller, caller_kind, caller_raw, sender_name, callee, callee_kind, callee_raw,
    start_at, parts, COALESCE(trunk_in, trunk_out) AS trunk,
    CASE WHEN record_type = 'originating' THEN imei END AS caller_imei,
    COALESCE(is_originated OR (NOT is_incoming AND caller_ours.number IS NOT NULL), false) AS is_caller_onnet,
    COALESCE(is_terminated OR callee_ours.number IS NOT NULL, false) AS is_callee_onnet,
    COALESCE(is_incoming AND NOT is_originated AND caller_ours.number IS NOT NULL, false) AS is_spoof_suspect,
    records
FROM ordered
LEFT JOIN ours AS caller_ours ON ordered.caller = caller_ours.number
LEFT JOIN ours AS callee_ours ON ordered.callee = callee_ours.number
WHERE ordered.place = 1 AND ordered.day = $day

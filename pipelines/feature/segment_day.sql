-- Keep of each party's day what joins it to other days exactly.
WITH called AS (
    -- Calls of the day that their callers made.
    SELECT caller_kind, caller, caller_name, start_at, COALESCE(ring_s, 0) + duration_s AS busy_s, callee, caller_cell, caller_imei
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
made AS (
    -- The calls of numbers; then those of other parties, as number 0.
    SELECT 'e164' AS kind, caller AS number, '' AS name,
        call_segment(start_at, busy_s, callee, caller_cell, caller_imei) AS segment
    FROM called WHERE caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT caller_kind, 0, caller_name, call_segment(start_at, busy_s, callee, caller_cell, caller_imei)
    FROM called WHERE caller IS NULL AND caller_kind <> 'anonymous' GROUP BY caller_kind, caller_name
),
met AS (
    -- Whom each party called or wrote to.
    SELECT caller_kind AS kind, COALESCE(caller, 0) AS number, COALESCE(caller_name, '') AS name,
        contact_list(callee_kind, callee, callee_name, calls, is_new, is_called_back) AS contacts
    FROM contact_day WHERE day = $day GROUP BY caller_kind, caller, caller_name
)
SELECT
    $day AS day, COALESCE(made.kind, met.kind, '') AS caller_kind,
    NULLIF(COALESCE(made.number, met.number), 0) AS caller,
    CASE WHEN COALESCE(made.number, met.number) = 0 THEN COALESCE(made.name, met.name) END AS caller_name,
    segment, contacts
FROM made FULL JOIN met ON made.number = met.number AND made.name = met.name AND made.kind = met.kind

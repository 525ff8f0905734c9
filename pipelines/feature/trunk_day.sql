-- Sum up what came in by each trunk, and which numbers were shown that cannot come that way.
WITH route AS (
    -- What comes in by each trunk on this day, and from whom.
    SELECT trunk, MIN(kind) AS kind, MIN(peer) AS peer FROM trunk
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY trunk
),
agency AS (
    -- Numbers and short codes of agencies and services on this day, as one writes them.
    SELECT CAST(number AS VARCHAR) AS address FROM special_number
    WHERE number IS NOT NULL AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION
    SELECT address FROM special_number WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
own_range AS (
    -- The holder of the ranges that most of our numbers are in.
    SELECT range_holder(number) AS holder FROM subscriber WHERE range_holder(number) IS NOT NULL
    GROUP BY range_holder(number) ORDER BY COUNT(*) DESC, holder LIMIT 1
),
elsewhere AS (
    -- Numbers that another operator carries on this day; a register may never end the lines before the last one.
    SELECT number FROM ported_number WHERE valid_from <= $day
    GROUP BY number HAVING COALESCE(LAST_VALUE(valid_until ORDER BY valid_from, operator) > $day, true)
),
incoming AS (
    -- Calls that a gateway let in and that began nowhere with us; a caller without a number is known by what it shows.
    SELECT record_id, start_at, trunk, callee, caller_kind, caller, COALESCE(CAST(caller AS VARCHAR), caller_raw) AS shown,
        is_spoof_suspect, COALESCE(number_type(caller), '') AS shown_type
    FROM call_event WHERE day = $day AND record_type = 'incoming_gateway' AND trunk IS NOT NULL
),
in_use AS (
    -- When numbers were in use in our own cells.
    SELECT caller AS number, start_at FROM call_event WHERE day = $day AND caller IS NOT NULL AND caller_cell IS NOT NULL
    UNION ALL
    SELECT callee, start_at FROM call_event WHERE day = $day AND callee IS NOT NULL AND callee_cell IS NOT NULL AND is_answered
),
at_home AS (
    -- Calls that show a number of ours which is in use at home when it cannot be anywhere else.
    SELECT DISTINCT record_id FROM incoming INNER JOIN in_use ON caller = number
    WHERE is_spoof_suspect AND seconds_between(in_use.start_at, incoming.start_at) BETWEEN -$travel_s AND $travel_s
),
looked_up AS (
    -- The same with what the number shown is, and what kind of trunk it came by.
    SELECT incoming.trunk, kind, peer, callee, caller_kind = 'anonymous' AS is_anonymous,
        CASE WHEN caller_kind <> 'anonymous' THEN shown END AS shown, is_spoof_suspect,
        shown_type = 'fixed' AS is_fixed,
        (agency.address IS NOT NULL AND caller_kind IN ('e164', 'national_short')) OR shown_type = 'special' AS is_special,
        shown_type = 'unallocated' OR caller_kind = 'invalid' OR (NOT is_spoof_suspect AND elsewhere.number IS NULL
            AND own_range.holder IS NOT NULL AND $owns_ranges = 1) AS is_unallocated,
        at_home.record_id IS NOT NULL AS is_at_home
    FROM incoming
    LEFT JOIN route ON incoming.trunk = route.trunk
    LEFT JOIN agency ON incoming.shown = agency.address
    LEFT JOIN own_range ON range_holder(incoming.caller) = own_range.holder
    LEFT JOIN elsewhere ON incoming.caller = elsewhere.number
    LEFT JOIN at_home ON incoming.record_id = at_home.record_id
),
judged AS (
    -- The same with whether the number cannot come by this kind of trunk; our own may, from subscribers who are abroad.
    SELECT *, COALESCE((kind IN ('international', 'voip') AND (is_fixed OR is_special OR is_unallocated))
        OR (kind = 'voip' AND is_spoof_suspect) OR (kind = 'international' AND is_at_home), false) AS is_false
    FROM looked_up
)
SELECT
    $day AS day, COALESCE(trunk, '') AS trunk, MIN(kind) AS kind, MIN(peer) AS peer,
    COUNT(*) AS calls, COUNT(DISTINCT callee) AS callees, COUNT(DISTINCT shown) AS shown_numbers,
    COUNT(*) FILTER (WHERE is_anonymous) AS anonymous_calls,
    COUNT(*) FILTER (WHERE is_spoof_suspect) AS own_number_calls,
    COUNT(*) FILTER (WHERE is_fixed) AS fixed_number_calls,
    COUNT(*) FILTER (WHERE is_special) AS special_number_calls,
    COUNT(*) FILTER (WHERE is_unallocated) AS unallocated_calls,
    COUNT(*) FILTER (WHERE is_false) AS false_number_calls,
    COUNT(DISTINCT CASE WHEN is_false THEN shown END) AS false_numbers
FROM judged
GROUP BY trunk

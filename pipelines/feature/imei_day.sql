-- Sum up the handsets that more than one number has called from within the window.
WITH used AS (
    -- Numbers by the handset that they called from.
    SELECT DISTINCT caller_imei, caller FROM call_event
    WHERE day BETWEEN $window_from AND $day AND caller_imei > 0 AND caller IS NOT NULL
        AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
shared AS (
    -- Handsets of more than one number.
    SELECT caller_imei FROM used GROUP BY caller_imei HAVING COUNT(*) > 1
),
called AS (
    -- Calls from these handsets.
    SELECT call_event.caller_imei AS imei, caller, caller_imsi, callee, caller_cell, day = $day AS is_today
    FROM call_event LEFT SEMI JOIN shared ON call_event.caller_imei = shared.caller_imei
    WHERE day BETWEEN $window_from AND $day AND caller IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect
)
SELECT
    $day AS day, COALESCE(imei, 0) AS imei,
    COUNT(DISTINCT CASE WHEN is_today THEN caller END) AS callers,
    COUNT(DISTINCT CASE WHEN is_today THEN caller_imsi END) AS imsis,
    COUNT(*) FILTER (WHERE is_today) AS calls,
    COUNT(DISTINCT CASE WHEN is_today THEN callee END) AS callees,
    COUNT(DISTINCT CASE WHEN is_today THEN caller_cell END) AS cells,
    COUNT(DISTINCT caller) AS window_callers,
    COUNT(DISTINCT caller_imsi) AS window_imsis,
    COUNT(*) AS window_calls,
    COUNT(DISTINCT callee) AS window_callees,
    COUNT(DISTINCT caller_cell) AS window_cells
FROM called
GROUP BY imei
HAVING BOOL_OR(is_today)

-- Count the contacts of each pair of parties, and look up whether they ever met before.
WITH called AS (
    -- Calls of the day and the day before; a forwarded leg or a spoofed call was not made by its caller.
    SELECT day, caller_kind, caller, CASE WHEN caller IS NULL THEN caller_raw END AS caller_name,
        callee_kind, callee, CASE WHEN callee IS NULL THEN callee_raw END AS callee_name,
        start_at, record_id, is_answered
    FROM call_event
    WHERE day BETWEEN $day_before AND $day
        AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
),
chained AS (
    -- Each call with the start of the one before it; one order over all pairs is cheaper than a window for each.
    SELECT *, previous(start_at, caller, callee, caller_kind, caller_name, callee_kind, callee_name) OVER chain AS start_before
    FROM called
    WINDOW chain AS (ORDER BY caller, callee, caller_kind, caller_name, callee_kind, callee_name, start_at, record_id)
),
contact AS (
    -- One row per call or message of the day.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, true AS is_call, is_answered, start_at,
        COALESCE(seconds_between(start_before, start_at) < $repeat_window_s, false) AS is_repeat
    FROM chained WHERE day = $day
    UNION ALL
    SELECT caller_kind, caller, CASE WHEN caller IS NULL THEN caller_raw END,
        callee_kind, callee, CASE WHEN callee IS NULL THEN callee_raw END, false, false, start_at, false
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
),
pair AS (
    -- The pairs of the day, each with a key for either end that is never null.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name,
        COALESCE(caller, 0) AS caller_key, CASE WHEN caller IS NULL THEN CONCAT(caller_kind, ' ', caller_name) ELSE '' END AS caller_text,
        COALESCE(callee, 0) AS callee_key, CASE WHEN callee IS NULL THEN CONCAT(callee_kind, ' ', callee_name) ELSE '' END AS callee_text,
        COUNT(*) FILTER (WHERE is_call) AS calls,
        COUNT(*) FILTER (WHERE is_answered) AS answered,
        COUNT(*) FILTER (WHERE NOT is_call) AS messages,
        COUNT(*) FILTER (WHERE is_repeat) AS repeats_within_24h,
        MIN(start_at) FILTER (WHERE is_call) AS first_call_at,
        MAX(start_at) FILTER (WHERE is_call) AS last_call_at
    FROM contact
    GROUP BY caller_kind, caller, caller_name, callee_kind, callee, callee_name
),
either AS (
    -- The pairs of the day, each as it is and turned round: whoever began it then, they know each other.
    SELECT caller_key, caller_text, callee_key, callee_text,
        caller_key AS one_key, caller_text AS one_text, callee_key AS other_key, callee_text AS other_text FROM pair
    UNION ALL
    SELECT caller_key, caller_text, callee_key, callee_text,
        callee_key AS one_key, callee_text AS one_text, caller_key AS other_key, caller_text AS other_text FROM pair
),
named AS (
    -- Contacts of the days before in which one end was no number, with the same keys.
    SELECT DISTINCT
        COALESCE(caller, 0) AS caller_key, CASE WHEN caller IS NULL THEN CONCAT(caller_kind, ' ', caller_name) ELSE '' END AS caller_text,
        COALESCE(callee, 0) AS callee_key, CASE WHEN callee IS NULL THEN CONCAT(callee_kind, ' ', callee_name) ELSE '' END AS callee_text
    FROM contact_day_before WHERE caller IS NULL OR callee IS NULL
),
known AS (
    -- Pairs of the day that met before.
    SELECT caller_key, caller_text, callee_key, callee_text FROM either
    LEFT SEMI JOIN contact_day_before AS earlier ON either.one_key = earlier.caller AND either.other_key = earlier.callee
    UNION
    SELECT caller_key, caller_text, callee_key, callee_text FROM either
    LEFT SEMI JOIN named ON either.one_key = named.caller_key AND either.other_key = named.callee_key
        AND either.one_text = named.caller_text AND either.other_text = named.callee_text
),
history AS (
    -- How many earlier days are kept.
    SELECT COUNT(DISTINCT day) AS history_days FROM contact_day_before
)
SELECT
    $day AS day, pair.caller_kind, pair.caller, pair.caller_name, pair.callee_kind, pair.callee, pair.callee_name,
    pair.calls, pair.answered, pair.messages, pair.repeats_within_24h, history_days,
    known.caller_key IS NULL AS is_new,
    COALESCE(back.last_call_at > pair.first_call_at, false) AS is_called_back,
    pair.first_call_at, pair.last_call_at
FROM pair CROSS JOIN history
LEFT JOIN known ON pair.caller_key = known.caller_key AND pair.callee_key = known.callee_key
    AND pair.caller_text = known.caller_text AND pair.callee_text = known.callee_text
LEFT JOIN pair AS back ON pair.caller_key = back.callee_key AND pair.callee_key = back.caller_key
    AND pair.caller_text = back.callee_text AND pair.callee_text = back.caller_text

-- Count the contacts of each pair of parties, and look up whether they ever met before.
WITH called AS (
    -- Pairs of numbers with a call; a forwarded leg or a spoofed call was not made by its caller.
    SELECT caller, callee, COUNT(*) AS calls, COUNT(*) FILTER (WHERE is_answered) AS answered,
        MIN(start_at) AS first_call_at, MAX(start_at) AS last_call_at
    FROM call_event
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller IS NOT NULL AND callee IS NOT NULL
    GROUP BY caller, callee
),
written AS (
    -- Pairs of numbers with a message.
    SELECT caller, callee, COUNT(*) AS messages FROM sms_event
    WHERE day = $day AND NOT is_spoof_suspect AND caller IS NOT NULL AND callee IS NOT NULL
    GROUP BY caller, callee
),
pair AS (
    -- Pairs of numbers with either.
    SELECT COALESCE(called.caller, written.caller) AS caller, COALESCE(called.callee, written.callee) AS callee, last_call_at,
        COALESCE(calls, 0) AS calls, COALESCE(answered, 0) AS answered, COALESCE(messages, 0) AS messages, first_call_at
    FROM called FULL JOIN written ON called.caller = written.caller AND called.callee = written.callee
),
back AS (
    -- Those whose other way round may be there as well, by whom they called, and when they last did.
    SELECT callee, caller, last_call_at FROM pair WHERE may_have('pair', callee, caller)
),
yesterday AS (
    -- Those that may have met on the day before, and when they last called.
    SELECT caller, callee, last_call_at FROM contact_day_before
    WHERE day = $day_before AND last_call_at IS NOT NULL AND may_have('pair', caller, callee)
),
known AS (
    -- Those that met before, the lower number first: whoever began it then, they know each other.
    SELECT low, high FROM relation_before
    WHERE week = $week_before AND (may_have('pair', low, high) OR may_have('pair', high, low))
    UNION ALL
    SELECT LEAST(caller, callee), GREATEST(caller, callee) FROM contact_day_before
    WHERE day >= $week AND (may_have('pair', caller, callee) OR may_have('pair', callee, caller))
),
named_contact AS (
    -- Calls and messages with an end that is no number.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, true AS is_call, is_answered, start_at
    FROM call_event
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
        AND (caller IS NULL OR callee IS NULL)
    UNION ALL
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, false, false, start_at
    FROM sms_event
    WHERE day = $day AND NOT is_spoof_suspect AND caller_kind <> 'anonymous' AND (caller IS NULL OR callee IS NULL)
),
named AS (
    -- Such pairs, with a text for either end that is never null.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name,
        CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text,
        COUNT(*) FILTER (WHERE is_call) AS calls, COUNT(*) FILTER (WHERE is_answered) AS answered,
        COUNT(*) FILTER (WHERE NOT is_call) AS messages,
        MIN(start_at) FILTER (WHERE is_call) AS first_call_at, MAX(start_at) FILTER (WHERE is_call) AS last_call_at
    FROM named_contact GROUP BY caller_kind, caller, caller_name, callee_kind, callee, callee_name
),
named_yesterday AS (
    -- The same of the day before.
    SELECT CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text, last_call_at
    FROM contact_day_before WHERE day = $day_before AND (caller IS NULL OR callee IS NULL)
),
named_recent AS (
    -- The same of this week's earlier days.
    SELECT CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text
    FROM contact_day_before WHERE day >= $week AND (caller IS NULL OR callee IS NULL)
),
named_known AS (
    -- Such pairs that met before, the lesser text first, each once.
    SELECT low_name, high_name FROM relation_before WHERE week = $week_before AND low IS NULL
    UNION
    SELECT LEAST(caller_text, callee_text), GREATEST(caller_text, callee_text) FROM named_recent
),
compared AS (
    -- All pairs, with what came before and what came back.
    SELECT 'e164' AS caller_kind, pair.caller, CAST(NULL AS TEXT) AS caller_name,
        'e164' AS callee_kind, pair.callee, CAST(NULL AS TEXT) AS callee_name,
        pair.calls, pair.answered, pair.messages, pair.first_call_at, pair.last_call_at,
        NOT has('known', LEAST(pair.caller, pair.callee), GREATEST(pair.caller, pair.callee)) AS is_new,
        latest('back', pair.caller, pair.callee) AS back_at, latest('yesterday', pair.caller, pair.callee) AS before_at
    FROM pair
    UNION ALL
    SELECT named.caller_kind, named.caller, named.caller_name, named.callee_kind, named.callee, named.callee_name,
        named.calls, named.answered, named.messages, named.first_call_at, named.last_call_at,
        named_known.low_name IS NULL, back.last_call_at, named_yesterday.last_call_at
    FROM named
    LEFT JOIN named AS back ON named.caller_text = back.callee_text AND named.callee_text = back.caller_text
    LEFT JOIN named_yesterday ON named.caller_text = named_yesterday.caller_text
        AND named.callee_text = named_yesterday.callee_text
    LEFT JOIN named_known ON LEAST(named.caller_text, named.callee_text) = named_known.low_name
        AND GREATEST(named.caller_text, named.callee_text) = named_known.high_name
),
folded AS (
    -- Days that the state of the week before holds.
    SELECT COALESCE(MAX(history_days), 0) AS days FROM relation_before WHERE week = $week_before
),
recent AS (
    -- This week's earlier days.
    SELECT COUNT(DISTINCT day) AS days FROM contact_day_before WHERE day >= $week
),
history AS (
    -- How many earlier days are known.
    SELECT folded.days + recent.days AS history_days FROM folded CROSS JOIN recent
)
SELECT
    $day AS day, caller_kind, caller, caller_name, callee_kind, callee, callee_name, calls, answered, messages,
    -- Two calls of one day are always less than a day apart.
    COALESCE(GREATEST(calls - 1, 0), 0) + CASE WHEN seconds_between(before_at, first_call_at) < seconds_between($from, $until)
        THEN 1 ELSE 0 END AS repeats_within_24h,
    history_days, is_new, COALESCE(back_at > first_call_at, false) AS is_called_back, first_call_at, last_call_at
FROM history CROSS JOIN compared

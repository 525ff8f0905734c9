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
    SELECT LEAST(caller, callee) AS low, GREATEST(caller, callee) AS high FROM contact_day_before
    WHERE may_have('pair', caller, callee) OR may_have('pair', callee, caller)
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
named_before AS (
    -- The same of the days before.
    SELECT CONCAT(caller_kind, ' ', COALESCE(caller_name, CAST(caller AS TEXT))) AS caller_text,
        CONCAT(callee_kind, ' ', COALESCE(callee_name, CAST(callee AS TEXT))) AS callee_text,
        MAX(last_call_at) FILTER (WHERE day = $day_before) AS last_call_at
    FROM contact_day_before WHERE caller IS NULL OR callee IS NULL
    GROUP BY caller_kind, caller, caller_name, callee_kind, callee, callee_name
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
        earlier.caller_text IS NULL AND reverse.caller_text IS NULL, back.last_call_at, earlier.last_call_at
    FROM named
    LEFT JOIN named AS back ON named.caller_text = back.callee_text AND named.callee_text = back.caller_text
    LEFT JOIN named_before AS earlier ON named.caller_text = earlier.caller_text AND named.callee_text = earlier.callee_text
    LEFT JOIN named_before AS reverse ON named.caller_text = reverse.callee_text AND named.callee_text = reverse.caller_text
),
history AS (
    -- How many earlier days are kept.
    SELECT COUNT(DISTINCT day) AS history_days FROM contact_day_before
)
SELECT
    $day AS day, caller_kind, caller, caller_name, callee_kind, callee, callee_name, calls, answered, messages,
    -- Two calls of one day are always less than a day apart.
    COALESCE(GREATEST(calls - 1, 0), 0) + CASE WHEN seconds_between(before_at, first_call_at) < seconds_between($from, $until)
        THEN 1 ELSE 0 END AS repeats_within_24h,
    history_days, is_new, COALESCE(back_at > first_call_at, false) AS is_called_back, first_call_at, last_call_at
FROM history CROSS JOIN compared

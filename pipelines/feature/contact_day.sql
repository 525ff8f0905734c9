-- Count the contacts of each pair of parties, and look up whether they ever met before.
WITH nameless AS (
    -- Ends that are no number.
    SELECT caller_kind AS kind, caller_name AS name FROM call_event WHERE day = $day AND caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM call_event WHERE day = $day AND callee IS NULL
    UNION ALL SELECT caller_kind, caller_name FROM sms_event WHERE day = $day AND caller IS NULL
    UNION ALL SELECT callee_kind, callee_name FROM sms_event WHERE day = $day AND callee IS NULL
),
named AS (
    -- Each once: with a key of its own every party is one whole number.
    SELECT DISTINCT kind, name FROM nameless
),
called AS (
    -- Who called whom; a forwarded leg or a spoofed call was not made by its caller.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller,
        COALESCE(callee, key_of('named', callee_kind, callee_name)) AS callee, start_at, is_answered
    FROM call_event
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
),
written AS (
    -- Who wrote to whom.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller,
        COALESCE(callee, key_of('named', callee_kind, callee_name)) AS callee
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect AND caller_kind <> 'anonymous'
),
before AS (
    -- Who called whom on the day before, and when last.
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)) AS caller,
        COALESCE(callee, key_of('named', callee_kind, callee_name)) AS callee, last_call_at
    FROM contact_day_before WHERE day = $day_before AND last_call_at IS NOT NULL
),
known AS (
    -- Who met before, whoever began it then: until last week, and on this week's earlier days.
    SELECT COALESCE(low, key_of('named', low_name)) AS one, COALESCE(high, key_of('named', high_name)) AS other
    FROM relation_before WHERE week = $week_before
    UNION ALL
    SELECT COALESCE(caller, key_of('named', caller_kind, caller_name)),
        COALESCE(callee, key_of('named', callee_kind, callee_name))
    FROM contact_day_before WHERE day >= $week
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
    $day AS day,
    COALESCE(kind_of('named', caller_key), 'e164') AS caller_kind, caller, name_of('named', caller_key) AS caller_name,
    COALESCE(kind_of('named', callee_key), 'e164') AS callee_kind, callee, name_of('named', callee_key) AS callee_name,
    calls, answered, messages,
    -- Two calls of one day are always less than a day apart.
    COALESCE(GREATEST(calls - 1, 0), 0)
        + CASE WHEN seconds_between(before_at, first_call_at) < seconds_between($from, $until) THEN 1 ELSE 0 END
        AS repeats_within_24h,
    value_of('history') AS history_days, NOT is_known AS is_new, COALESCE(back_at > first_call_at, false) AS is_called_back,
    first_call_at, last_call_at
FROM pair_contacts('called', 'written', 'before', 'known')

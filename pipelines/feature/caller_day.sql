-- Sum up what each party did on the day.
WITH called AS (
    -- Calls of the day that their callers made.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, start_at,
        COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered, caller_cell, caller_imei,
        is_caller_onnet, is_callee_onnet, local_hour(start_at) AS hour
    FROM call_event WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
),
message AS (
    -- Messages of the day that their senders sent.
    SELECT caller_kind, caller, caller_name, callee_kind, callee, callee_name, is_caller_onnet, is_callee_onnet
    FROM sms_event WHERE day = $day AND NOT is_spoof_suspect
),
nameless AS (
    -- Ends that are no number.
    SELECT caller_kind AS kind, caller_name AS name FROM called WHERE caller IS NULL
    UNION SELECT callee_kind, callee_name FROM called WHERE callee IS NULL
    UNION SELECT caller_kind, caller_name FROM message WHERE caller IS NULL
    UNION SELECT callee_kind, callee_name FROM message WHERE callee IS NULL
),
named AS (
    -- Each with a key below zero: so a party is one whole number, and no text is grouped or joined for the many.
    SELECT kind, name, -CAST(ROW_NUMBER() OVER (ORDER BY kind, name) AS BIGINT) AS party
    FROM nameless WHERE kind <> 'anonymous'
),
dialled AS (
    -- Pairs of numbers with a call on the day, and their last one.
    SELECT caller, callee, last_call_at FROM contact_day
    WHERE day = $day AND caller IS NOT NULL AND callee IS NOT NULL AND last_call_at IS NOT NULL
),
back AS (
    -- Those whose other way round may be there as well, by whom they called.
    SELECT callee, caller, last_call_at FROM dialled WHERE may_have('dialled', callee, caller)
),
before AS (
    -- The last calls of such pairs on the day before.
    SELECT caller, callee, last_call_at FROM contact_day_before
    WHERE day = $day_before AND last_call_at IS NOT NULL AND may_have('dialled', caller, callee)
),
made AS (
    -- What numbers did, each number's calls in one pass and in their order; then what other parties did.
    SELECT caller AS party, BOOL_OR(is_caller_onnet) AS is_onnet,
        COUNT(*) AS calls_out, COUNT(*) FILTER (WHERE is_answered) AS answered_out,
        SUM(CAST(duration_s AS BIGINT)) AS duration_out_s,
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s) AS short_calls,
        COUNT(*) FILTER (WHERE hour < $ad_hour_from OR hour >= $ad_hour_until) AS calls_outside_hours,
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, latest('back', caller, callee),
            latest('before', caller, callee), $short_gap_s) AS sequence
    FROM called WHERE caller IS NOT NULL GROUP BY caller
    UNION ALL
    SELECT party, BOOL_OR(is_caller_onnet), COUNT(*), COUNT(*) FILTER (WHERE is_answered), SUM(CAST(duration_s AS BIGINT)),
        COUNT(*) FILTER (WHERE is_answered AND duration_s < $short_call_s),
        COUNT(*) FILTER (WHERE hour < $ad_hour_from OR hour >= $ad_hour_until),
        -- Who called such a party back, and whom it called the day before, is counted below.
        call_sequence(start_at, busy_s, callee, caller_cell, caller_imei, NULL, NULL, $short_gap_s)
    FROM called INNER JOIN named ON caller_kind = kind AND caller_name = name WHERE caller IS NULL GROUP BY party
),
met AS (
    -- What the sequence does not know of whom a number called: who is new, and ends that are no number; then of others.
    SELECT caller AS party, COUNT(*) FILTER (WHERE is_new) AS new_callees, SUM(calls) FILTER (WHERE is_new) AS new_callee_calls,
        COUNT(*) FILTER (WHERE callee IS NULL) AS callees, MAX(calls) FILTER (WHERE callee IS NULL) AS top_callee_calls,
        COUNT(*) FILTER (WHERE callee IS NULL AND calls > 1) AS repeat_callees,
        COUNT(*) FILTER (WHERE callee IS NULL AND is_called_back) AS called_back,
        SUM(repeats_within_24h) FILTER (WHERE callee IS NULL) AS repeat_within_24h
    FROM contact_day
    WHERE day = $day AND calls > 0 AND caller IS NOT NULL AND (is_new OR callee IS NULL) GROUP BY caller
    UNION ALL
    SELECT party, COUNT(*) FILTER (WHERE is_new), SUM(calls) FILTER (WHERE is_new), COUNT(*) FILTER (WHERE callee IS NULL),
        MAX(calls) FILTER (WHERE callee IS NULL), COUNT(*) FILTER (WHERE callee IS NULL AND calls > 1),
        COUNT(*) FILTER (WHERE is_called_back),
        SUM(repeats_within_24h) - COALESCE(SUM(calls - 1) FILTER (WHERE callee IS NOT NULL), 0)
    FROM contact_day INNER JOIN named ON caller_kind = kind AND caller_name = name
    WHERE day = $day AND calls > 0 AND caller IS NULL GROUP BY party
),
listed AS (
    -- Numbers in the do-not-call register for calls on this day.
    SELECT DISTINCT number FROM do_not_call
    WHERE scope IN ('call', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
unwanted AS (
    -- Calls to such numbers.
    SELECT COALESCE(caller, party) AS party, SUM(calls) AS calls_to_dnc
    FROM contact_day INNER JOIN listed ON contact_day.callee = listed.number
    LEFT JOIN named ON caller IS NULL AND caller_kind = kind AND caller_name = name
    WHERE day = $day GROUP BY COALESCE(caller, party)
),
told AS (
    -- Both.
    SELECT COALESCE(met.party, unwanted.party) AS party, new_callees, new_callee_calls, callees, top_callee_calls,
        repeat_callees, called_back, repeat_within_24h, calls_to_dnc
    FROM met FULL JOIN unwanted ON met.party = unwanted.party
),
received AS (
    -- What numbers received, and other parties.
    SELECT callee AS party, BOOL_OR(is_callee_onnet) AS is_onnet, COUNT(*) AS calls_in
    FROM called WHERE callee IS NOT NULL GROUP BY callee
    UNION ALL
    SELECT party, BOOL_OR(is_callee_onnet), COUNT(*)
    FROM called INNER JOIN named ON callee_kind = kind AND callee_name = name WHERE callee IS NULL GROUP BY party
),
texted AS (
    -- Messages by party, sent and received.
    SELECT COALESCE(caller, party) AS party, is_caller_onnet AS is_onnet, true AS is_sent
    FROM message LEFT JOIN named ON caller IS NULL AND caller_kind = kind AND caller_name = name
    UNION ALL
    SELECT COALESCE(callee, party), is_callee_onnet, false
    FROM message LEFT JOIN named ON callee IS NULL AND callee_kind = kind AND callee_name = name
),
messaged AS (
    -- How many there were.
    SELECT party, BOOL_OR(is_onnet) AS is_onnet,
        COUNT(*) FILTER (WHERE is_sent) AS sms_sent, COUNT(*) FILTER (WHERE NOT is_sent) AS sms_received
    FROM texted WHERE party IS NOT NULL GROUP BY party
),
history AS (
    -- How many earlier days contacts have been kept.
    SELECT COALESCE(MAX(history_days), 0) AS history_days FROM contact_day WHERE day = $day
),
reached AS (
    -- Whoever was called or written to, or wrote.
    SELECT COALESCE(received.party, messaged.party) AS party,
        COALESCE(received.is_onnet, false) OR COALESCE(messaged.is_onnet, false) AS is_onnet, calls_in, sms_sent, sms_received
    FROM received FULL JOIN messaged ON received.party = messaged.party
),
counted AS (
    -- One row per party.
    SELECT COALESCE(made.party, reached.party) AS party,
        COALESCE(made.is_onnet, false) OR COALESCE(reached.is_onnet, false) AS is_onnet,
        COALESCE(calls_out, 0) AS calls_out, COALESCE(calls_in, 0) AS calls_in, COALESCE(answered_out, 0) AS answered_out,
        COALESCE(duration_out_s, 0) AS duration_out_s, COALESCE(short_calls, 0) AS short_calls,
        COALESCE(calls_outside_hours, 0) AS calls_outside_hours, sequence,
        COALESCE(sequence['gaps'], 0) AS gaps, COALESCE(sequence['short_gaps'], 0) AS short_gaps,
        COALESCE(sms_sent, 0) AS sms_sent, COALESCE(sms_received, 0) AS sms_received
    FROM made FULL JOIN reached ON made.party = reached.party
)
SELECT
    $day AS day, COALESCE(named.kind, 'e164') AS caller_kind, CASE WHEN counted.party > 0 THEN counted.party END AS caller,
    named.name AS caller_name, is_onnet,
    calls_out, CASE WHEN is_onnet THEN calls_in END AS calls_in, answered_out, duration_out_s,
    short_calls,
    CAST(short_calls AS DOUBLE) / NULLIF(calls_out, 0) AS short_call_share_all,
    CAST(short_calls AS DOUBLE) / NULLIF(answered_out, 0) AS short_call_share,
    gaps, short_gaps, CAST(short_gaps AS DOUBLE) / NULLIF(gaps, 0) AS short_gap_share,
    COALESCE(sequence['overlapping_calls'], 0) AS overlapping_calls,
    COALESCE(sequence['peak_calls_60s'], 0) AS peak_calls_60s,
    COALESCE(sequence['peak_calls_600s'], 0) AS peak_calls_600s,
    COALESCE(sequence['peak_calls_3600s'], 0) AS peak_calls_3600s,
    COALESCE(sequence['callees'], 0) + COALESCE(told.callees, 0) AS callees, history_days,
    CASE WHEN history_days >= $min_history_days THEN COALESCE(new_callees, 0) END AS new_callees,
    CASE WHEN history_days >= $min_history_days
        THEN CAST(COALESCE(new_callee_calls, 0) AS DOUBLE) / NULLIF(calls_out, 0) END AS new_callee_call_share,
    COALESCE(GREATEST(sequence['top_callee_calls'], told.top_callee_calls), 0) AS top_callee_calls,
    COALESCE(sequence['repeat_callees'], 0) + COALESCE(told.repeat_callees, 0) AS repeat_callees,
    COALESCE(sequence['called_back'], 0) + COALESCE(told.called_back, 0) AS called_back, sms_sent, sms_received,
    CASE WHEN is_onnet THEN CAST(calls_out AS DOUBLE) / NULLIF(calls_out + calls_in, 0) END AS out_share,
    CASE WHEN is_onnet THEN COALESCE(sequence['cells'], 0) END AS cells,
    CASE WHEN is_onnet THEN COALESCE(sequence['imeis'], 0) END AS imeis,
    COALESCE(sequence['active_hours'], 0) AS active_hours, COALESCE(sequence['peak_hour_calls'], 0) AS peak_hour_calls,
    COALESCE(sequence['sequential_calls'], 0) AS sequential_calls, calls_outside_hours,
    COALESCE(calls_to_dnc, 0) AS calls_to_dnc,
    COALESCE(sequence['repeat_within_24h'], 0) + COALESCE(told.repeat_within_24h, 0) AS repeat_within_24h
FROM history CROSS JOIN (told RIGHT JOIN counted ON told.party = counted.party) LEFT JOIN named ON counted.party = named.party

-- List every number flagged during the week, with its evidence and what was done.
WITH flagged AS (
    -- The week's verdicts at survey or stronger, each case with its last day and its strongest evidence; a flag that its
    -- own day took back is none.
    SELECT number, activated_at, MIN(case_id) AS case_id, MAX(day) AS last_day, MIN(flagged_day) AS flagged_day,
        MAX(matched_reporters) AS matched_reporters, MAX(survey_yes) AS survey_yes, MAX(survey_no) AS survey_no,
        BOOL_OR(is_registration_evidence) AS is_registration_evidence
    FROM decision
    WHERE day >= $day AND day < $until_day AND flagged_day IS NOT NULL AND cause <> 'not_confirmed'
    GROUP BY number, activated_at
    HAVING BOOL_OR(verdict IN ('survey', 'limited', 'blocked', 'released'))
),
ranked AS (
    -- The week's scores of each number, the highest first, with how many of its card's numbers that day lie below.
    SELECT caller, activated_at, day, card, calls_per_active_day, out_share, short_call_share_all, short_gap_share,
        new_callee_call_share, score,
        ROW_NUMBER() OVER (PARTITION BY caller, activated_at ORDER BY score DESC, day) AS place,
        RANK() OVER (PARTITION BY day, card ORDER BY calls_per_active_day) - 1 AS frequency_below,
        CASE WHEN out_share IS NOT NULL THEN RANK() OVER (PARTITION BY day, card ORDER BY out_share) - 1 END AS behaviour_below,
        CASE WHEN short_call_share_all IS NOT NULL THEN RANK() OVER (PARTITION BY day, card ORDER BY short_call_share_all) - 1 END
            AS short_call_below,
        CASE WHEN short_gap_share IS NOT NULL THEN RANK() OVER (PARTITION BY day, card ORDER BY short_gap_share) - 1 END
            AS short_gap_below,
        CASE WHEN new_callee_call_share IS NOT NULL THEN RANK() OVER (PARTITION BY day, card ORDER BY new_callee_call_share) - 1 END
            AS stranger_below
    FROM spam_score WHERE day >= $day AND day < $until_day
),
judged AS (
    -- How many numbers have each value, of those that a card judged on a day: the number itself and the others.
    SELECT day, card, COUNT(calls_per_active_day) AS frequency, COUNT(out_share) AS behaviour,
        COUNT(short_call_share_all) AS short_call, COUNT(short_gap_share) AS short_gap, COUNT(new_callee_call_share) AS stranger
    FROM spam_score WHERE day >= $day AND day < $until_day GROUP BY day, card
),
own AS (
    -- From when until when each has its number: what that is found at or reported for on other days is somebody else's.
    SELECT flagged.number, flagged.activated_at, COALESCE(local_day(flagged.activated_at), $reports_from) AS own_from,
        COALESCE(local_day(MIN(subscriber.activated_at)), $until_day) AS own_until
    FROM flagged LEFT JOIN subscriber ON flagged.number = subscriber.number AND subscriber.activated_at > flagged.activated_at
    GROUP BY flagged.number, flagged.activated_at
),
typed AS (
    -- The types that each was found at in the week, in one text.
    SELECT own.number, activated_at, ARRAY_TO_STRING(ARRAY_SORT(ARRAY_AGG(DISTINCT type)), '+') AS types
    FROM own INNER JOIN detection_day ON own.number = detection_day.number
    WHERE day >= $day AND day < $until_day AND day >= own_from AND day < own_until
    GROUP BY own.number, activated_at
),
ported AS (
    -- Numbers that are not carried by their range's holder, at the end of the week, with whom each went to last.
    SELECT number, LAST_VALUE(operator ORDER BY valid_from, operator) AS carrier FROM ported_number
    WHERE valid_from < $until_day
    GROUP BY number HAVING COALESCE(LAST_VALUE(valid_until ORDER BY valid_from, operator) >= $until_day, true)
),
early AS (
    -- Calls of those who were flagged in the week, up to the day of their flag, since their activation.
    SELECT flagged.number, flagged.activated_at, SUM(caller_day.calls_out) AS calls
    FROM flagged INNER JOIN caller_day ON flagged.number = caller_day.caller
    WHERE caller_day.day >= $calls_from AND caller_day.day < $until_day AND caller_day.day <= flagged.flagged_day
        AND (flagged.activated_at IS NULL OR caller_day.day >= local_day(flagged.activated_at))
    GROUP BY flagged.number, flagged.activated_at
),
heard AS (
    -- What was said of appeals until the end of the week, each word about the subscription that was active then.
    SELECT event_id, case_event.number, MAX(activated_at) AS activated_at, MAX(word) AS word, MAX(said_at) AS said_at
    FROM case_event LEFT JOIN subscriber ON case_event.number = subscriber.number AND activated_at <= said_at
    WHERE word IN ('appealed', 'rejected', 'overturned') AND local_day(said_at) < $until_day
    GROUP BY event_id, case_event.number
),
appealed AS (
    -- The last word about each since its flag: an appeal of before was against another case.
    SELECT heard.number, heard.activated_at, LAST_VALUE(word ORDER BY said_at, event_id) AS word
    FROM heard INNER JOIN flagged ON heard.number = flagged.number
        AND heard.activated_at IS NOT DISTINCT FROM flagged.activated_at
    WHERE local_day(said_at) >= flagged.flagged_day
    GROUP BY heard.number, heard.activated_at
),
report AS (
    -- Matched reports about each flagged subscription, each once, with the form and the province that it tells.
    SELECT own.number, activated_at, report_check.channel, report_check.report_id,
        MIN(report_check.reporter) AS reporter, MIN(report_check.kind) AS kind,
        MIN(citizen_report.scam_form) AS form, MIN(citizen_report.province) AS province
    FROM own INNER JOIN report_check ON own.number = report_check.source
    INNER JOIN citizen_report ON report_check.day = citizen_report.day
        AND report_check.channel = citizen_report.channel AND report_check.report_id = citizen_report.report_id
    WHERE report_check.state = 'matched' AND report_check.day >= $reports_from AND report_check.day < $until_day
        AND citizen_report.day >= $reports_from AND citizen_report.day < $until_day
        AND report_check.day >= own_from AND report_check.day < own_until
    GROUP BY own.number, activated_at, report_check.channel, report_check.report_id
),
people AS (
    -- Who reported each, by what they reported.
    SELECT number, activated_at,
        COUNT(DISTINCT CASE WHEN kind = 'spam_call' THEN reporter END) AS call_reporters,
        COUNT(DISTINCT CASE WHEN kind = 'spam_sms' THEN reporter END) AS sms_reporters,
        COUNT(DISTINCT CASE WHEN kind = 'scam_call' THEN reporter END) AS scam_reporters
    FROM report GROUP BY number, activated_at
),
formed AS (
    -- The forms that the reports of each number tell, in one text.
    SELECT number, activated_at, ARRAY_TO_STRING(ARRAY_SORT(ARRAY_AGG(DISTINCT form)), '+') AS forms
    FROM report WHERE form IS NOT NULL GROUP BY number, activated_at
),
place AS (
    -- Each province from which enough people reported a number: where one person alone is, concerns nobody.
    SELECT number, activated_at, province FROM report WHERE province IS NOT NULL
    GROUP BY number, activated_at, province HAVING COUNT(DISTINCT reporter) >= $least_people
),
placed AS (
    -- The provinces of each number in one text.
    SELECT number, activated_at, STRING_AGG(province, '+' ORDER BY province) AS provinces
    FROM place GROUP BY number, activated_at
)
SELECT
    $day AS week, flagged.number, flagged.activated_at,
    COALESCE(range_holder(flagged.number), '') AS range_holder, last.segment,
    COALESCE(flagged.flagged_day, $day) AS flagged_day,
    last.verdict,
    COALESCE(CONCAT('behaviour', CASE WHEN flagged.survey_yes > 0 THEN '+survey' ELSE '' END,
        CASE WHEN flagged.matched_reporters > 0 THEN '+report' ELSE '' END,
        CASE WHEN flagged.is_registration_evidence THEN '+registration' ELSE '' END), '') AS evidence,
    ranked.calls_per_active_day, ranked.out_share, ranked.short_call_share_all, ranked.short_gap_share,
    ranked.new_callee_call_share, ranked.score,
    COALESCE(flagged.matched_reporters, 0) AS matched_reporters,
    COALESCE(flagged.survey_yes, 0) AS survey_yes, COALESCE(flagged.survey_no, 0) AS survey_no,
    last.case_id, ported.carrier,
    CASE
        WHEN last.verdict NOT IN ('limited', 'blocked') THEN NULL
        WHEN NOT last.is_onnet THEN 'bar_incoming_from'
        WHEN last.verdict = 'blocked' THEN 'bar_both'
        ELSE 'bar_outgoing'
    END AS action,
    last.since_day AS action_day,
    typed.types,
    CASE WHEN flagged.flagged_day >= $day THEN COALESCE(early.calls, 0) END AS calls_before_flag,
    last.rules,
    CASE appealed.word WHEN 'appealed' THEN 'open' ELSE appealed.word END AS appeal,
    formed.forms AS scam_forms,
    placed.provinces,
    COALESCE(people.call_reporters, 0) AS matched_call_reporters,
    COALESCE(people.sms_reporters, 0) AS matched_sms_reporters,
    COALESCE(people.scam_reporters, 0) AS matched_scam_reporters,
    ROUND(CAST(frequency_below AS DOUBLE) / NULLIF(judged.frequency - 1, 0), $place_digits) AS frequency_peers_below_share,
    ROUND(CAST(behaviour_below AS DOUBLE) / NULLIF(judged.behaviour - 1, 0), $place_digits) AS behaviour_peers_below_share,
    ROUND(CAST(short_call_below AS DOUBLE) / NULLIF(judged.short_call - 1, 0), $place_digits) AS short_call_peers_below_share,
    ROUND(CAST(short_gap_below AS DOUBLE) / NULLIF(judged.short_gap - 1, 0), $place_digits) AS short_gap_peers_below_share,
    ROUND(CAST(stranger_below AS DOUBLE) / NULLIF(judged.stranger - 1, 0), $place_digits) AS stranger_peers_below_share
FROM flagged
INNER JOIN decision AS last ON flagged.number = last.number AND flagged.last_day = last.day
    AND flagged.activated_at IS NOT DISTINCT FROM last.activated_at
LEFT JOIN typed ON flagged.number = typed.number AND flagged.activated_at IS NOT DISTINCT FROM typed.activated_at
LEFT JOIN ported ON flagged.number = ported.number
LEFT JOIN early ON flagged.number = early.number
    AND flagged.activated_at IS NOT DISTINCT FROM early.activated_at
LEFT JOIN appealed ON flagged.number = appealed.number
    AND flagged.activated_at IS NOT DISTINCT FROM appealed.activated_at
LEFT JOIN people ON flagged.number = people.number
    AND flagged.activated_at IS NOT DISTINCT FROM people.activated_at
LEFT JOIN formed ON flagged.number = formed.number
    AND flagged.activated_at IS NOT DISTINCT FROM formed.activated_at
LEFT JOIN placed ON flagged.number = placed.number
    AND flagged.activated_at IS NOT DISTINCT FROM placed.activated_at
LEFT JOIN ranked ON flagged.number = ranked.caller AND ranked.place = 1
    AND flagged.activated_at IS NOT DISTINCT FROM ranked.activated_at
LEFT JOIN judged ON ranked.day = judged.day AND ranked.card = judged.card

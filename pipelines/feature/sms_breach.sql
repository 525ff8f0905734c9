-- List each message of an advertiser that breaks a rule for advertising messages, once for each rule.
WITH confirmed AS (
    -- Numbers that are confirmed to advertise on this day.
    SELECT number, MAX(name) AS name FROM advertiser
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day) GROUP BY number
),
registered AS (
    -- The do-not-call register for messages on this day, as it was loaded and as subscribers order it by text.
    SELECT number, valid_from FROM do_not_call
    WHERE scope IN ('sms', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION ALL
    SELECT number, valid_from FROM ad_refusal WHERE day = $day AND scope = 'sms' AND valid_from <= $day
),
listed AS (
    -- Its numbers once, each with the first day that any of them says.
    SELECT number, MIN(valid_from) AS listed_from FROM registered GROUP BY number
),
advertising AS (
    -- Messages of the day and the day before, by a confirmed number or under a name that says itself what it sends.
    SELECT day, record_id, caller, callee, start_at, COALESCE(name, sender_name, '') AS name
    FROM sms_event LEFT JOIN confirmed ON caller = number
    WHERE day BETWEEN $day_before AND $day AND callee IS NOT NULL AND NOT is_spoof_suspect
        AND (number IS NOT NULL OR ARRAY_HAS(STRING_TO_ARRAY($ad_senders, '|'), sender_name))
),
written AS (
    -- Each with the message that the allowed ones began with, if it is one too many.
    SELECT advertising.*,
        LAG(start_at, $most_messages) OVER (PARTITION BY caller, name, callee ORDER BY start_at, record_id) AS before_at
    FROM advertising
),
examined AS (
    -- Those of the day, with what may be wrong with them.
    SELECT written.*, listed_from, local_hour(start_at) AS hour,
        COALESCE(seconds_between(before_at, start_at) < $repeat_window_s, false) AS is_repeat
    FROM written LEFT JOIN listed ON callee = number
    WHERE day = $day
),
rule AS (
    -- The rules that one message can break.
    SELECT 'do_not_call' AS kind UNION ALL SELECT 'outside_hours' UNION ALL SELECT 'repeated'
)
SELECT
    $day AS day, record_id, kind, caller, name, COALESCE(callee, 0) AS callee, start_at,
    CASE WHEN kind = 'repeated' THEN before_at END AS previous_at,
    CASE WHEN kind = 'do_not_call' THEN listed_from END AS listed_from
FROM examined CROSS JOIN rule
WHERE (kind = 'do_not_call' AND listed_from IS NOT NULL)
    OR (kind = 'outside_hours' AND (hour < $message_hour_from OR hour >= $message_hour_until))
    OR (kind = 'repeated' AND is_repeat)

-- List each call of an advertiser that breaks a rule for advertising calls, once for each rule.
WITH advertising AS (
    -- Numbers registered under a brand name on this day, and those confirmed to advertise.
    SELECT number, name, 'brandname' AS known_by FROM brandname
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION ALL
    SELECT number, name, 'advertiser' AS known_by FROM advertiser
    WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
known AS (
    -- Each of these numbers once; a registered brand goes before.
    SELECT number, MAX(known_by) AS known_by, LAST_VALUE(name ORDER BY known_by, name) AS name
    FROM advertising GROUP BY number
),
registered AS (
    -- The do-not-call register for calls on this day, as it was loaded and as subscribers order it by text.
    SELECT number, valid_from FROM do_not_call
    WHERE scope IN ('call', 'both') AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION ALL
    SELECT number, valid_from FROM ad_refusal WHERE day = $day AND scope = 'call' AND valid_from <= $day
),
listed AS (
    -- Its numbers once, each with the first day that any of them says.
    SELECT number, MIN(valid_from) AS listed_from FROM registered GROUP BY number
),
called AS (
    -- Calls of advertisers on the day and the day before, each with the start of the one before it to the same number.
    SELECT day, record_id, caller, callee, start_at, is_answered,
        previous(start_at, caller, callee) OVER line AS start_before
    FROM call_event LEFT SEMI JOIN known ON call_event.caller = known.number
    WHERE day BETWEEN $day_before AND $day AND callee IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect
    WINDOW line AS (ORDER BY caller, callee, start_at, record_id)
),
examined AS (
    -- Those of the day, with what may be wrong with them.
    SELECT called.*, listed_from, local_hour(start_at) AS hour,
        seconds_between(start_before, start_at) < $repeat_window_s AS is_repeat
    FROM called LEFT JOIN listed ON called.callee = listed.number
    WHERE day = $day
),
rule AS (
    -- The rules that one call can break.
    SELECT 'do_not_call' AS kind UNION ALL SELECT 'outside_hours' UNION ALL SELECT 'repeated'
),
breach AS (
    -- One row per call and broken rule.
    SELECT examined.*, kind FROM examined CROSS JOIN rule
    WHERE (kind = 'do_not_call' AND listed_from IS NOT NULL)
        OR (kind = 'outside_hours' AND (hour < $ad_hour_from OR hour >= $ad_hour_until))
        OR (kind = 'repeated' AND is_repeat)
)
SELECT
    $day AS day, record_id, kind, COALESCE(caller, 0) AS caller, COALESCE(name, '') AS name, COALESCE(known_by, '') AS known_by,
    COALESCE(callee, 0) AS callee, start_at, is_answered,
    CASE WHEN kind = 'repeated' THEN start_before END AS previous_at,
    CASE WHEN kind = 'do_not_call' THEN listed_from END AS listed_from
FROM breach INNER JOIN known ON breach.caller = known.number

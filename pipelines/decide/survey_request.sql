-- Choose called people of numbers under suspicion to be asked, beside those whom an earlier run of the day has chosen.
WITH kept AS (
    -- The day's questions that may be with people already: each stays as it was asked, whatever is known by now.
    SELECT request_id, subject, activated_at, respondent, called_at FROM survey_request_so_far WHERE day = $day
),
told AS (
    -- How many people have been asked about each number on the day.
    SELECT subject, COUNT(*) AS people FROM kept GROUP BY subject
),
subject AS (
    -- Numbers at survey, or barred on people's word and still to be confirmed.
    SELECT number, activated_at FROM decision WHERE day = $day AND verdict IN ('survey', 'limited')
),
asked AS (
    -- People who have been asked within the week.
    SELECT DISTINCT respondent FROM survey_request_so_far WHERE day >= $cap_from
),
heard AS (
    -- Each of our subscribers who answered such a number, with the last call.
    SELECT subject.number AS subject, subject.activated_at, call_event.callee AS respondent, MAX(start_at) AS called_at
    FROM call_event INNER JOIN subject ON call_event.caller = subject.number
    WHERE call_event.day BETWEEN $called_from AND $day AND is_answered AND is_callee_onnet AND callee IS NOT NULL
        AND NOT is_forwarded_leg AND NOT is_spoof_suspect
        AND (activated_at IS NULL OR start_at >= activated_at)
    GROUP BY subject.number, subject.activated_at, call_event.callee
),
open AS (
    -- Those who may be asked; nobody is asked about two numbers on one day.
    SELECT subject, activated_at, heard.respondent, called_at,
        ROW_NUMBER() OVER (PARTITION BY heard.respondent ORDER BY called_at DESC, subject) AS turn
    FROM heard LEFT ANTI JOIN asked ON heard.respondent = asked.respondent
),
chosen AS (
    -- The people with the latest calls of each number.
    SELECT subject, activated_at, respondent, called_at,
        ROW_NUMBER() OVER (PARTITION BY subject ORDER BY called_at DESC, respondent) AS place
    FROM open WHERE turn = 1
),
added AS (
    -- As many of them as the number has questions left, counted on behind those that were kept.
    SELECT chosen.subject, activated_at, respondent, called_at,
        questions + ROW_NUMBER() OVER (ORDER BY chosen.subject, place) AS question
    FROM chosen LEFT JOIN told ON chosen.subject = told.subject
    CROSS JOIN (SELECT COUNT(*) AS questions FROM kept)
    WHERE place + COALESCE(people, 0) <= $per_subject
)
SELECT $day AS day, request_id, subject, activated_at, respondent, called_at FROM kept
UNION ALL
SELECT
    $day AS day,
    COALESCE(CONCAT('Q-', CAST($day AS VARCHAR), '-', CAST(question AS VARCHAR)), '') AS request_id,
    COALESCE(subject, 0) AS subject,
    activated_at,
    COALESCE(respondent, 0) AS respondent,
    COALESCE(called_at, $from) AS called_at
FROM added

-- List every number under a bar with the action that carries it out.
WITH barred AS (
    -- Verdicts of the day that take something from somebody.
    SELECT number, is_onnet, verdict, since_day, until_day, case_id, survey_yes, matched_reporters,
        is_registration_evidence, detections
    FROM decision
    WHERE day = $day AND verdict IN ('limited', 'blocked')
)
SELECT
    $day AS day,
    number,
    CASE WHEN NOT is_onnet THEN 'bar_incoming_from' WHEN verdict = 'blocked' THEN 'bar_both' ELSE 'bar_outgoing' END AS action,
    COALESCE(CONCAT('behaviour', CASE WHEN survey_yes > 0 THEN '+survey' ELSE '' END,
        CASE WHEN matched_reporters > 0 THEN '+report' ELSE '' END,
        CASE WHEN is_registration_evidence THEN '+registration' ELSE '' END), '') AS reason,
    since_day AS from_day,
    until_day,
    case_id,
    detections
FROM barred

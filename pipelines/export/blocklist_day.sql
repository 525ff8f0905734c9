-- List every number under a bar with the action that carries it out, and every number whose bar has just ended.
WITH listed AS (
    -- Verdicts of the day that take something from somebody, or give it back.
    SELECT number, is_onnet, verdict, cause, since_day, until_day, case_id, survey_yes, matched_reporters,
        is_registration_evidence, detections
    FROM decision
    WHERE day = $day AND (verdict IN ('limited', 'blocked')
        OR (verdict = 'released' AND previous IN ('limited', 'blocked')))
),
barred AS (
    -- Numbers under a bar: what ends for an earlier owner does not lift it.
    SELECT DISTINCT number FROM decision WHERE day = $day AND verdict IN ('limited', 'blocked')
)
SELECT
    $day AS day,
    listed.number,
    CASE WHEN verdict = 'released' THEN 'unblock' WHEN NOT is_onnet THEN 'bar_incoming_from'
        WHEN verdict = 'blocked' THEN 'bar_both' ELSE 'bar_outgoing' END AS action,
    COALESCE(CASE WHEN verdict = 'released' THEN cause
        ELSE CONCAT('behaviour', CASE WHEN survey_yes > 0 THEN '+survey' ELSE '' END,
            CASE WHEN matched_reporters > 0 THEN '+report' ELSE '' END,
            CASE WHEN is_registration_evidence THEN '+registration' ELSE '' END) END, '') AS reason,
    since_day AS from_day,
    until_day,
    case_id,
    detections
FROM listed LEFT JOIN barred ON listed.number = barred.number
WHERE verdict <> 'released' OR barred.number IS NULL

-- List every number flagged during the week, with its evidence and what was done.
WITH flagged AS (
    -- The week's verdicts at survey or stronger, each case with its last day and its strongest evidence.
    SELECT number, activated_at, MIN(case_id) AS case_id, MAX(day) AS last_day, MIN(flagged_day) AS flagged_day,
        MAX(segment) AS segment, MAX(matched_reporters) AS matched_reporters,
        MAX(survey_yes) AS survey_yes, MAX(survey_no) AS survey_no,
        BOOL_OR(is_registration_evidence) AS is_registration_evidence,
        LAST_VALUE(detections ORDER BY day) FILTER (WHERE detections IS NOT NULL) AS detections
    FROM decision
    WHERE day >= $day AND day < $until_day AND flagged_day IS NOT NULL
    GROUP BY number, activated_at
    HAVING BOOL_OR(verdict IN ('survey', 'limited', 'blocked', 'released'))
),
ranked AS (
    -- The week's scores of each number, the highest first.
    SELECT caller, activated_at, calls_per_active_day, out_share, short_call_share_all, short_gap_share,
        new_callee_call_share, score,
        ROW_NUMBER() OVER (PARTITION BY caller, activated_at ORDER BY score DESC, day) AS place
    FROM spam_score WHERE day >= $day AND day < $until_day
)
SELECT
    $day AS week, flagged.number, flagged.activated_at,
    COALESCE(range_holder(flagged.number), '') AS range_holder,
    COALESCE(flagged.segment, 'offnet') AS segment,
    COALESCE(flagged.flagged_day, $day) AS flagged_day,
    last.verdict,
    COALESCE(CONCAT('behaviour', CASE WHEN flagged.survey_yes > 0 THEN '+survey' ELSE '' END,
        CASE WHEN flagged.matched_reporters > 0 THEN '+report' ELSE '' END,
        CASE WHEN flagged.is_registration_evidence THEN '+registration' ELSE '' END), '') AS evidence,
    ranked.calls_per_active_day, ranked.out_share, ranked.short_call_share_all, ranked.short_gap_share,
    ranked.new_callee_call_share, ranked.score,
    COALESCE(flagged.matched_reporters, 0) AS matched_reporters,
    COALESCE(flagged.survey_yes, 0) AS survey_yes,
    COALESCE(flagged.survey_no, 0) AS survey_no,
    last.case_id,
    flagged.detections
FROM flagged
INNER JOIN decision AS last ON flagged.number = last.number AND flagged.last_day = last.day
    AND flagged.activated_at IS NOT DISTINCT FROM last.activated_at
LEFT JOIN ranked ON flagged.number = ranked.caller AND ranked.place = 1
    AND flagged.activated_at IS NOT DISTINCT FROM ranked.activated_at

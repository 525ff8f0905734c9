-- Join the evidence of all origins for each number, and say what it would bear.
WITH subscription AS (
    -- The newest activation of each of our numbers up to the end of the day.
    SELECT number, MAX(activated_at) AS activated_at,
        LAST_VALUE(segment ORDER BY activated_at, changed_at, source_partition, source_offset) AS segment,
        LAST_VALUE(deactivated_at ORDER BY activated_at, changed_at, source_partition, source_offset) AS deactivated_at,
        -- As it stood when the day ended: a lock of later, which may be the echo of a bar of this day, ends no such bar.
        LAST_VALUE(lock_reason ORDER BY activated_at, changed_at, source_partition, source_offset)
            FILTER (WHERE changed_at < $until) AS lock_reason,
        MAX(activated_at) FILTER (WHERE changed_at < $until) AS stated_at
    FROM subscriber WHERE activated_at < $until GROUP BY number
),
detected AS (
    -- What each subscription was found at: by how it calls, or by its papers and devices; people's word is in its reports.
    SELECT detection_day.number, activated_at, ARRAY_TO_STRING(ARRAY_SORT(ARRAY_AGG(DISTINCT type)), '+') AS detections,
        -- An origin is heard when any of its types has the points; a row of before there were points is as found.
        BOOL_OR(is_borne AND type IN ('one_ring', 'debt_harassment')) AS is_behaviour,
        BOOL_OR(is_borne AND type IN ('telemarketing', 'robocall')) AS is_scored_behaviour,
        BOOL_OR(is_borne AND type = 'debt_harassment') AS is_harassment,
        BOOL_OR(is_borne AND type IN ('sim_box', 'bulk_registration')) AS is_registration,
        BOOL_OR(is_borne AND type = 'sim_box') AS is_box, MAX(points) AS detection_points
    FROM (SELECT *, COALESCE(points >= $type_points, true) AS is_borne FROM detection_day) AS detection_day
    LEFT JOIN subscription ON detection_day.number = subscription.number
    WHERE day BETWEEN $evidence_from AND $day AND detection_day.number IS NOT NULL
        AND (activated_at IS NULL OR day >= local_day(activated_at))
    GROUP BY detection_day.number, activated_at
),
answered AS (
    -- What each person said of each subscription first, when asked about it and while the call was fresh.
    SELECT subject, activated_at, asked.respondent,
        FIRST_VALUE(answer ORDER BY answered_at, source_partition, source_offset) AS answer
    FROM survey_request_before AS asked
    INNER JOIN survey_answer AS said ON asked.request_id = said.request_id AND asked.respondent = said.respondent
    WHERE asked.day >= $evidence_from AND answered_at < $until
        AND seconds_between(called_at, answered_at) BETWEEN 0 AND $answer_s
    GROUP BY subject, activated_at, asked.respondent
),
reporter AS (
    -- Who has reported which number's calls.
    SELECT DISTINCT source, reporter FROM report_check
    WHERE day BETWEEN $evidence_from AND $day AND state = 'matched' AND source IS NOT NULL
),
part AS (
    -- What each origin says, one row per source; a person who reports and says yes as well is one.
    SELECT caller AS number, activated_at, MAX(score) AS score, MAX(criteria_met) AS criteria_met,
        0 AS matched_reporters, 0 AS survey_yes, 0 AS survey_no, 0 AS others_yes
    FROM spam_score WHERE day BETWEEN $evidence_from AND $day GROUP BY caller, activated_at
    UNION ALL
    -- Of whom a brigade spoke before it was seen to be one, those who remain.
    SELECT source, subscription.activated_at, NULL, 0, LEAST(SUM(matched_reporters),
        COALESCE(MAX(remaining_reporters) FILTER (WHERE day = $day), SUM(matched_reporters))), 0, 0, 0
    FROM report_day LEFT JOIN subscription ON source = subscription.number
    WHERE day BETWEEN $evidence_from AND $day
        AND (subscription.activated_at IS NULL OR day >= local_day(subscription.activated_at))
    GROUP BY source, subscription.activated_at
    UNION ALL
    SELECT subject, activated_at, NULL, 0, 0, COUNT(*) FILTER (WHERE answer = 'yes'), COUNT(*) FILTER (WHERE answer = 'no'),
        COUNT(*) FILTER (WHERE answer = 'yes' AND reporter IS NULL)
    FROM answered LEFT JOIN reporter ON subject = source AND respondent = reporter GROUP BY subject, activated_at
    UNION ALL
    SELECT number, activated_at, NULL, 0, 0, 0, 0, 0 FROM detected
    UNION ALL
    SELECT number, activated_at, NULL, 0, 0, 0, 0, 0
    FROM decision_before WHERE day >= $evidence_from AND verdict <> 'clear' GROUP BY number, activated_at
),
standing AS (
    -- Subscriptions of which something was held on the day before: protection is looked up for them every day.
    SELECT number, activated_at FROM decision_before WHERE day >= $evidence_from AND verdict <> 'clear'
    GROUP BY number, activated_at
),
evidence AS (
    -- All origins together for each subscription.
    SELECT part.number, part.activated_at, MAX(score) AS score, COALESCE(MAX(criteria_met), 0) AS criteria_met,
        COALESCE(SUM(matched_reporters), 0) AS matched_reporters,
        COALESCE(SUM(survey_yes), 0) AS survey_yes, COALESCE(SUM(survey_no), 0) AS survey_no,
        COALESCE(SUM(matched_reporters + others_yes), 0) AS people,
        MAX(subscription.activated_at) AS newest, MAX(segment) AS segment, MAX(deactivated_at) AS ended_at,
        MAX(CASE WHEN stated_at = subscription.activated_at THEN lock_reason END) AS lock_reason
    FROM part LEFT JOIN subscription ON part.number = subscription.number
    GROUP BY part.number, part.activated_at
),
weighed AS (
    -- Evidence against the present subscription; a number that changed hands starts clean.
    SELECT evidence.*, detections, detection_points, newest IS NOT NULL AS is_onnet,
        -- Of another operator's number half of the calls is unseen: a detection is told and proves nothing.
        -- Telemarketers and robots are found by what the score is made of: where that says otherwise, or nothing of so few
        -- calls, nobody is asked. Rings and harassment it cannot know.
        COALESCE(score >= $evidence_score, false) OR COALESCE(newest IS NOT NULL
            AND (is_behaviour OR (is_scored_behaviour AND score >= $watch_score)), false) AS is_behaviour_evidence,
        -- Between the two scores a telemarketer or a robot is asked about and not barred. Few calls to one victim are no
        -- matter of the score.
        COALESCE(score >= $evidence_score, false) OR COALESCE(is_harassment AND newest IS NOT NULL, false) AS is_behaviour_enough,
        COALESCE(is_registration, false) AS is_registration_evidence, COALESCE(is_box, false) AS is_box,
        -- Papers take fewer people's word; whom a box calls wants the call, so that nobody would ever say yes.
        COALESCE(is_registration AND people >= $registration_people AND people >= $min_yes_share * (people + survey_no), false)
            OR COALESCE(detected.is_box AND score >= $block_score, false) AS is_registration_enough,
        -- The yes of somebody whose report counts no longer is no second voice.
        COALESCE((LEAST(survey_yes, people) >= $min_yes OR matched_reporters >= $min_reporters)
            AND people >= $min_yes_share * (people + survey_no), false) AS is_people_evidence,
        COALESCE(survey_no >= $min_yes AND people < $min_yes_share * (people + survey_no), false) AS is_denied,
        newest IS NULL OR COALESCE(newest = evidence.activated_at AND COALESCE(ended_at >= $until, true), false) AS is_current
    FROM evidence
    LEFT JOIN detected ON evidence.number = detected.number AND evidence.activated_at IS NOT DISTINCT FROM detected.activated_at
),
allowed AS (
    -- Numbers on the allow-list on this day.
    SELECT DISTINCT number FROM allow_list WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
),
special AS (
    -- Special numbers and registered brands on this day.
    SELECT number FROM special_number
    WHERE number IS NOT NULL AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION
    SELECT number FROM brandname WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
)
SELECT
    $day AS day, COALESCE(weighed.number, 0) AS number, weighed.activated_at, is_onnet, COALESCE(segment, 'offnet') AS segment,
    score, criteria_met, matched_reporters, survey_yes, survey_no, is_behaviour_evidence, is_people_evidence,
    CAST(is_behaviour_evidence AS BIGINT) + CAST(is_people_evidence AS BIGINT) + CAST(is_registration_evidence AS BIGINT)
        AS origins,
    allowed.number IS NOT NULL AS is_allow_listed,
    COALESCE(special.number IS NOT NULL OR is_special_number(weighed.number), false) AS is_special,
    is_current,
    CASE
        WHEN is_behaviour_evidence AND is_people_evidence AND criteria_met >= $criteria_required
            AND score >= $block_score AND LEAST(survey_yes, people) >= $block_yes THEN 'blocked'
        WHEN is_behaviour_enough AND (is_people_evidence OR is_registration_enough) AND criteria_met >= $criteria_required
            THEN 'limited'
        WHEN is_behaviour_evidence AND criteria_met >= $criteria_required THEN 'survey'
        WHEN COALESCE(score >= $watch_score, false) OR is_people_evidence OR detections IS NOT NULL THEN 'watched'
        ELSE 'clear'
    END AS proposed,
    is_registration_evidence, detections, detection_points, is_denied,
    CASE WHEN is_current THEN lock_reason END AS lock_reason, is_box
FROM weighed
LEFT JOIN allowed ON weighed.number = allowed.number
LEFT JOIN special ON weighed.number = special.number
LEFT JOIN standing ON weighed.number = standing.number AND weighed.activated_at IS NOT DISTINCT FROM standing.activated_at
WHERE standing.number IS NOT NULL OR (is_current
    AND (COALESCE(score >= $watch_score, false) OR matched_reporters > 0 OR survey_yes > 0 OR survey_no > 0
        OR detections IS NOT NULL))

-- Put people's word about each subscription beside the values that the live rules had of it before anybody spoke.
WITH subscription AS (
    -- The newest activation of each of our numbers up to the end of the week.
    SELECT number, MAX(activated_at) AS activated_at FROM subscriber WHERE activated_at < $until GROUP BY number
),
said AS (
    -- Reviews and granted appeals of the last weeks, each about the subscription that was active when it was said.
    SELECT event_id, case_event.number, MAX(activated_at) AS activated_at, MAX(word) AS word, MAX(said_at) AS said_at
    FROM case_event LEFT JOIN subscriber ON case_event.number = subscriber.number AND activated_at <= said_at
    WHERE word IN ('confirmed', 'dismissed', 'overturned') AND local_day(said_at) >= $reviews_from AND said_at < $until
    GROUP BY event_id, case_event.number
),
reviewed AS (
    -- The last word about each of whom one was said in the week; whoever spoke first saw at most the values of the day before.
    SELECT number, activated_at, LAST_VALUE(word ORDER BY said_at, event_id) AS word, MAX(said_at) AS settled_at,
        CAST(MIN(local_day(said_at)) - INTERVAL '1 day' AS DATE) AS evidence_day
    FROM said GROUP BY number, activated_at HAVING MAX(said_at) >= $from
),
answered AS (
    -- What each person said of each subscription first, when asked about it and while the call was fresh.
    SELECT subject, activated_at, asked.respondent, MIN(asked.day) AS asked_day, MIN(answered_at) AS answered_at,
        FIRST_VALUE(answer ORDER BY answered_at, source_partition, source_offset) AS answer
    FROM survey_request AS asked
    INNER JOIN survey_answer AS answers ON asked.request_id = answers.request_id AND asked.respondent = answers.respondent
    WHERE asked.day >= $evidence_from AND asked.day < $until_day AND answered_at < $until
        AND seconds_between(called_at, answered_at) BETWEEN 0 AND $answer_s
    GROUP BY subject, activated_at, asked.respondent
),
reporter AS (
    -- Who has reported which number's calls.
    SELECT DISTINCT source, reporter FROM report_check
    WHERE day >= $evidence_from AND day < $until_day AND state = 'matched' AND source IS NOT NULL
),
surveyed AS (
    -- The answers about each together; nothing is done about an answer on the day on which it was asked for.
    SELECT subject AS number, activated_at, MAX(answered_at) AS settled_at, MIN(asked_day) AS evidence_day,
        COUNT(*) FILTER (WHERE answer = 'yes') AS yes, COUNT(*) FILTER (WHERE answer = 'no') AS no,
        COUNT(*) FILTER (WHERE answer = 'yes' AND reporter IS NULL) AS others_yes
    FROM answered LEFT JOIN reporter ON subject = source AND respondent = reporter
    GROUP BY subject, activated_at HAVING MAX(answered_at) >= $from
),
boxed AS (
    -- Numbers of SIM boxes: they bring calls that people wanted, so nobody's answer clears one.
    SELECT DISTINCT number FROM detection_day
    WHERE type = 'sim_box' AND number IS NOT NULL AND day >= $evidence_from AND day < $until_day
),
counted AS (
    -- People whom each had really called and who reported it; values are of calls alone, so a report is in none of them.
    SELECT source AS number, activated_at, day, matched_reporters,
        arrow_cast(day, 'Timestamp(Microsecond, Some("UTC"))') AS counted_at
    FROM report_day LEFT JOIN subscription ON source = subscription.number
    WHERE day >= $evidence_from AND day < $until_day AND matched_reporters > 0
        AND (activated_at IS NULL OR day >= local_day(activated_at))
),
together AS (
    -- Those of each day and of the days before it within which nobody is counted twice.
    SELECT newest.number, newest.activated_at, newest.day, SUM(counted.matched_reporters) AS reporters
    FROM counted AS newest INNER JOIN counted ON newest.number = counted.number
        AND newest.activated_at IS NOT DISTINCT FROM counted.activated_at
    WHERE seconds_between(counted.counted_at, newest.counted_at) BETWEEN 0 AND $counted_once_s
    GROUP BY newest.number, newest.activated_at, newest.day
),
remaining AS (
    -- Where a brigade was among them, how many remain by the newest day of the week that knows of it.
    SELECT source AS number, LAST_VALUE(remaining_reporters ORDER BY day) AS reporters FROM report_day
    WHERE day >= $day AND day < $until_day AND remaining_reporters IS NOT NULL GROUP BY source
),
spoken AS (
    -- The most of them on any day.
    SELECT number, activated_at, MAX(reporters) AS reporters FROM together GROUP BY number, activated_at
),
voiced AS (
    -- The answers once more: the yes of somebody whose report counts no longer is no second voice.
    SELECT surveyed.number, surveyed.activated_at, settled_at, evidence_day, no, LEAST(yes, others_yes
        + LEAST(COALESCE(spoken.reporters, 0), COALESCE(remaining.reporters, spoken.reporters, 0))) AS yes
    FROM surveyed LEFT JOIN remaining ON surveyed.number = remaining.number
    LEFT JOIN spoken ON surveyed.number = spoken.number AND surveyed.activated_at IS NOT DISTINCT FROM spoken.activated_at
),
reported AS (
    -- The most of them on any day of the week, with the first and the last day on which anybody was counted.
    SELECT counted.number, counted.activated_at, MAX(reporters) AS reporters,
        MAX(counted_at) AS settled_at, MIN(counted.day) AS evidence_day
    FROM counted INNER JOIN together ON counted.number = together.number
        AND counted.activated_at IS NOT DISTINCT FROM together.activated_at
    WHERE together.day >= $day
    GROUP BY counted.number, counted.activated_at
),
labelled AS (
    -- Every label, with what it weighs.
    SELECT number, activated_at, CAST(word = 'confirmed' AS BIGINT) AS label, 'review' AS label_source,
        $review_weight AS weight, settled_at, evidence_day FROM reviewed
    UNION ALL
    SELECT voiced.number, activated_at, CAST(yes > no AS BIGINT), 'survey', $survey_weight, settled_at, evidence_day
    FROM voiced LEFT JOIN boxed ON voiced.number = boxed.number
    WHERE GREATEST(yes, no) >= $min_people AND GREATEST(yes, no) >= $min_share * (yes + no)
        AND (yes > no OR boxed.number IS NULL)
    UNION ALL
    SELECT reported.number, activated_at, 1, 'report', $report_weight, settled_at, evidence_day
    FROM reported LEFT JOIN remaining ON reported.number = remaining.number
    WHERE LEAST(reported.reporters, COALESCE(remaining.reporters, reported.reporters)) >= $min_people
),
flagged AS (
    -- The day of each flag: its values raised it, and from the next day on a bar may change how a number calls.
    SELECT number, activated_at, MIN(flagged_day) AS flagged_day FROM decision
    WHERE day >= $flags_from AND day < $until_day AND flagged_day IS NOT NULL GROUP BY number, activated_at
),
begun AS (
    -- The last day of each that neither a flag nor anybody's word can have changed.
    SELECT labelled.number, labelled.activated_at, MIN(LEAST(evidence_day, COALESCE(flagged_day, evidence_day))) AS evidence_day
    FROM labelled LEFT JOIN flagged ON labelled.number = flagged.number
        AND labelled.activated_at IS NOT DISTINCT FROM flagged.activated_at
    GROUP BY labelled.number, labelled.activated_at
),
ranked AS (
    -- Of several labels the one that weighs most comes first.
    SELECT *, ROW_NUMBER() OVER (PARTITION BY number, activated_at ORDER BY weight DESC, settled_at DESC, label_source) AS place
    FROM labelled
),
judged AS (
    -- The last day up to it on which each was judged: this subscription, and not who held the number before.
    SELECT begun.number, begun.activated_at, MAX(spam_score.day) AS score_day
    FROM begun INNER JOIN spam_score ON begun.number = caller AND begun.activated_at IS NOT DISTINCT FROM spam_score.activated_at
    WHERE spam_score.day >= $scores_from AND spam_score.day < $until_day AND spam_score.day <= evidence_day
    GROUP BY begun.number, begun.activated_at
),
held AS (
    -- Who holds each, by the newest state that says so; a blank, as rows of before may have, names nobody.
    SELECT number, activated_at, LAST_VALUE(CONCAT(CAST(key_epoch AS VARCHAR), ':', identity_hash)
        ORDER BY changed_at, source_partition, source_offset) AS identity
    FROM subscriber WHERE changed_at < $until AND TRIM(identity_hash) <> '' GROUP BY number, activated_at
),
handset AS (
    -- What each called from.
    SELECT begun.number, begun.activated_at,
        ARRAY_TO_STRING(ARRAY_SORT(ARRAY_AGG(DISTINCT CAST(caller_imei AS VARCHAR))), '+') AS handsets
    FROM begun INNER JOIN call_event ON begun.number = caller
    WHERE call_event.day >= $scores_from AND call_event.day < $until_day AND caller_imei IS NOT NULL
        AND NOT is_spoof_suspect AND (begun.activated_at IS NULL OR start_at >= begun.activated_at)
    GROUP BY begun.number, begun.activated_at
)
SELECT
    $day AS week, COALESCE(ranked.number, 0) AS number, ranked.activated_at, COALESCE(label, 0) AS label, label_source, weight,
    COALESCE(settled_at, $until) AS settled_at, COALESCE(begun.evidence_day, $day) AS evidence_day,
    score_day, identity, handsets, calls_per_active_day, peak_calls_600s, out_share, called_back_share, cells_per_call,
    short_call_share_all, short_gap_share, new_callee_call_share, calls_per_callee, top_callee_share, sequential_call_share,
    answered_share, imeis, is_onnet
FROM ranked
INNER JOIN begun ON ranked.number = begun.number AND ranked.activated_at IS NOT DISTINCT FROM begun.activated_at
LEFT JOIN judged ON ranked.number = judged.number AND ranked.activated_at IS NOT DISTINCT FROM judged.activated_at
LEFT JOIN spam_score ON judged.number = spam_score.caller AND judged.score_day = spam_score.day
    AND judged.activated_at IS NOT DISTINCT FROM spam_score.activated_at
LEFT JOIN held ON ranked.number = held.number AND ranked.activated_at IS NOT DISTINCT FROM held.activated_at
LEFT JOIN handset ON ranked.number = handset.number AND ranked.activated_at IS NOT DISTINCT FROM handset.activated_at
WHERE place = 1

-- Name what each number, group and trunk is found at, by type, with the figures that say so.
WITH protected AS (
    -- Numbers that no detection may name on this day: allowed ones, registered brands, special ones, and those closed.
    SELECT number FROM allow_list WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION
    SELECT number FROM brandname WHERE valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION
    SELECT number FROM special_number
    WHERE number IS NOT NULL AND valid_from <= $day AND (valid_until IS NULL OR valid_until > $day)
    UNION
    SELECT number FROM subscriber WHERE activated_at < $until GROUP BY number
    HAVING LAST_VALUE(deactivated_at ORDER BY activated_at, changed_at, source_partition, source_offset) <= $from
),
stranger_caller AS (
    -- Numbers that mostly call strangers, with how they dial and talk where they call much.
    SELECT caller_day.caller AS number, calls_out, answered_out, callees, new_callees, called_back, calls_outside_hours, cells,
        sequential_calls, overlapping_calls, one_rings, beat_mean_s, beat_deviation_s, talk_mean_s, talk_deviation_s,
        COALESCE(beats >= $min_beats AND beat_deviation_s <= $even_share * beat_mean_s, false) AS is_even_beat,
        COALESCE(talks >= $min_beats AND talk_deviation_s <= $even_share * talk_mean_s, false) AS is_even_talk,
        sequential_calls >= $sequential_share * calls_out AS is_sequential,
        overlapping_calls >= $overlapping_share * calls_out AS is_parallel
    FROM caller_day LEFT JOIN dial_day ON caller_day.caller = dial_day.caller AND dial_day.day = $day
    WHERE caller_day.day = $day AND caller_day.caller IS NOT NULL AND new_callee_call_share >= $stranger_share
),
telemarketer AS (
    -- Who talks to many strangers by day, from few places, and whom hardly anybody calls, back or at all, all week; a box's
    -- calls are others'.
    SELECT 'telemarketing' AS type, number, new_callees AS measure, $min_strangers AS threshold,
        CONCAT(stranger_caller.calls_out, ' calls to ', callees, ' parties, ', new_callees, ' never in contact before; ', answered_out,
            ' answered, ', calls_outside_hours, ' outside advertising hours; ', called_back, ' called back; in a week ',
            spam_score.calls_out, ' calls made and ', CAST(ROUND(spam_score.calls_out / out_share) AS BIGINT) - spam_score.calls_out,
            ' received') AS reason
    FROM stranger_caller INNER JOIN spam_score ON number = caller AND spam_score.day = $day
    LEFT ANTI JOIN (SELECT number FROM detection_group WHERE day BETWEEN $boxed_from AND $day AND type = 'sim_box') AS boxed
        ON stranger_caller.number = boxed.number
    WHERE new_callees >= $min_strangers AND answered_out >= $answered_share * stranger_caller.calls_out
        AND calls_outside_hours <= $outside_share * stranger_caller.calls_out AND cells <= $cell_share * stranger_caller.calls_out
        AND out_share >= $out_share AND called_back_share <= $called_back_share
),
robot AS (
    -- Who dials as a machine does, by several signs: even beats, even talks, numbers in sequence, calls side by side.
    SELECT 'robocall' AS type, number, CAST(is_even_beat AS BIGINT) + CAST(is_even_talk AS BIGINT)
            + CAST(is_sequential AS BIGINT) + CAST(is_parallel AS BIGINT) AS measure, $robot_signs AS threshold,
        CONCAT(calls_out, ' calls, one each ', COALESCE(CAST(ROUND(beat_mean_s) AS BIGINT), 0), ' s give or take ',
            COALESCE(CAST(ROUND(beat_deviation_s) AS BIGINT), 0), '; talks of ', COALESCE(CAST(ROUND(talk_mean_s) AS BIGINT), 0),
            ' s give or take ', COALESCE(CAST(ROUND(talk_deviation_s) AS BIGINT), 0), '; ', sequential_calls, ' to the next number, ',
            overlapping_calls, ' before the last had ended') AS reason
    FROM stranger_caller WHERE calls_out >= $robot_calls
),
ringer AS (
    -- Who lets it ring once at strangers, for them to call back.
    SELECT 'one_ring' AS type, number, one_rings AS measure, $min_rings AS threshold,
        CONCAT(one_rings, ' of ', calls_out, ' calls rang once; ', answered_out, ' answered, ', called_back, ' of ', callees,
            ' parties called back') AS reason
    FROM stranger_caller WHERE one_rings >= $min_rings AND one_rings >= $ring_share * calls_out
),
accused AS (
    -- Whom called people report for a scam, and whose calls go to strangers; reports before its activation are another's.
    -- Of a brigade those who remain, as in block_candidate.
    SELECT caller AS number, activated_at, MAX(calls_out) AS calls_out, LEAST(SUM(scam_reporters),
            COALESCE(MAX(remaining_scam_reporters) FILTER (WHERE report_day.day = $day), SUM(scam_reporters))) AS scams,
        LEAST(SUM(matched_reporters),
            COALESCE(MAX(remaining_reporters) FILTER (WHERE report_day.day = $day), SUM(matched_reporters))) AS reporters
    FROM report_day INNER JOIN spam_score ON source = caller AND spam_score.day = $day
    WHERE report_day.day BETWEEN $reported_from AND $day AND new_callee_call_share >= $impostor_share
        AND (activated_at IS NULL OR report_day.day >= local_day(activated_at))
    GROUP BY caller, activated_at HAVING LEAST(SUM(scam_reporters),
        COALESCE(MAX(remaining_scam_reporters) FILTER (WHERE report_day.day = $day), SUM(scam_reporters))) > 0
),
answered AS (
    -- What each person said of each of them first, when asked about it and while the call was fresh.
    SELECT accused.number, asked.respondent, FIRST_VALUE(answer ORDER BY answered_at, source_partition, source_offset) AS answer
    FROM survey_request_before AS asked
    INNER JOIN accused ON asked.subject = accused.number AND asked.activated_at IS NOT DISTINCT FROM accused.activated_at
    INNER JOIN survey_answer AS said ON asked.request_id = said.request_id AND asked.respondent = said.respondent
    WHERE asked.day >= $reported_from AND answered_at < $until AND seconds_between(called_at, answered_at) BETWEEN 0 AND $answer_s
    GROUP BY accused.number, asked.respondent
),
teller AS (
    -- Who reported whom, and was called by them.
    SELECT DISTINCT source, reporter FROM report_check WHERE day BETWEEN $reported_from AND $day AND state = 'matched'
),
surveyed AS (
    -- How many said which; the yes of who reported the number is the same voice once more.
    SELECT number, COUNT(*) FILTER (WHERE answer = 'yes' AND teller.reporter IS NULL) AS yes,
        COUNT(*) FILTER (WHERE answer = 'no') AS no
    FROM answered LEFT JOIN teller ON answered.number = teller.source AND answered.respondent = teller.reporter
    GROUP BY number
),
caught AS (
    -- Who calls as telemarketers and robots do.
    SELECT number FROM telemarketer UNION SELECT number FROM robot WHERE measure >= threshold
),
impostor AS (
    -- Whom several voices speak against: people who report a scam or say yes when asked, and its own way to call.
    SELECT 'impersonation' AS type, accused.number, $min_voices AS threshold,
        scams + COALESCE(yes, 0) + CAST(caught.number IS NOT NULL AS BIGINT) AS measure,
        CONCAT(scams, ' people whom it had called reported a scam, ', reporters, ' reported it at all; asked, ',
            COALESCE(yes, 0), ' said yes and ', COALESCE(no, 0), ' no; ', calls_out, ' calls in the week',
            CASE WHEN caught.number IS NOT NULL THEN ', as a telemarketer or a robot makes them' END) AS reason
    FROM accused LEFT JOIN surveyed ON accused.number = surveyed.number LEFT JOIN caught ON accused.number = caught.number
    WHERE COALESCE(no, 0) <= $denied_share * (scams + COALESCE(yes, 0) + COALESCE(no, 0))
),
found AS (
    -- All that is told of single numbers.
    SELECT type, number, measure, threshold, reason FROM telemarketer
    UNION ALL SELECT type, number, measure, threshold, reason FROM robot WHERE measure >= threshold
    UNION ALL SELECT type, number, measure, threshold, reason FROM ringer
    UNION ALL SELECT type, number, measure, threshold, reason FROM impostor WHERE measure >= threshold
),
named AS (
    -- The same with the campaign of each, then groups with their numbers, then trunks.
    SELECT type, found.number, CAST(NULL AS VARCHAR) AS trunk, CASE WHEN campaign IS NOT NULL THEN 'campaign' END AS group_kind,
        CAST(campaign AS VARCHAR) AS group_key, CAST(measure AS DOUBLE) AS measure, CAST(threshold AS DOUBLE) AS threshold, reason
    FROM found LEFT JOIN campaign_day ON found.number = campaign_day.number AND campaign_day.day = $day
    UNION ALL
    SELECT type, number, NULL AS trunk, group_kind, group_key, measure, threshold, reason
    FROM detection_group WHERE day = $day
    UNION ALL
    SELECT 'spoofed_number' AS type, NULL AS number, trunk, NULL AS group_kind, NULL AS group_key,
        CAST(false_number_calls AS DOUBLE) AS measure, CAST($false_calls AS DOUBLE) AS threshold,
        CONCAT(false_number_calls, ' of ', calls, ' calls that came in showed what cannot come by a trunk of kind ', kind, ', as ',
            false_numbers, ' callers; ', own_number_calls, ' calls showed our own numbers, ', fixed_number_calls, ' fixed lines, ',
            special_number_calls, ' agencies, ', unallocated_calls, ' numbers nobody holds') AS reason
    FROM trunk_day WHERE day = $day AND false_number_calls >= $false_calls AND false_number_calls >= $false_share * calls
),
told AS (
    -- What may be told: nothing about protected numbers.
    SELECT named.* FROM named LEFT ANTI JOIN protected ON named.number = protected.number
    WHERE NOT COALESCE(is_special_number(named.number), false)
),
counted AS (
    -- At how many types each number was found.
    SELECT number, COUNT(DISTINCT type) AS types FROM told WHERE number IS NOT NULL GROUP BY number
),
figured AS (
    -- The figures that the cards of the types are made of.
    SELECT told.*, measure / NULLIF(threshold, 0) AS excess, COALESCE(types, 1) AS types,
        CAST(COALESCE(group_kind = 'campaign', false) AS BIGINT) AS campaign
    FROM told LEFT JOIN counted ON told.number = counted.number
),
pointed AS (
    -- Points by the card of each type.
    SELECT *, points(type, 'support', named_struct('excess', excess, 'types', types, 'campaign', campaign)) AS points
    FROM figured
)
SELECT
    $day AS day, type, number, trunk, group_kind, group_key,
    COALESCE(measure, 0.0) AS measure, threshold, COALESCE(reason, '') AS reason,
    excess, types, campaign, points, probability(type, points) AS probability
FROM pointed

-- Measure how the numbers that call much ring, dial and talk: people are uneven, machines are not.
WITH busy AS (
    -- Numbers with enough calls to have a rhythm.
    SELECT caller FROM caller_day WHERE day = $day AND caller IS NOT NULL AND calls_out >= $min_calls
),
called AS (
    -- Their calls, each with the start of the one before it.
    SELECT call_event.caller, is_answered, ring_s, CAST(duration_s AS BIGINT) AS talk_s,
        seconds_between(previous(start_at, call_event.caller) OVER line, start_at) AS beat_s
    FROM call_event LEFT SEMI JOIN busy ON call_event.caller = busy.caller
    WHERE day = $day AND NOT is_forwarded_leg AND NOT is_spoof_suspect
    WINDOW line AS (ORDER BY call_event.caller, start_at, record_id)
),
timed AS (
    -- The same in whole seconds, whose sums do not depend on the order of adding.
    SELECT caller, is_answered, ring_s, CASE WHEN is_answered THEN talk_s END AS talk_s,
        CASE WHEN beat_s <= $max_beat_s THEN CAST(beat_s AS BIGINT) END AS beat_s
    FROM called
),
summed AS (
    -- Counts, sums and sums of squares of each number.
    SELECT caller, COUNT(*) AS calls, COUNT(*) FILTER (WHERE NOT is_answered AND ring_s <= $one_ring_s) AS one_rings,
        COUNT(beat_s) AS beats, CAST(SUM(beat_s) AS DOUBLE) AS beat_sum, CAST(SUM(beat_s * beat_s) AS DOUBLE) AS beat_squares,
        COUNT(talk_s) AS talks, CAST(SUM(talk_s) AS DOUBLE) AS talk_sum, CAST(SUM(talk_s * talk_s) AS DOUBLE) AS talk_squares
    FROM timed GROUP BY caller
)
SELECT
    $day AS day, COALESCE(caller, 0) AS caller, calls, one_rings,
    beats, beat_sum / NULLIF(beats, 0) AS beat_mean_s,
    SQRT(GREATEST(beats * beat_squares - beat_sum * beat_sum, 0.0)) / NULLIF(beats, 0) AS beat_deviation_s,
    talks, talk_sum / NULLIF(talks, 0) AS talk_mean_s,
    SQRT(GREATEST(talks * talk_squares - talk_sum * talk_sum, 0.0)) / NULLIF(talks, 0) AS talk_deviation_s
FROM summed

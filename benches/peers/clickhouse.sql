-- `caller_day` of all days in ClickHouse: `caller_day` has every column, `order_day` those that depend on order.
--
-- A party is one integer: its number, or a negative key where it has none, looked up for those few rows alone; 0 is
-- nobody, an anonymous caller. A caller's calls of a day are gathered in one grouped pass, and what is asked of them in
-- order is asked of sorted arrays. Pairs are grouped once with the lower key first: both directions stand in one row.
-- The definitions are those of `pipelines/feature/`.

-- Filled within the time that is measured.
CREATE TABLE name (kind String, name String, key Int64) ENGINE = Memory;

-- Calls that their callers made.
CREATE VIEW event AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name,
    toUnixTimestamp64Micro(start_at) AS start_us, ifNull(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered,
    caller_cell AS cell, caller_imei AS imei, is_caller_onnet, is_callee_onnet
FROM file('call_event/*/*.parquet')
WHERE NOT is_forwarded_leg AND NOT is_spoof_suspect;

-- Messages that their senders sent.
CREATE VIEW note AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name, is_caller_onnet, is_callee_onnet
FROM file('sms_event/*/*.parquet')
WHERE NOT is_spoof_suspect;

CREATE VIEW nameless AS
SELECT kind, name, -toInt64(row_number() OVER (ORDER BY kind, name)) AS key FROM (
    SELECT DISTINCT kind, name FROM (
        SELECT caller_kind AS kind, caller_name AS name FROM event WHERE caller IS NULL
        UNION ALL SELECT callee_kind, callee_name FROM event WHERE callee IS NULL
        UNION ALL SELECT caller_kind, caller_name FROM note WHERE caller IS NULL
        UNION ALL SELECT callee_kind, callee_name FROM note WHERE callee IS NULL
    ) WHERE kind != 'anonymous'
);

CREATE VIEW called AS
SELECT day, assumeNotNull(caller) AS caller, assumeNotNull(callee) AS callee, start_us, busy_s, duration_s,
    is_answered, cell, imei, is_caller_onnet, is_callee_onnet, toUInt8((intDiv(start_us, 3600000000) + 7) % 24) AS hour
-- Named in full: a bare name would mean the column that is made here.
FROM event WHERE event.caller IS NOT NULL AND event.callee IS NOT NULL
UNION ALL
SELECT day, ifNull(event.caller, one.key), ifNull(event.callee, other.key), start_us, busy_s, duration_s,
    is_answered, cell, imei, is_caller_onnet, is_callee_onnet, toUInt8((intDiv(start_us, 3600000000) + 7) % 24)
FROM event
LEFT JOIN name AS one ON caller_kind = one.kind AND caller_name = one.name
LEFT JOIN name AS other ON callee_kind = other.kind AND callee_name = other.name
WHERE event.caller IS NULL OR event.callee IS NULL;

CREATE VIEW message AS
SELECT day, ifNull(note.caller, one.key) AS caller, ifNull(note.callee, other.key) AS callee,
    is_caller_onnet, is_callee_onnet
FROM note
LEFT JOIN name AS one ON caller_kind = one.kind AND caller_name = one.name
LEFT JOIN name AS other ON callee_kind = other.kind AND callee_name = other.name;

-- One row per caller and day, with the calls in order as (start, end, callee): keys below zero before all numbers.
CREATE VIEW gathered AS
SELECT day, caller AS party, max(is_caller_onnet) AS is_onnet, count() AS calls_out,
    countIf(is_answered) AS answered_out, sum(duration_s) AS duration_out_s,
    countIf(is_answered AND duration_s < 45) AS short_calls,
    uniqExact(cell) AS cells, uniqExact(imei) AS imeis,
    bitCount(groupBitOr(bitShiftLeft(toUInt32(1), hour))) AS active_hours,
    countIf(hour < 8 OR hour >= 17) AS calls_outside_hours,
    arraySort(groupArray((start_us, start_us + busy_s * 1000000, callee))) AS calls
FROM called WHERE caller != 0 GROUP BY day, caller;

CREATE VIEW made AS
WITH calls.1 AS starts, arrayMap((start, end) -> start - end, arrayPopFront(starts), arrayPopBack(calls.2)) AS gaps_us,
    arrayMap(start -> 2 * start + 1, starts) AS opened
SELECT day, party, is_onnet, calls_out, answered_out, duration_out_s, short_calls,
    arrayCount(gap -> gap >= 0, gaps_us) AS gaps, arrayCount(gap -> gap >= 0 AND gap < 60000000, gaps_us) AS short_gaps,
    arrayCount(gap -> gap < 0, gaps_us) AS overlapping_calls,
    -- Each call opens a window and closes it; at one instant those that close come first.
    arrayMax(arrayCumSum(edge -> if(edge % 2 = 1, 1, -1), arraySort(arrayConcat(opened,
        arrayMap(start -> 2 * (start + 60000000), starts))))) AS peak_calls_60s,
    arrayMax(arrayCumSum(edge -> if(edge % 2 = 1, 1, -1), arraySort(arrayConcat(opened,
        arrayMap(start -> 2 * (start + 600000000), starts))))) AS peak_calls_600s,
    arrayMax(arrayCumSum(edge -> if(edge % 2 = 1, 1, -1), arraySort(arrayConcat(opened,
        arrayMap(start -> 2 * (start + 3600000000), starts))))) AS peak_calls_3600s,
    -- Keys below zero lie far from every number.
    arrayCount((callee, before) -> callee > 0 AND abs(callee - before) BETWEEN 1 AND 10,
        arrayPopFront(calls.3), arrayPopBack(calls.3)) AS sequential_calls,
    cells, imeis, active_hours,
    arrayMax(arrayEnumerateUniq(arrayMap(start -> intDiv(start, 3600000000), starts))) AS peak_hour_calls,
    calls_outside_hours
FROM gathered;

-- Pairs of parties in touch on a day, the lower key first; `up` is from low to high, `down` the other way.
CREATE VIEW pair_of_calls AS
SELECT day, least(caller, callee) AS low, greatest(caller, callee) AS high,
    countIf(caller <= callee) AS calls_up, countIf(caller > callee) AS calls_down,
    minIf(start_us, caller <= callee) AS first_up, maxIf(start_us, caller <= callee) AS last_up,
    minIf(start_us, caller > callee) AS first_down, maxIf(start_us, caller > callee) AS last_down
FROM called WHERE caller != 0 GROUP BY day, low, high;

CREATE VIEW pair_in_touch AS
SELECT day, least(caller, callee) AS low, greatest(caller, callee) AS high,
    countIf(is_call AND caller <= callee) AS calls_up, countIf(is_call AND caller > callee) AS calls_down,
    minIf(start_us, is_call AND caller <= callee) AS first_up, maxIf(start_us, is_call AND caller <= callee) AS last_up,
    minIf(start_us, is_call AND caller > callee) AS first_down,
    maxIf(start_us, is_call AND caller > callee) AS last_down
FROM (
    SELECT day, caller, callee, start_us, true AS is_call FROM called WHERE caller != 0
    UNION ALL SELECT day, caller, callee, 0, false FROM message WHERE caller != 0
)
GROUP BY day, low, high;

-- What a caller's contacts sum up to. All calls of a pair on a day but the first follow another within 24 hours; the
-- first does when the day before ended with one. An instant of 0 is none, and lies more than a day back.
CREATE VIEW reached_by_calls AS
SELECT day, if(is_up, low, high) AS party, count() AS callees, max(calls) AS top_callee_calls,
    countIf(calls > 1) AS repeat_callees,
    countIf(if(low = high, last_up, if(is_up, last_down, last_up)) > if(is_up, first_up, first_down)) AS called_back,
    sum(calls - 1 + (if(is_up, first_up - up_before, first_down - down_before) < 86400000000)) AS repeat_within_24h
FROM (
    SELECT *, lagInFrame(last_up) OVER days AS up_before, lagInFrame(last_down) OVER days AS down_before
    FROM pair_of_calls WINDOW days AS (PARTITION BY low, high ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
ARRAY JOIN [true, false] AS is_up, [calls_up, calls_down] AS calls
WHERE calls > 0 GROUP BY day, party;

CREATE VIEW reached AS
SELECT day, if(is_up, low, high) AS party, count() AS callees, max(calls) AS top_callee_calls,
    countIf(calls > 1) AS repeat_callees,
    countIf(if(low = high, last_up, if(is_up, last_down, last_up)) > if(is_up, first_up, first_down)) AS called_back,
    sum(calls - 1 + (if(is_up, first_up - up_before, first_down - down_before) < 86400000000)) AS repeat_within_24h,
    countIf(is_new) AS new_callees, sumIf(calls, is_new) AS new_callee_calls
FROM (
    SELECT *, row_number() OVER days = 1 AS is_new,
        lagInFrame(last_up) OVER line AS up_before, lagInFrame(last_down) OVER line AS down_before
    FROM pair_in_touch
    WINDOW days AS (PARTITION BY low, high ORDER BY day),
        line AS (PARTITION BY low, high ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
ARRAY JOIN [true, false] AS is_up, [calls_up, calls_down] AS calls
WHERE calls > 0 GROUP BY day, party;

-- What parties received, and the messages that they sent.
CREATE VIEW received AS
SELECT day, party, max(is_onnet) AS is_onnet, sum(calls) AS calls_in, sum(sent) AS sms_sent, sum(got) AS sms_received
FROM (
    SELECT day, callee AS party, max(is_callee_onnet) AS is_onnet, count() AS calls, 0 AS sent, 0 AS got
    FROM called WHERE callee != 0 GROUP BY day, callee
    UNION ALL
    SELECT day, caller, max(is_caller_onnet), 0, count(), 0 FROM message WHERE caller != 0 GROUP BY day, caller
    UNION ALL
    SELECT day, callee, max(is_callee_onnet), 0, 0, count() FROM message WHERE callee != 0 GROUP BY day, callee
) GROUP BY day, party;

-- How many earlier days have any contact.
CREATE VIEW history AS
SELECT day, row_number() OVER (ORDER BY day) - 1 AS history_days FROM (
    SELECT DISTINCT day FROM (
        SELECT day FROM called WHERE caller != 0 UNION ALL SELECT day FROM message WHERE caller != 0
    )
);

-- Parties that made a call.
CREATE VIEW order_day AS
SELECT day, if(party > 0, 'e164', name.kind) AS caller_kind, if(party > 0, party, NULL) AS caller,
    if(party > 0, NULL, name.name) AS caller_name,
    gaps, short_gaps, overlapping_calls, peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    callees, top_callee_calls, repeat_callees, called_back,
    if(is_onnet, cells, NULL) AS cells, if(is_onnet, imeis, NULL) AS imeis,
    active_hours, peak_hour_calls, sequential_calls, repeat_within_24h
FROM made JOIN reached_by_calls USING (day, party) LEFT JOIN name ON party = name.key;

-- Parties that made or received a call or a message; who has no row on one side of a join counts zero there.
CREATE VIEW caller_day AS
SELECT day, if(party > 0, 'e164', name.kind) AS caller_kind, if(party > 0, party, NULL) AS caller,
    if(party > 0, NULL, name.name) AS caller_name,
    is_onnet, calls_out, if(is_onnet, calls_in, NULL) AS calls_in, answered_out, duration_out_s,
    short_calls, short_calls / nullIf(calls_out, 0) AS short_call_share_all,
    short_calls / nullIf(answered_out, 0) AS short_call_share,
    gaps, short_gaps, short_gaps / nullIf(gaps, 0) AS short_gap_share, overlapping_calls,
    peak_calls_60s, peak_calls_600s, peak_calls_3600s,
    callees, history_days, new_callees, new_callee_calls / nullIf(calls_out, 0) AS new_callee_call_share,
    top_callee_calls, repeat_callees, called_back, sms_sent, sms_received,
    if(is_onnet, calls_out / nullIf(calls_out + calls_in, 0), NULL) AS out_share,
    if(is_onnet, cells, NULL) AS cells, if(is_onnet, imeis, NULL) AS imeis,
    active_hours, peak_hour_calls, sequential_calls, calls_outside_hours, 0 AS calls_to_dnc, repeat_within_24h
FROM (
    SELECT day, party, made.is_onnet OR received.is_onnet AS is_onnet, made.* EXCEPT (day, party, is_onnet),
        received.* EXCEPT (day, party, is_onnet)
    FROM (SELECT * FROM made JOIN reached USING (day, party)) AS made FULL JOIN received USING (day, party)
) AS counted
LEFT JOIN history USING (day) LEFT JOIN name ON party = name.key;

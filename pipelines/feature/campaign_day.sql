-- Find flagged numbers that work through one list of people.
WITH flagged AS (
    -- Numbers that the day before ended with at survey or stronger.
    SELECT number, MAX(activated_at) AS activated_at FROM decision_before
    WHERE day = $day_before AND verdict IN ('survey', 'limited', 'blocked') GROUP BY number
),
called AS (
    -- Numbers that each of them called within the window.
    SELECT DISTINCT flagged.number, callee
    FROM contact_day INNER JOIN flagged ON contact_day.caller = flagged.number
    WHERE day BETWEEN $window_from AND $day AND calls > 0 AND callee IS NOT NULL
        AND (activated_at IS NULL OR day >= local_day(activated_at))
),
circle AS (
    -- How many numbers each of them called.
    SELECT number, COUNT(*) AS callees FROM called GROUP BY number
),
target AS (
    -- Numbers that several of them called; what nearly all call is a hotline and no victim.
    SELECT callee FROM called GROUP BY callee HAVING COUNT(*) > 1 AND COUNT(*) <= $max_callers
),
listed AS (
    -- Who called these.
    SELECT called.number, called.callee FROM called LEFT SEMI JOIN target ON called.callee = target.callee
),
shared AS (
    -- Pairs of flagged numbers with how many called numbers they share, either way round.
    SELECT one.number, other.number AS partner, COUNT(*) AS callees
    FROM listed AS one INNER JOIN listed AS other ON one.callee = other.callee AND one.number <> other.number
    GROUP BY one.number, other.number HAVING COUNT(*) >= $min_shared
),
linked AS (
    -- Pairs that share more than chance gives.
    SELECT shared.number, shared.partner
    FROM shared INNER JOIN circle AS own ON shared.number = own.number
    INNER JOIN circle AS others ON shared.partner = others.number
    WHERE shared.callees >= $min_share * LEAST(own.callees, others.callees)
),
near AS (
    -- The same pairs, and each number with itself.
    SELECT number, partner FROM linked UNION SELECT number, number AS partner FROM linked
),
first_round AS (
    -- The smallest number one link away.
    SELECT number, MIN(partner) AS campaign FROM near GROUP BY number
),
second_round AS (
    -- The smallest number two links away.
    SELECT near.number, MIN(campaign) AS campaign
    FROM near INNER JOIN first_round ON near.partner = first_round.number GROUP BY near.number
),
third_round AS (
    -- The smallest number three links away; who works through one list is nearer to one another than that.
    SELECT near.number, MIN(campaign) AS campaign, COUNT(*) - 1 AS links
    FROM near INNER JOIN second_round ON near.partner = second_round.number GROUP BY near.number
),
gang AS (
    -- How many numbers each campaign has.
    SELECT campaign, COUNT(*) AS members FROM third_round GROUP BY campaign
),
overlap AS (
    -- Called numbers that each number shares with any partner.
    SELECT one.number, COUNT(DISTINCT one.callee) AS shared_callees
    FROM listed AS one INNER JOIN listed AS other ON one.callee = other.callee
    INNER JOIN linked ON one.number = linked.number AND other.number = linked.partner
    GROUP BY one.number
)
SELECT
    $day AS day, third_round.number, activated_at, COALESCE(third_round.campaign, 0) AS campaign,
    members, links, circle.callees, shared_callees,
    COALESCE(CAST(shared_callees AS DOUBLE) / NULLIF(circle.callees, 0), 0.0) AS shared_callee_share
FROM third_round
INNER JOIN flagged ON third_round.number = flagged.number
INNER JOIN gang ON third_round.campaign = gang.campaign
INNER JOIN circle ON third_round.number = circle.number
INNER JOIN overlap ON third_round.number = overlap.number

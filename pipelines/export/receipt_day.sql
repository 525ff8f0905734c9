-- Hold what the network was asked against what it says it did, number by number, as known at the end of the day.
WITH published AS (
    -- Everything that was asked, the newest of each number first.
    SELECT number, action, sequence, case_id, published_at,
        ROW_NUMBER() OVER (PARTITION BY number ORDER BY sequence DESC) AS place
    FROM blocklist_export
    WHERE number IS NOT NULL AND published_at < $until
),
asked AS (
    -- What was asked of each number last, and from when on a receipt for it is missed.
    SELECT number, action, sequence, case_id, published_at AS asked_at,
        plus_seconds(published_at, $missing_after_s) AS due_at
    FROM published
    WHERE place = 1
),
turned AS (
    -- When something else was asked of it before: what was done until then is undone since.
    SELECT published.number, MAX(published.sequence) AS sequence, MAX(published.published_at) AS turned_at
    FROM published INNER JOIN asked ON published.number = asked.number AND published.action <> asked.action
    GROUP BY published.number
),
reported AS (
    -- What the network says that it has done, the newest of each number first; of one instant, what was asked later.
    SELECT number, action, sequence, code, reported_at,
        ROW_NUMBER() OVER (
            PARTITION BY number
            ORDER BY reported_at DESC, sequence DESC NULLS LAST, source_partition DESC, source_offset DESC) AS place
    FROM block_receipt
    WHERE state = 'done' AND reported_at < $until
),
done AS (
    -- What holds of each number in the network.
    SELECT number, action, sequence, code, reported_at FROM reported WHERE place = 1
),
returned AS (
    -- Receipts for what was asked last, the newest of each number first; clocks differ, so its own sequence counts too.
    SELECT asked.number, receipt.state, receipt.code, receipt.reported_at,
        ROW_NUMBER() OVER (
            PARTITION BY asked.number
            ORDER BY receipt.reported_at DESC, receipt.sequence DESC NULLS LAST,
                receipt.source_partition DESC, receipt.source_offset DESC) AS place
    FROM asked
    INNER JOIN block_receipt AS receipt ON asked.number = receipt.number AND asked.action = receipt.action
    WHERE receipt.reported_at < $until
        AND (receipt.reported_at >= asked.asked_at OR receipt.sequence = asked.sequence)
),
answered AS (
    -- The last of them.
    SELECT number, state, code, reported_at FROM returned WHERE place = 1
),
compared AS (
    -- Both sides of each number. A bar of an earlier publication that is done late is no bar that nobody asked for.
    SELECT
        COALESCE(asked.number, done.number, 0) AS number,
        asked.action, asked.sequence, asked.case_id, asked.asked_at, asked.due_at,
        CASE
            WHEN asked.number IS NULL THEN 'not_asked'
            WHEN done.action = asked.action
                AND (turned.number IS NULL OR done.reported_at >= turned_at OR done.sequence > turned.sequence)
                THEN 'in_effect'
            WHEN done.action <> 'unblock' AND done.reported_at >= asked.asked_at
                AND COALESCE(done.sequence, asked.sequence) >= asked.sequence THEN 'not_asked'
            WHEN answered.state IN ('failed', 'unknown') THEN answered.state
            WHEN asked.due_at < $until THEN 'missing'
            ELSE 'pending'
        END AS outcome,
        done.action AS effect,
        done.code AS done_code, done.reported_at AS done_at,
        answered.code AS answered_code, answered.reported_at AS answered_at
    FROM asked
    FULL JOIN done ON asked.number = done.number
    LEFT JOIN turned ON asked.number = turned.number
    LEFT JOIN answered ON asked.number = answered.number
)
SELECT
    $day AS day,
    number,
    action,
    sequence,
    case_id,
    asked_at,
    due_at,
    COALESCE(outcome, 'unknown') AS outcome,
    effect,
    CASE WHEN outcome IN ('in_effect', 'not_asked') THEN done_code ELSE answered_code END AS code,
    CASE WHEN outcome IN ('in_effect', 'not_asked') THEN done_at ELSE answered_at END AS reported_at
FROM compared
WHERE (action IS NOT NULL OR effect <> 'unblock')
    AND (action IS NULL OR action <> 'unblock' OR outcome <> 'in_effect' OR asked_at >= $from)

-- Find groups of numbers that pass a threshold together, and name the numbers in them.
WITH called AS (
    -- Numbers that strangers call, with whether these rotate: many of them out of one handset or block.
    SELECT *, window_new_callers >= $harassing_callers
            AND GREATEST(handset_callers, block_callers) >= $rotating_callers
            AND GREATEST(handset_callers, block_callers) >= $rotating_share * window_new_callers AS is_rotating,
        CONCAT(window_new_callers, ' numbers called one party for the first time, on ', new_caller_days, ' days, ',
            window_new_caller_calls, ' times; ', handset_callers, ' of them from one handset, ', block_callers, ' out of one block; ',
            calls - answered + short_calls, ' of the last day''s ', calls, ' calls unanswered or short') AS reason
    FROM callee_day WHERE day = $day AND new_caller_days >= $harassing_days
),
victim AS (
    -- Numbers that strangers keep calling: that rotate, or that call again and again and are mostly refused.
    SELECT callee, 'debt_harassment' AS type, 'callee' AS group_kind, CAST(callee AS VARCHAR) AS group_key,
        CASE WHEN is_rotating THEN window_new_callers ELSE window_new_caller_calls END AS measure,
        CASE WHEN is_rotating THEN $harassing_callers ELSE $harassing_calls END AS threshold, reason,
        CASE WHEN is_rotating THEN 1.0 ELSE $calls_each END AS least_calls
    FROM called
    WHERE is_rotating OR (window_new_callers >= $few_callers AND window_new_caller_calls >= $harassing_calls
        AND window_new_caller_calls >= $calls_each * window_new_callers AND calls - answered + short_calls >= $refused_share * calls)
),
sim_box AS (
    -- Handsets that many SIMs call many numbers from, at few places; cloned IMEIs are everywhere.
    SELECT imei, 'sim_box' AS type, 'imei' AS group_kind, CAST(imei AS VARCHAR) AS group_key,
        window_callers AS measure, $box_sims AS threshold,
        CONCAT(window_callers, ' numbers called from one handset, from ', window_cells, ' cells: ', window_calls, ' calls to ',
            window_callees, ' numbers') AS reason
    FROM imei_day
    WHERE day = $day AND window_callers >= $box_sims AND window_cells BETWEEN 1 AND $box_cells
        AND window_callees >= $box_callees
),
buyer AS (
    -- Identities over a legal limit that go on getting subscriptions.
    SELECT 'bulk_registration' AS type, 'identity' AS group_kind,
        CONCAT_WS(' ', identity_hash, CAST(key_epoch AS VARCHAR)) AS group_key,
        GREATEST(subscriptions, activated) AS measure, limit_reached AS threshold,
        CONCAT(subscriptions, ' subscriptions on one identity, ', activated, ' of late by ', dealers, ' dealers') AS reason
    FROM identity_day WHERE day = $day AND activated >= $late_sims
),
busy_hour AS (
    -- Hours in which a dealer activated far more than usual, or many on few identities.
    SELECT 'bulk_registration' AS type, 'dealer_hour' AS group_kind,
        CONCAT_WS(' ', dealer, CAST(hour AS VARCHAR), segment) AS group_key,
        activations AS measure, $hour_sims AS threshold,
        CONCAT(activations, ' activations by one dealer in one hour, on ', identities, ' identities; ',
            COALESCE(CAST(ROUND(usual_activations) AS BIGINT), 0), ' in a usual hour') AS reason
    FROM dealer_hour
    WHERE day = $day AND segment <> 'enterprise' AND activations >= $hour_sims
        AND (activations >= $unusual_hours * COALESCE(usual_activations, 0.0) OR identities <= $few_identities * activations)
),
bought_block AS (
    -- Blocks of fresh numbers that call the same strangers.
    SELECT 'bulk_registration' AS type, 'block' AS group_kind, CAST(block AS VARCHAR) AS group_key,
        callers AS measure, $block_sims AS threshold,
        CONCAT(callers, ' numbers of one block called, ', activated, ' activated of late; ', shared_callees, ' of ', callees,
            ' called parties called by several of them') AS reason
    FROM block_day
    WHERE day = $day AND callers >= $block_sims AND activated >= $block_sims AND shared_callees >= $block_shared
        AND new_callee_calls >= $stranger_share * calls_out
),
subscription AS (
    -- Each late activation in its latest state, with the keys of the groups that it may be in.
    SELECT number, activated_at,
        CONCAT_WS(' ', LAST_VALUE(identity_hash ORDER BY changed_at, source_partition, source_offset),
            CAST(LAST_VALUE(key_epoch ORDER BY changed_at, source_partition, source_offset) AS VARCHAR)) AS identity,
        CONCAT_WS(' ', LAST_VALUE(dealer ORDER BY changed_at, source_partition, source_offset),
            CAST(local_hour(activated_at) AS VARCHAR),
            LAST_VALUE(segment ORDER BY changed_at, source_partition, source_offset)) AS dealer_hour,
        CAST(number / $block_size AS VARCHAR) AS block
    FROM subscriber WHERE activated_at < $until AND local_day(activated_at) >= $late_from GROUP BY number, activated_at
),
found AS (
    -- All groups.
    SELECT type, group_kind, group_key, measure, threshold, reason FROM victim
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM sim_box
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM buyer
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM busy_hour
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM bought_block
),
member AS (
    -- The numbers of each group; whom a victim called back is no stranger, and other hours and blocks match no group.
    SELECT 'callee' AS group_kind, group_key, caller AS number
    FROM contact_day INNER JOIN victim ON contact_day.callee = victim.callee
    WHERE day BETWEEN $window_from AND $day AND is_new AND calls >= least_calls AND caller IS NOT NULL AND NOT is_called_back
    UNION SELECT 'imei' AS group_kind, group_key, caller AS number
    FROM call_event INNER JOIN sim_box ON call_event.caller_imei = sim_box.imei
    WHERE day BETWEEN $window_from AND $day AND caller IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect
    UNION SELECT 'identity' AS group_kind, identity AS group_key, number FROM subscription
    UNION SELECT 'dealer_hour' AS group_kind, dealer_hour AS group_key, number FROM subscription
    WHERE local_day(activated_at) = $day
    UNION SELECT 'block' AS group_kind, block AS group_key, number FROM subscription
)
SELECT
    $day AS day, type, group_kind, COALESCE(group_key, '') AS group_key, CAST(NULL AS BIGINT) AS number,
    COALESCE(CAST(measure AS DOUBLE), 0.0) AS measure, CAST(threshold AS DOUBLE) AS threshold, COALESCE(reason, '') AS reason
FROM found
UNION ALL
SELECT
    $day AS day, type, found.group_kind, COALESCE(found.group_key, '') AS group_key, number,
    COALESCE(CAST(measure AS DOUBLE), 0.0) AS measure, CAST(threshold AS DOUBLE) AS threshold, COALESCE(reason, '') AS reason
FROM found INNER JOIN member ON found.group_kind = member.group_kind AND found.group_key = member.group_key

-- Find groups of numbers that pass a threshold together, and name the numbers in them.
WITH newest AS (
    -- Since when each of our numbers is whose it is: what it did before was done by another.
    SELECT number, MAX(activated_at) AS activated_at FROM subscriber WHERE activated_at < $until GROUP BY number
),
called AS (
    -- Numbers that strangers call often and on several days, with whether these rotate: many out of one handset or block.
    SELECT callee, window_new_callers, window_new_callers >= $harassing_callers
            AND GREATEST(handset_callers, block_callers) >= $rotating_callers
            AND GREATEST(handset_callers, block_callers) >= $rotating_share * window_new_callers AS is_rotating,
        CONCAT(window_new_callers, ' numbers called one party for the first time, on ', new_caller_days, ' days, ',
            window_new_caller_calls, ' times; ', handset_callers, ' of them from one handset, ', block_callers, ' out of one block; ',
            calls - answered + short_calls, ' of the last day''s ', calls, ' calls unanswered or short') AS reason
    FROM callee_day
    WHERE day = $day AND new_caller_days >= $harassing_days AND window_new_caller_calls >= $few_callers * $calls_each
),
presser AS (
    -- Strangers who call one of these again and again, are mostly left ringing, and are never called back.
    SELECT contact_day.caller, contact_day.callee, SUM(calls) AS calls
    FROM contact_day INNER JOIN called ON contact_day.callee = called.callee LEFT JOIN newest ON contact_day.caller = newest.number
    WHERE day BETWEEN $pressed_from AND $day AND calls > 0 AND caller IS NOT NULL
        AND (activated_at IS NULL OR last_call_at >= activated_at)
    GROUP BY contact_day.caller, contact_day.callee
    HAVING BOOL_OR(is_new) AND NOT BOOL_OR(is_called_back) AND SUM(calls) >= $calls_each
        AND SUM(answered) <= $picked_up_share * SUM(calls)
),
victim AS (
    -- Numbers that strangers keep calling: that rotate, or some of whom call again and again and are not answered.
    SELECT called.callee, is_rotating, 'debt_harassment' AS type, 'callee' AS group_kind, CAST(called.callee AS VARCHAR) AS group_key,
        CASE WHEN is_rotating THEN window_new_callers ELSE calls END AS measure,
        CASE WHEN is_rotating THEN $harassing_callers ELSE $harassing_calls END AS threshold,
        CONCAT(reason, CASE WHEN callers > 0 THEN CONCAT('; ', callers, ' called ', calls, ' times, seldom answered') END) AS reason
    FROM called LEFT JOIN (SELECT callee, COUNT(*) AS callers, SUM(calls) AS calls FROM presser GROUP BY callee) AS pressed
        ON called.callee = pressed.callee
    WHERE is_rotating OR (callers >= $few_callers AND calls >= $harassing_calls)
),
crowded AS (
    -- Handsets that many SIMs call many numbers from, at few places; cloned IMEIs are everywhere.
    SELECT imei, window_callers, window_cells, window_calls, window_callees FROM imei_day
    WHERE day = $day AND window_callers >= $box_sims AND window_cells BETWEEN 1 AND $box_cells AND window_callees >= $box_callees
),
boxed AS (
    -- The numbers that called from each of them.
    SELECT DISTINCT imei, caller AS number FROM call_event INNER JOIN crowded ON call_event.caller_imei = crowded.imei
        LEFT JOIN newest ON call_event.caller = newest.number
    WHERE day BETWEEN $window_from AND $day AND caller IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect
        AND (activated_at IS NULL OR start_at >= activated_at)
),
heard AS (
    -- How many calls these numbers made, and how many they got.
    SELECT imei, SUM(calls_out) AS calls_out, SUM(calls_in) AS calls_in
    FROM boxed INNER JOIN caller_day ON boxed.number = caller_day.caller
    WHERE day BETWEEN $window_from AND $day GROUP BY imei
),
sim_box AS (
    -- Such handsets that hardly anybody calls: a firm's telephones behind one device are called as well.
    SELECT crowded.imei, 'sim_box' AS type, 'imei' AS group_kind, CAST(crowded.imei AS VARCHAR) AS group_key,
        window_callers AS measure, $box_sims AS threshold,
        CONCAT(window_callers, ' numbers called from one handset, from ', window_cells, ' cells: ', window_calls, ' calls to ',
            window_callees, ' numbers; ', calls_in, ' calls came to them') AS reason
    FROM crowded INNER JOIN heard ON crowded.imei = heard.imei
    WHERE calls_in <= $box_heard_share * (calls_in + calls_out)
),
buyer AS (
    -- Identities over a legal limit that go on getting subscriptions.
    SELECT 'bulk_registration' AS type, 'identity' AS group_kind, CONCAT_WS(' ', identity_hash, CAST(key_epoch AS VARCHAR)) AS group_key,
        GREATEST(subscriptions, activated) AS measure, limit_reached AS threshold,
        CONCAT(subscriptions, ' subscriptions on one identity, ', activated, ' of late by ', dealers, ' dealers') AS reason
    FROM identity_day WHERE day = $day AND activated >= $late_sims AND dealers <= $few_dealers * activated
),
busy_hour AS (
    -- Hours in which a dealer activated far more than usual, or many on few identities.
    SELECT 'bulk_registration' AS type, 'dealer_hour' AS group_kind, CONCAT_WS(' ', dealer, CAST(hour AS VARCHAR), segment) AS group_key,
        activations AS measure, $hour_sims AS threshold,
        CONCAT(activations, ' activations by one dealer in one hour, on ', identities, ' identities; ',
            COALESCE(CAST(ROUND(usual_activations) AS BIGINT), 0), ' in a usual hour') AS reason
    FROM dealer_hour
    WHERE day = $day AND segment NOT IN ('enterprise', 'unknown') AND activations >= $hour_sims
        AND (activations >= $unusual_hours * COALESCE(usual_activations, 0.0)
            -- Who has none on file may be anybody: each counts as an identity of its own.
            OR identities + unidentified <= $few_identities * activations)
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
    -- Each late activation that still lasts, in its latest state: who has the number since is somebody else. Rows of before
    -- blanks were left out have some that name nobody.
    SELECT number, activated_at, local_day(activated_at) AS activated_on,
        LAST_VALUE(NULLIF(TRIM(identity_hash), '') ORDER BY changed_at, source_partition, source_offset) AS identity_hash,
        LAST_VALUE(key_epoch ORDER BY changed_at, source_partition, source_offset) AS key_epoch,
        LAST_VALUE(NULLIF(TRIM(dealer), '') ORDER BY changed_at, source_partition, source_offset) AS dealer,
        LAST_VALUE(segment ORDER BY changed_at, source_partition, source_offset) AS segment
    FROM subscriber WHERE activated_at < $until AND local_day(activated_at) >= $late_from GROUP BY number, activated_at
    HAVING COALESCE(LAST_VALUE(deactivated_at ORDER BY changed_at, source_partition, source_offset), $until) > $from
),
purchase AS (
    -- What each identity got of one dealer on the day, and whether it is as much as one may have online.
    SELECT dealer, segment, identity_hash, COUNT(*) AS sims,
        CASE WHEN COUNT(*) >= $online_sims AND identity_hash IS NOT NULL THEN COUNT(*) END AS many_sims
    FROM subscription WHERE activated_on = $day AND segment NOT IN ('enterprise', 'unknown')
    GROUP BY dealer, segment, identity_hash
),
lot AS (
    -- Dealers of whose day a good part were such purchases.
    SELECT 'bulk_registration' AS type, 'dealer_day' AS group_kind, CONCAT_WS(' ', dealer, segment) AS group_key,
        SUM(many_sims) AS measure, $lot_sims AS threshold,
        CONCAT(SUM(sims), ' activations by one dealer in a day, ', SUM(many_sims), ' on ', COUNT(many_sims), ' identities') AS reason
    FROM purchase WHERE dealer IS NOT NULL
    GROUP BY dealer, segment HAVING SUM(many_sims) >= $lot_sims AND SUM(many_sims) >= $lot_share * SUM(sims)
),
found AS (
    -- All groups.
    SELECT type, group_kind, group_key, measure, threshold, reason FROM victim
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM sim_box
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM buyer
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM busy_hour
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM bought_block
    UNION ALL SELECT type, group_kind, group_key, measure, threshold, reason FROM lot
),
member AS (
    -- Each group itself, and its numbers; whom a victim called back is no stranger, what is not counted for an identity is not
    -- named for it, and other hours and blocks match no group.
    SELECT group_kind, group_key, CAST(NULL AS BIGINT) AS number FROM found
    UNION SELECT 'callee' AS group_kind, group_key, caller AS number
    FROM contact_day INNER JOIN victim ON contact_day.callee = victim.callee LEFT JOIN newest ON contact_day.caller = newest.number
    WHERE is_rotating AND day BETWEEN $window_from AND $day AND is_new AND calls > 0 AND caller IS NOT NULL AND NOT is_called_back
        AND (activated_at IS NULL OR last_call_at >= activated_at)
    UNION SELECT 'callee' AS group_kind, group_key, caller AS number FROM presser INNER JOIN victim ON presser.callee = victim.callee
    UNION SELECT 'imei' AS group_kind, CAST(imei AS VARCHAR) AS group_key, number FROM boxed
    UNION SELECT 'identity' AS group_kind, CONCAT_WS(' ', identity_hash, CAST(key_epoch AS VARCHAR)) AS group_key, number
    FROM subscription WHERE identity_hash IS NOT NULL AND segment NOT IN ('enterprise', 'unknown')
    UNION SELECT 'dealer_hour' AS group_kind,
        CONCAT_WS(' ', dealer, CAST(local_hour(activated_at) AS VARCHAR), segment) AS group_key, number
    FROM subscription WHERE activated_on = $day
    UNION SELECT 'dealer_day' AS group_kind, CONCAT_WS(' ', subscription.dealer, subscription.segment) AS group_key, number
    FROM subscription INNER JOIN purchase ON subscription.identity_hash = purchase.identity_hash
        AND subscription.dealer = purchase.dealer AND subscription.segment = purchase.segment
    WHERE activated_on = $day AND many_sims IS NOT NULL
    UNION SELECT 'block' AS group_kind, CAST(number / $block_size AS VARCHAR) AS group_key, number
    FROM subscription WHERE activated_on >= $block_from
)
SELECT
    $day AS day, type, found.group_kind, COALESCE(found.group_key, '') AS group_key, number,
    COALESCE(CAST(measure AS DOUBLE), 0.0) AS measure, CAST(threshold AS DOUBLE) AS threshold, COALESCE(reason, '') AS reason
FROM found INNER JOIN member ON found.group_kind = member.group_kind AND found.group_key = member.group_key

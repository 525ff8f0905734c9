-- Where DuckDB finds calls and messages: the files of `call_event` and `sms_event`.

-- Calls that their callers made.
CREATE VIEW event AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name,
    epoch_us(start_at) AS start_us, COALESCE(ring_s, 0) + duration_s AS busy_s, duration_s, is_answered,
    caller_cell AS cell, caller_imei AS imei, is_caller_onnet, is_callee_onnet
FROM read_parquet('call_event/*/*.parquet', hive_partitioning = true)
WHERE NOT is_forwarded_leg AND NOT is_spoof_suspect;

-- Messages that their senders sent.
CREATE VIEW note AS
SELECT day, caller, caller_kind, caller_name, callee, callee_kind, callee_name, is_caller_onnet, is_callee_onnet
FROM read_parquet('sms_event/*/*.parquet', hive_partitioning = true)
WHERE NOT is_spoof_suspect;

-- DuckDB's other formulation of the fold: the leading record is the first of its call in a window.

CREATE OR REPLACE VIEW led AS
SELECT caller, caller_kind, caller_raw, callee, callee_kind, callee_raw, BIT_OR(1 << rank) OVER call AS types,
    day, rank, start_us, busy_s, duration_s, is_answered, cell, imei
FROM record
WINDOW call AS (PARTITION BY caller, callee, call, caller_kind, caller_raw, callee_kind, callee_raw)
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY caller, callee, call, caller_kind, caller_raw, callee_kind, callee_raw ORDER BY rank
) = 1;

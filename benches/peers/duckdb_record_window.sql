-- DuckDB's other formulation of the fold: the leading record is the first of its call in a window.

CREATE OR REPLACE VIEW led AS
SELECT caller, caller_kind, caller_name, callee, callee_kind, callee_name, BIT_OR(1 << rank) OVER call AS types,
    day, rank, start_us, busy_s, duration_s, is_answered, cell, imei
FROM record
WINDOW call AS (PARTITION BY caller, callee, call, caller_kind, caller_name, callee_kind, callee_name)
QUALIFY ROW_NUMBER() OVER (
    PARTITION BY caller, callee, call, caller_kind, caller_name, callee_kind, callee_name ORDER BY rank
) = 1;

"""`caller_day` of all days in Polars, by the definitions of `pipelines/feature/`, in two formulations.

In: which columns, `all` or `order`; the working directory holds what `make.py` made. Out: lazy frames, one after
another, that together are the answer. Never: text where a number says the same.

`daily` takes a day at a time, as the files lie: a caller's calls stand in the order of their starts, so that only those
that start together are sorted, the call before is a shift and a peak is a rolling sum over one rising key for all
callers. `weekly` is one lazy query for the streaming engine, with a sort of all calls, and `rolling` for each caller.
`records` folds one day of `call_record` first.

A party is one integer: its number, or a negative key where it has none, looked up for those few rows alone; null is
nobody, an anonymous caller. Pairs are grouped once with the lower key first: both directions stand in one row.
"""

import datetime
from pathlib import Path

import polars as pl
from polars import col

US = 1_000_000
HOUR_US = 3_600 * US
DAY_US = 24 * HOUR_US
OFFSET_US = 7 * HOUR_US
FOLD_DAY = datetime.date(2025, 1, 6)
PEAKS = {"peak_calls_60s": 60 * US, "peak_calls_600s": 600 * US, "peak_calls_3600s": 3_600 * US}
# The first of these that is among a call's records leads it.
RANKS = {"originating": 0, "incoming_gateway": 1, "forwarded": 2, "terminating": 3, "outgoing_gateway": 4}

CALL = "day caller callee start_us busy_s duration_s is_answered cell imei is_caller_onnet is_callee_onnet".split()
MESSAGE = ["day", "caller", "callee", "is_caller_onnet", "is_callee_onnet"]
# Of calls that start together the shorter comes first, then the lower key: one below zero before every number.
LINE = ["caller", "start_us", "busy_s", "callee"]
ENDS = ["caller_kind", "caller_name", "callee_kind", "callee_name"]
ORDER = """day caller_kind caller caller_name gaps short_gaps overlapping_calls peak_calls_60s peak_calls_600s
    peak_calls_3600s callees top_callee_calls repeat_callees called_back cells imeis active_hours peak_hour_calls
    sequential_calls repeat_within_24h""".split()
ALL = """day caller_kind caller caller_name is_onnet calls_out calls_in answered_out duration_out_s short_calls
    short_call_share_all short_call_share gaps short_gaps short_gap_share overlapping_calls peak_calls_60s
    peak_calls_600s peak_calls_3600s callees history_days new_callees new_callee_call_share top_callee_calls
    repeat_callees called_back sms_sent sms_received out_share cells imeis active_hours peak_hour_calls
    sequential_calls calls_outside_hours calls_to_dnc repeat_within_24h""".split()


def daily(columns):
    is_all = columns == "all"
    names = nameless([events("*"), notes("*")] if is_all else [events("*")])
    met = before = None
    history_days = 0
    for day in sorted(folder.name.removeprefix("day=") for folder in Path("call_event").iterdir()):
        calls = keyed(events(day), CALL, names).collect()
        messages = keyed(notes(day), MESSAGE, names).collect().lazy() if is_all else None
        line = in_line(calls).lazy()
        pairs = pair(line, messages, ["low", "high"]).collect()
        history = pairs.lazy() if before is None else pairs.lazy().join(before, on=["low", "high"], how="left")
        if is_all:
            known, met = acquainted(pairs, met)
            history = history.join(known.lazy(), on=["low", "high"], how="left")
            history = history.with_columns(is_new=col.is_new.fill_null(True))
        found = made(line, ["caller"], peaks_of_all).join(reached(history, ["caller"], is_all), on="caller")
        if is_all:
            found = everything(found, calls.lazy(), messages, ["caller"]).with_columns(history_days=history_days)
            history_days += len(pairs) > 0
        before = pairs.lazy().select("low", "high", up_before="last_up", down_before="last_down")
        yield named(found.with_columns(day=pl.lit(day).str.to_date()), names, is_all)


def weekly(columns):
    is_all = columns == "all"
    by = ["day", "caller"]
    names = nameless([events("*"), notes("*")] if is_all else [events("*")])
    calls = keyed(events("*"), CALL, names)
    messages = keyed(notes("*"), MESSAGE, names) if is_all else None
    line = calls.filter(col.caller.is_not_null()).sort("day", *LINE)
    pairs = pair(line, messages, ["day", "low", "high"]).sort("low", "high", "day")
    is_again = ((col.low == col.low.shift()) & (col.high == col.high.shift())).fill_null(False)
    before = {f"{side}_before": pl.when(is_again).then(col(f"last_{side}").shift()) for side in ["up", "down"]}
    history = pairs.with_columns(is_new=~is_again, **before)
    found = made(line, by, peaks_of_each).join(reached(history, by, is_all), on=by)
    if is_all:
        sent = messages.filter(col.caller.is_not_null())
        days = pl.concat([line.select("day"), sent.select("day")]).unique().sort("day").with_row_index("history_days")
        found = everything(found, calls, messages, by).join(days, on="day", how="left")
        found = found.with_columns(col.history_days.fill_null(0))
    yield named(found, names, is_all)


def records(_):
    folded = fold().with_row_index("row").lazy()
    names = nameless([folded])
    calls = keyed(folded, CALL, names).collect()
    line = in_line(calls).lazy()
    history = pair(line, None, ["low", "high"]).with_columns(is_new=True)
    found = made(line, ["caller"], peaks_of_all).join(reached(history, ["caller"], True), on="caller")
    found = everything(found, calls.lazy(), calls.clear().lazy(), ["caller"])
    yield named(found.with_columns(day=FOLD_DAY, history_days=0), names, True)


# --- calls and messages ---


def files(table, day):
    folder = "*" if day == "*" else f"day={day}"
    return pl.scan_parquet(f"{table}/{folder}/*.parquet", hive_partitioning=True, row_index_name="row")


def events(day):
    """Calls that their callers made."""
    calls = files("call_event", day).filter(~col.is_forwarded_leg & ~col.is_spoof_suspect)
    busy_s = col.ring_s.fill_null(0) + col.duration_s
    start_us = col.start_at.dt.epoch("us")
    return calls.with_columns(start_us=start_us, busy_s=busy_s, cell="caller_cell", imei="caller_imei")


def notes(day):
    return files("sms_event", day).filter(~col.is_spoof_suspect)


def nameless(sources):
    """Parties without a number, each with a key below zero."""
    ends = []
    for source in sources:
        for end in ["caller", "callee"]:
            ends.append(source.filter(col(end).is_null()).select(kind=f"{end}_kind", name=f"{end}_name"))
    names = pl.concat(ends).filter(col.kind != "anonymous").unique().sort("kind", "name").collect()
    return names.with_row_index("key", offset=1).with_columns(-col.key.cast(pl.Int64))


def keyed(source, columns, names):
    """Rows with a key for either end; the text is read for those alone that have no number."""
    few = source.filter(col.caller.is_null() | col.callee.is_null()).select("row", *ENDS)
    for end in ["caller", "callee"]:
        keys = names.lazy().rename({"kind": f"{end}_kind", "name": f"{end}_name", "key": f"{end}_key"})
        few = few.join(keys, on=[f"{end}_kind", f"{end}_name"], how="left")
    rows = source.select("row", *columns).join(few.drop(ENDS), on="row", how="left", maintain_order="left")
    return rows.with_columns(col.caller.fill_null(col.caller_key), col.callee.fill_null(col.callee_key)).select(columns)


def in_line(calls):
    """Calls in the order of `LINE`. Numbers lie in that of (caller, start); the few others have just got their keys."""
    others = calls.filter(col.caller < 0).sort(LINE)
    numbered = calls.filter(col.caller > 0)
    is_after = ((col.caller == col.caller.shift()) & (col.start_us == col.start_us.shift())).fill_null(False)
    places = numbered.select((is_after | is_after.shift(-1, fill_value=False)).arg_true()).to_series()
    # Sorted, the few that start together stand in the same places.
    tied = numbered[places].sort(LINE)
    moved = [name for name in CALL if name not in ("caller", "start_us")]
    numbered = numbered.with_columns(numbered[name].scatter(places, tied[name]) for name in moved)
    return pl.concat([others, numbered]).with_columns(col.caller.set_sorted())


# --- what depends on order ---


def peaks_of_all(line, by):
    """One rising key for all callers, far enough apart for the widest window: each peak is one rolling sum."""
    moment = col.caller.rle_id().cast(pl.Int64) * (1 << 38) + (col.start_us + OFFSET_US) % DAY_US
    line = line.with_columns(one=pl.lit(1, pl.Int32), moment=moment)
    rolled = {name: col.one.rolling_sum_by("moment", window_size=f"{width}i") for name, width in PEAKS.items()}
    return line.with_columns(**rolled).group_by(by).agg(col(name).max() for name in PEAKS)


def peaks_of_each(line, by):
    """A rolling count for each caller."""
    peaks = []
    for name, width in PEAKS.items():
        rolled = line.rolling(index_column="start_us", period=f"{width}i", group_by=by).agg(calls=pl.len())
        peaks.append(rolled.group_by(by).agg(col.calls.max().alias(name)))
    return peaks[0].join(peaks[1], on=by).join(peaks[2], on=by)


def made(line, by, peaks):
    """One row per caller, of calls in order."""
    is_next = col.caller == col.caller.shift()
    if "day" in by:
        is_next &= col.day == col.day.shift()
    gap_us = col.start_us - (col.start_us + col.busy_s.cast(pl.Int64) * US).shift()
    # Keys below zero lie far from every number.
    is_sequential = (col.callee > 0) & (col.callee - col.callee.shift()).abs().is_between(1, 10)
    line = line.with_columns(
        gap_us=pl.when(is_next).then(gap_us),
        hour=((col.start_us + OFFSET_US) % DAY_US // HOUR_US).cast(pl.Int8),
        sequential_calls=is_next & is_sequential,
    )
    # What is true or not of each call is worked out for all at once, and only added up by group.
    marks = {
        "answered_out": col.is_answered,
        "short_calls": col.is_answered & (col.duration_s < 45),
        "gaps": col.gap_us >= 0,
        "short_gaps": (col.gap_us >= 0) & (col.gap_us < 60 * US),
        "overlapping_calls": col.gap_us < 0,
        "sequential_calls": col.sequential_calls,
        "calls_outside_hours": (col.hour < 8) | (col.hour >= 17),
    }
    summed = line.with_columns(**marks).group_by(by).agg(
        pl.len().alias("calls_out"),
        col.is_caller_onnet.any().alias("is_onnet"),
        col.duration_s.cast(pl.Int64).sum().alias("duration_out_s"),
        *(col(name).sum() for name in marks),
    )
    hours = line.group_by(*by, "hour").agg(calls=pl.len())
    hours = hours.group_by(by).agg(active_hours=pl.len(), peak_hour_calls=col.calls.max())
    summed = summed.join(peaks(line, by), on=by).join(hours, on=by)
    for name, one in [("cells", "cell"), ("imeis", "imei")]:
        distinct = line.select(*by, one).drop_nulls(one).unique().group_by(by).agg(pl.len().alias(name))
        summed = summed.join(distinct, on=by, how="left").with_columns(col(name).fill_null(0))
    return summed


# --- pairs ---


def pair(line, messages, by):
    """Pairs of parties in touch on a day, the lower key first; `up` is from low to high, `down` the other way."""
    contacts = line.select("day", "caller", "callee", "start_us")
    if messages is not None:
        sent = messages.filter(col.caller.is_not_null())
        sent = sent.select("day", "caller", "callee", start_us=pl.lit(None, pl.Int64))
        contacts = pl.concat([contacts, sent])
    is_up = col.caller <= col.callee
    contacts = contacts.select(
        "day",
        low=pl.min_horizontal("caller", "callee"),
        high=pl.max_horizontal("caller", "callee"),
        up=pl.when(is_up).then(col.start_us),
        down=pl.when(~is_up).then(col.start_us),
    )
    return contacts.group_by(by).agg(
        calls_up=col.up.count(), first_up=col.up.min(), last_up=col.up.max(),
        calls_down=col.down.count(), first_down=col.down.min(), last_down=col.down.max(),
    )


def acquainted(pairs, met):
    """A day's pairs that were in touch on an earlier day, and all that are by now."""
    keys = ["low", "high"]
    today = pairs.select(keys)
    if met is None:
        return today.clear().with_columns(is_new=False), today
    # The smaller side is hashed; the larger one, which grows by the day, passes by.
    known = met.join(today, on=keys, how="semi")
    return known.with_columns(is_new=False), pl.concat([met, today.join(known, on=keys, how="anti")])


def reached(history, by, is_all):
    """What a caller's contacts sum up to. All calls of a pair on a day but the first follow another within 24 hours;
    the first does when the day before ended with one."""
    known = history.collect_schema()
    sides = []
    for side, other, party in [("up", "down", "low"), ("down", "up", "high")]:
        first = col(f"first_{side}")
        repeats = col(f"calls_{side}") - 1
        if f"{side}_before" in known:
            repeats += (first - col(f"{side}_before") < DAY_US).fill_null(False).cast(pl.UInt32)
        back = pl.when(col.low == col.high).then("last_up").otherwise(f"last_{other}")
        sides.append(history.filter(col(f"calls_{side}") > 0).select(
            *by[:-1], *(["is_new"] if is_all else []),
            caller=party, calls=f"calls_{side}", repeat_within_24h=repeats, called_back=back > first,
        ))
    marks = {"repeat_callees": col.calls > 1}
    if is_all:
        marks |= {"new_callees": col.is_new, "new_callee_calls": col.calls * col.is_new.cast(pl.UInt32)}
    return pl.concat(sides).with_columns(**marks).group_by(by).agg(
        pl.len().alias("callees"), col.calls.max().alias("top_callee_calls"), col.called_back.sum(),
        col.repeat_within_24h.sum(), *(col(name).sum() for name in marks))


# --- the answer ---


def everything(found, calls, messages, by):
    """Callers beside what they received and the messages that they sent."""
    days = by[:-1]
    received = calls.filter(col.callee.is_not_null()).group_by(*days, caller="callee").agg(
        is_called=col.is_callee_onnet.any(), calls_in=pl.len())
    sent = messages.filter(col.caller.is_not_null()).group_by(by).agg(
        is_sending=col.is_caller_onnet.any(), sms_sent=pl.len())
    got = messages.filter(col.callee.is_not_null()).group_by(*days, caller="callee").agg(
        is_receiving=col.is_callee_onnet.any(), sms_received=pl.len())
    for side in [received, sent, got]:
        found = found.join(side, on=by, how="full", coalesce=True)
    flags = ["is_onnet", "is_called", "is_sending", "is_receiving"]
    found = found.with_columns(is_onnet=pl.any_horizontal(col(flag).fill_null(False) for flag in flags))
    return found.drop(flags[1:]).with_columns(pl.selectors.integer().exclude(by).fill_null(0))


def named(found, names, is_all):
    """The contract's columns."""
    found = found.join(names.lazy(), left_on="caller", right_on="key", how="left").with_columns(
        caller_kind=col.kind.fill_null("e164"),
        caller_name="name",
        caller=pl.when(col.caller > 0).then("caller"),
        cells=pl.when("is_onnet").then("cells"),
        imeis=pl.when("is_onnet").then("imeis"),
    )
    if not is_all:
        return found.select(ORDER)

    def share(part, whole):
        return pl.when(col(whole) > 0).then(col(part) / col(whole))

    return found.with_columns(
        short_call_share_all=share("short_calls", "calls_out"),
        short_call_share=share("short_calls", "answered_out"),
        short_gap_share=share("short_gaps", "gaps"),
        new_callee_call_share=share("new_callee_calls", "calls_out"),
        calls=col.calls_out + col.calls_in,
        calls_to_dnc=pl.lit(0),
    ).with_columns(
        out_share=pl.when("is_onnet").then(share("calls_out", "calls")),
        calls_in=pl.when("is_onnet").then("calls_in"),
    ).select(ALL)


# --- the fold ---


def fold():
    """The calls of one day from its records, in the order of (caller, start).

    Simpler than `pipelines/event/call_event.sql` by what these records never hold: long calls in parts, a call
    reference that comes round within the day, a record sent again under another one.
    """
    record = record_lines()
    kinds = {"is_incoming": col.rank == 1, "is_forwarded": col.rank == 2, "is_terminated": col.rank == 3}
    # The leading record of each call is the least of (rank, line).
    keys = ["caller", "callee", "call", *ENDS]
    calls = record.lazy().with_columns(lead=col.rank * (1 << 32) + col.line, **kinds).group_by(keys).agg(
        col.lead.min(), *(col(name).any() for name in kinds)).drop(keys).collect()
    calls = pl.concat([record[calls["lead"] % (1 << 32)], calls.drop("lead")], how="horizontal").lazy()
    ours = pl.scan_parquet("subscriber/*.parquet").select("number").unique()
    for end in ["caller", "callee"]:
        owned = ours.select(col.number.alias(end), pl.lit(True).alias(f"is_{end}_ours"))
        calls = calls.join(owned, on=end, how="left").with_columns(col(f"is_{end}_ours").fill_null(False))
    is_originated = col.rank == 0
    # Neither the onward leg of a forwarded call nor a call that only claims to be ours.
    is_made = is_originated | ~(col.is_forwarded | (col.is_incoming & col.is_caller_ours))
    return calls.filter((col.day == FOLD_DAY) & is_made).with_columns(
        is_caller_onnet=is_originated | (~col.is_incoming & col.is_caller_ours),
        is_callee_onnet=col.is_terminated | col.is_callee_ours,
        cell=pl.when(is_originated).then("cell"),
        imei=pl.when(is_originated).then("imei"),
    ).sort("caller", "start_us").collect()


def record_lines():
    """What the fold needs of each record; text is kept where there is no number."""
    texts = [
        pl.when(col(name.split("_")[0]).is_null()).then(name.replace("_name", "_raw")).alias(name) for name in ENDS
    ]
    return pl.scan_parquet("call_record/*/*.parquet", hive_partitioning=True).select(
        "day", "caller", "callee", *texts, "duration_s", "is_answered", "cell", "imei",
        call=col.call_ref.cast(pl.Int64),
        rank=col.record_type.replace_strict(RANKS, return_dtype=pl.Int64),
        start_us=col.start_at.dt.epoch("us"),
        busy_s=col.ring_s.fill_null(0) + col.duration_s,
    ).with_row_index("line").collect()

"""What share of a spam SIM's calls would be made before its flag if flags stood within the day?

    V/bin/python benches/accuracy/intraday.py play --callsieve target/release/callsieve --demo callsieve-demo --out 7.parquet
    V/bin/python benches/accuracy/intraday.py show 7.parquet
    V/bin/python benches/accuracy/intraday.py ceiling --demo callsieve-demo

`play` takes the tables of a finished demo (`callsieve demo --seed 7 --dir …`, which is only read) and computes
`contact_day`, `caller_day` and `spam_score` of each measured day again for each hour, by the definitions in
`pipelines`, out of the calls and messages that began before the hour ended. Every hour's scores are kept beside the
calls that the number had made by then. No message is late here and none is computed in no time on a network: what
comes out is a ceiling.

`ceiling` plays nothing: it takes those whom the day flags, no more and no fewer, so that precision is the day's, and
says how few of their calls would lie before the flag if on that day it stood at the end of the first hour by which
they had made the `min_calls` that a score needs.

`show` says of each plan when a number would have been flagged for the first time by its score alone, at the line at
which the plan is as precise as the whole day is at `evidence_score`; weights as in `accuracy.py`. The rows `if the day
bears it` are what `decide` does: a flag of an earlier hour is taken back unless the whole day has the score as well.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import tempfile

import duckdb
from deltalake import DeltaTable

from accuracy import HARD, NATURAL, SEPARABLE, SPAM, seeds

READ = ["call_event", "sms_event", "contact_day", "caller_day", "spam_score", "relation", "subscriber", "pipeline_run",
        "ingest_range", "do_not_call", "advertiser", "brandname", "special_number", "ported_number", "trunk", "allow_list"]
BUILT = ["contact_day", "caller_day", "spam_score"]
WHOLE_DAY = 24
LINES = [round(0.5 + 0.01 * step, 2) for step in range(50)]
PLANS = {
    "at the end of the day": [WHOLE_DAY],
    "at 13:00 and at the end": [13, WHOLE_DAY],
    "at 11:00, 15:00, 19:00 and at the end": [11, 15, 19, WHOLE_DAY],
    "every two hours from 9:00 to 21:00 and at the end": [*range(9, 22, 2), WHOLE_DAY],
    "every hour from 8:00 to 22:00 and at the end": [*range(8, 23), WHOLE_DAY],
}


def cut(pipelines, folder, hour):
    """The definitions, with calls and messages of the day up to the hour alone."""
    shutil.copytree(pipelines, folder)
    for name in ("contact_day", "caller_day"):
        sql, toml = (folder / "feature" / f"{name}.{kind}" for kind in ("sql", "toml"))
        text, cuts = re.subn(r"WHERE day = \$day AND NOT", "WHERE day = $day AND start_at < plus_seconds($from, $cut_s) AND NOT",
                             sql.read_text())
        assert cuts == sql.read_text().count("_event\n") + sql.read_text().count("_event WHERE"), f"{sql}: read otherwise by now"
        sql.write_text(text)
        with toml.open("a") as file:
            file.write(f'\n[param.cut_s]\nvalue = {hour * 3600}\nunit  = "seconds"\nwhy   = "What is known at {hour}:00."\n')
    return folder


def table(lake, name):
    files = DeltaTable(f"{lake}/{name}").file_uris()
    return f"read_parquet({files!r}, hive_partitioning = true)"


def play(args):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    with tempfile.TemporaryDirectory(dir=args.dir) as folder:
        folder = pathlib.Path(folder)
        lake = folder / "lake"
        for name in READ:
            shutil.copytree(args.demo / "lake" / name, lake / name)
        days = [day for (day,) in con.execute(f"SELECT DISTINCT day FROM {table(lake, 'spam_score')} ORDER BY day").fetchall()]
        con.execute(f"CREATE VIEW truth AS SELECT *, COALESCE(archetype, class) AS stratum FROM '{args.demo}/truth.parquet'")
        con.execute(f"""CREATE TABLE call AS SELECT caller, start_at FROM {table(lake, 'call_event')}
            WHERE caller IS NOT NULL AND NOT is_forwarded_leg AND NOT is_spoof_suspect AND day >= '{days[0]}'""")
        con.execute("CREATE TABLE scored (number BIGINT, activated_at TIMESTAMPTZ, day DATE, hour BIGINT, score DOUBLE, known_at TIMESTAMPTZ)")
        plans = {hour: cut(args.pipelines, folder / f"at-{hour}", hour) for hour in (*args.hours, WHOLE_DAY)}
        for day in days:
            # The whole day comes last, so that the days behind it have it.
            for hour, pipelines in plans.items():
                run = [args.callsieve, "run", "--day", str(day), "--lake", lake, "--pipelines", pipelines, *BUILT]
                subprocess.run(run, check=True, stdout=subprocess.DEVNULL)
                con.execute(f"""INSERT INTO scored SELECT caller, activated_at, day, {hour}, score,
                        CAST('{day}' AS TIMESTAMPTZ) + TO_HOURS({hour - 7})
                    FROM {table(lake, 'spam_score')} WHERE is_onnet AND day = '{day}' AND score >= {LINES[0]}""")
            print(day, flush=True)
        con.execute(f"""COPY (
            SELECT '{args.demo.resolve()}' AS demo, stratum, is_spam, truth.number, scored.day, hour, score,
                (SELECT COUNT(*) FROM call WHERE caller = truth.number AND start_at >= truth.activated_at
                    AND start_at < COALESCE(truth.deactivated_at, 'infinity')) AS calls,
                (SELECT COUNT(*) FROM call WHERE caller = truth.number AND start_at >= truth.activated_at
                    AND start_at < LEAST(known_at, COALESCE(truth.deactivated_at, 'infinity'))) AS calls_before,
                epoch_us(truth.activated_at) AS activated_us
            FROM truth LEFT JOIN scored ON truth.number = scored.number AND truth.activated_at = scored.activated_at
            WHERE NOT is_allow_listed AND LIST_SUM(calls_by_day) > 0 ORDER BY ALL) TO '{args.out}' (FORMAT parquet)""")


def ceiling(args):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    lake = args.demo / "lake"
    plans = {"at the end of the day": [WHOLE_DAY], "at 13:00 and at the end": [13, WHOLE_DAY],
             "at the end of each hour": list(range(1, WHOLE_DAY + 1))}
    con.execute(f"""CREATE TABLE known AS
        SELECT number, activated_at, COALESCE(archetype, class) AS stratum, first.day,
            day - INTERVAL 7 HOUR AS from_at
        FROM '{args.demo}/truth.parquet' LEFT JOIN (
            SELECT caller AS number, activated_at, MIN(day) AS day FROM {table(lake, 'spam_score')}
            WHERE is_onnet AND score >= {LINES[0]} GROUP BY ALL) AS first USING (number, activated_at)
        WHERE is_spam AND NOT is_allow_listed AND LIST_SUM(calls_by_day) > 0""")
    con.execute(f"""CREATE TABLE call AS SELECT number, stratum, known.day AS flag_day, start_at, start_at >= first.at AS is_measured,
            CEIL(DATE_DIFF('second', from_at, start_at) / 3600 + 1e-9) AS hour, start_at >= from_at - INTERVAL 6 DAY AS is_window
        FROM {table(lake, 'call_event')} AS event INNER JOIN known ON caller = number AND start_at >= activated_at
        CROSS JOIN (SELECT MIN(day) - INTERVAL 7 HOUR AS at FROM {table(lake, 'spam_score')}) AS first
        WHERE NOT is_forwarded_leg AND NOT is_spoof_suspect""")
    print("| flags stand | median share, separable | median share, all spam |\n|---|---|---|")
    for plan, hours in plans.items():
        rows = con.execute(f"""
            WITH flagged AS (
                SELECT number, MIN(plan.hour) AS hour FROM (SELECT UNNEST({hours}) AS hour) AS plan INNER JOIN (
                    SELECT number, hour, ROW_NUMBER() OVER (PARTITION BY number ORDER BY start_at) AS place
                    FROM call WHERE flag_day IS NOT NULL AND is_window) AS made
                ON made.hour <= plan.hour AND place >= {args.min_calls} GROUP BY number)
            SELECT stratum, CASE WHEN flagged.hour IS NULL THEN 1 ELSE
                COUNT(*) FILTER (WHERE call.hour <= flagged.hour AND is_measured) / COUNT(*) FILTER (WHERE is_measured) END
            FROM call LEFT JOIN flagged USING (number) GROUP BY stratum, number, flagged.hour
            HAVING COUNT(*) FILTER (WHERE is_measured) > 0""").fetchall()
        median = {}
        for name, strata in (("separable", SEPARABLE), ("all", SPAM)):
            shares = sorted(share for stratum, share in rows if stratum in strata)
            median[name] = shares[len(shares) // 2]
        print(f"| {plan} | {median['separable']:.2f} | {median['all']:.2f} |")


def told(con, hours, line, is_confirmed=False):
    """What a plan comes to: precision at natural shares, recall of the separable, median shares of calls."""
    rows = con.execute(f"""
        WITH known AS (
            SELECT *, MAX(score) FILTER (WHERE hour = {WHOLE_DAY})
                OVER (PARTITION BY demo, number, activated_us, day) AS whole_score
            FROM scored WHERE calls > 0
        )
        SELECT stratum, is_spam, COALESCE(MIN(CAST(calls_before AS DOUBLE) / calls)
            FILTER (WHERE score >= {line} AND (NOT {is_confirmed} OR whole_score >= {line})
                AND hour IN ({', '.join(map(str, hours))})), 2) AS share
        FROM known GROUP BY demo, number, activated_us, stratum, is_spam""").fetchall()
    found, all_of = {}, {}
    for stratum, _, share in rows:
        all_of[stratum] = all_of.get(stratum, 0) + 1
        found[stratum] = found.get(stratum, 0) + (share <= 1)
    weight = {stratum: NATURAL[stratum] / count for stratum, count in all_of.items() if stratum in NATURAL}
    right = sum(weight[stratum] * found[stratum] for stratum in weight if stratum in SPAM)
    wrong = sum(weight[stratum] * found[stratum] for stratum in weight if stratum not in SPAM)
    innocents = sum(found[stratum] for stratum in weight if stratum not in SPAM)

    def median(strata):
        shares = sorted(min(share, 1.0) for stratum, _, share in rows if stratum in strata)
        return shares[len(shares) // 2]

    separable = sum(found[stratum] for stratum in SEPARABLE) / sum(all_of[stratum] for stratum in SEPARABLE)
    return right / (right + wrong), innocents, separable, median(SEPARABLE), median(SPAM)


def show(args):
    con = duckdb.connect()
    con.execute(f"CREATE VIEW scored AS SELECT * FROM read_parquet({[str(file) for file in args.files]!r})")
    counts = con.execute("SELECT COUNT(DISTINCT (demo, number, activated_us)) FILTER (WHERE stratum IN "
                         f"{tuple(SPAM)}), COUNT(DISTINCT (demo, number, activated_us)) FILTER (WHERE stratum IN "
                         f"{tuple(set(NATURAL) - set(SPAM))}) FROM scored").fetchone()
    print(f"{counts[0]} spam subscriptions of the base, {counts[1]} ordinary ones and hard negatives ({', '.join(HARD)})\n")
    wanted = told(con, [WHOLE_DAY], LINES[0])[0]
    print("| flags stand | line | precision | innocents flagged | recall of the separable | median share, separable | median share, all spam |")
    print("|---" * 7 + "|")
    played = {hour for (hour,) in con.execute("SELECT DISTINCT hour FROM scored WHERE hour IS NOT NULL").fetchall()}
    for plan, hours in PLANS.items():
        if not played.issuperset(hours):
            continue
        precise = next((line for line in LINES if told(con, hours, line)[0] >= wanted), None)
        rows = [(plan, LINES[0], False), (plan, precise, False), (f"{plan}, if the day bears it", LINES[0], True)]
        for words, line, is_confirmed in rows[:1] if len(hours) == 1 else rows:
            if line is None:
                print(f"| {words} | none | | | | | |")
                continue
            precision, innocents, separable, of_separable, of_all = told(con, hours, line, is_confirmed)
            print(f"| {words} | {line} | {precision:.2f} | {innocents} | {separable:.3f} | {of_separable:.2f} | {of_all:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("play")
    one.set_defaults(act=play)
    one.add_argument("--callsieve", required=True)
    one.add_argument("--demo", type=pathlib.Path, required=True, help="its folder")
    one.add_argument("--pipelines", type=pathlib.Path, default=pathlib.Path("pipelines"))
    one.add_argument("--hours", type=seeds, default=range(8, 23), help="as 8-22, or 9,11,13: hardly anybody calls at night")
    one.add_argument("--dir", help="where tables are computed; a temporary folder if none is named")
    one.add_argument("--out", required=True)
    most = verbs.add_parser("ceiling")
    most.set_defaults(act=ceiling)
    most.add_argument("--demo", type=pathlib.Path, required=True, help="its folder")
    most.add_argument("--min-calls", type=int, default=10, help="as in pipelines/score/spam_score.toml")
    all_of = verbs.add_parser("show")
    all_of.set_defaults(act=show)
    all_of.add_argument("files", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    args.act(args)


if __name__ == "__main__":
    main()

"""What the rules are worth on the synthetic operator, at the shares that strata have in a country.

    python3 -m venv V && V/bin/pip install -r benches/accuracy/requirements.txt
    V/bin/python benches/accuracy/accuracy.py run --callsieve target/release/callsieve --seeds 101-110
    V/bin/python benches/accuracy/accuracy.py run --callsieve target/release/callsieve --seeds 111-112 --subscribers 200000
    V/bin/python benches/accuracy/accuracy.py show
    V/bin/python benches/accuracy/accuracy.py rows --callsieve target/release/callsieve --seeds 7,11,41 --out rows.parquet

`run` plays `callsieve demo` for each seed and adds to `record.csv` what became of each stratum: so many subscriptions,
so many flagged, barred, over each score. One seed of two sizes (`--subscribers`) is two operators. The column `program`
is the hash of the binary, since another may draw another operator, or work the same rules out differently: what another
has played is played again. `show` pools what the newest rules did, of each operator as the newest program played it, and
says which programs those are. `rows` writes one labelled row for each subscription and day that was scored, for `scorecard train`;
no seed of it is ever one of `run`.

The demo has one spam SIM in 200 and one hard negative in ten; a country has 1.2 in 10,000 and one in 25. So each
stratum weighs what its natural share says, and precision is of the country, not of the demo. Strata beyond the base
are told by themselves: nobody knows their natural shares. Whom an allow-list names is left out.

The bound of a precision takes the upper bound of the weighted rate of false alarms by Fay and Feuer (Statistics in
Medicine 16, 1997: a gamma bound for weighted sums of Poisson counts, which holds when there are none) and the lower
bound of the rate of right ones, each at 97.5 %, so that both hold together at 95 %.
"""

import argparse
import collections
import csv
import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb
from deltalake import DeltaTable
from scipy.stats import chi2

RECORD = pathlib.Path(__file__).with_name("record.csv")
CUTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
STRATUM = ["stratum", "listed", "subscriptions", "flagged", "barred", *(f"over_{cut}" for cut in CUTS), "shares"]
COLUMNS = ["seed", "rules", *STRATUM, "subscribers", "program"]
# What a demo has, and what every seed had whose rows end before the column.
SUBSCRIBERS = 20_000
# Rows that end before that column do not tell which program it was.
UNTOLD = ""

# Natural shares of all subscriptions (ACCURACY 5.2); ordinary people are the rest. The last three are by judgement.
SPAM_SHARE = 1.2e-4
SPAM = {"burst": 0.413, "blaster": 0.163, "sms_and_call": 0.058, "camouflaged": 0.144, "mixed": 0.125, "tiny": 0.057,
        "one_ring": 0.040}
SEPARABLE = ["burst", "blaster", "sms_and_call", "one_ring"]
HARD = {"courier": 0.01, "driver": 0.008, "call_centre": 0.0002, "clinic": 0.001, "school": 0.001, "new_sim": 0.02}
PEOPLE = {"light": 0.32, "heavy": 0.40, "talker": 0.20, "idle": 0.08}
NATURAL = {
    **{name: share * SPAM_SHARE for name, share in SPAM.items()},
    **HARD,
    **{name: share * (1 - SPAM_SHARE - sum(HARD.values())) for name, share in PEOPLE.items()},
}


def played(args, seed, folder):
    """A demo of this seed; its folder."""
    demo = pathlib.Path(folder) / f"seed-{seed}"
    operator = ["--seed", str(seed), "--subscribers", str(args.subscribers)]
    done = subprocess.run([args.callsieve, "demo", "--dir", demo, *operator], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"seed {seed}: {done.stderr.strip()}")
    return demo


def opened(demo, *tables):
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"CREATE VIEW truth AS SELECT *, COALESCE(archetype, class) AS stratum FROM '{demo}/truth.parquet'")
    for table in tables:
        files = DeltaTable(f"{demo}/lake/{table}").file_uris()
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({files!r}, hive_partitioning = true)")
    return con


def strata(demo):
    """The rules' hash, and a row for each stratum. Unit: a subscription that called in the measured days."""
    con = opened(demo, "decision", "spam_score")
    over = ", ".join(f"COUNT(*) FILTER (WHERE score >= {cut})" for cut in CUTS)
    rows = con.execute(f"""
        WITH held AS (
            SELECT number, activated_at, MIN(flagged_day) AS flagged_day,
                BOOL_OR(verdict IN ('survey', 'limited', 'blocked')) AS is_flagged,
                BOOL_OR(verdict IN ('limited', 'blocked')) AS is_barred
            FROM decision GROUP BY ALL
        ),
        scored AS (
            SELECT caller AS number, activated_at, MAX(score) AS score FROM spam_score GROUP BY ALL
        ),
        first AS (SELECT MIN(day) AS day FROM decision),
        told AS (
            SELECT stratum, is_allow_listed, is_spam, COALESCE(is_flagged, false) AS is_flagged,
                COALESCE(is_barred, false) AS is_barred, score,
                -- Calls up to the end of the day of the flag among all of the measured days; 1 when never flagged.
                CASE WHEN is_flagged THEN LIST_SUM(calls_by_day[:DATE_DIFF('day', first.day, flagged_day) + 1])
                    / LIST_SUM(calls_by_day) ELSE 1 END AS share
            FROM truth CROSS JOIN first
            LEFT JOIN held USING (number, activated_at) LEFT JOIN scored USING (number, activated_at)
            WHERE LIST_SUM(calls_by_day) > 0
        )
        SELECT stratum, is_allow_listed, COUNT(*), COUNT(*) FILTER (WHERE is_flagged), COUNT(*) FILTER (WHERE is_barred),
            {over}, COALESCE(STRING_AGG(ROUND(share, 2), ' ' ORDER BY share) FILTER (WHERE is_spam), '')
        FROM told GROUP BY ALL ORDER BY ALL""").fetchall()
    return con.execute("SELECT MAX(rules) FROM decision").fetchone()[0], rows


def recorded():
    """The rows on record."""
    if not RECORD.exists():
        return []
    with RECORD.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["subscribers"] = row["subscribers"] or str(SUBSCRIBERS)
        row["program"] = row["program"] or UNTOLD
    return rows


def program_of(callsieve):
    """By the hash of its binary: its version is the same from commit to commit."""
    return hashlib.sha256(pathlib.Path(shutil.which(callsieve)).read_bytes()).hexdigest()


def run(args):
    known = {(row["seed"], row["subscribers"], row["rules"], row["program"]) for row in recorded()}
    for seed in args.seeds:
        program = program_of(args.callsieve)
        with tempfile.TemporaryDirectory(dir=args.dir) as folder:
            demo = played(args, seed, folder)
            rules, rows = strata(demo)
        if program_of(args.callsieve) != program:
            sys.exit(f"seed {seed}: {args.callsieve} was built anew while it was played")
        if (str(seed), str(args.subscribers), rules, program) in known:
            print(f"seed {seed} of {args.subscribers:,}, these rules and this program is on record")
            continue
        is_new = not RECORD.exists()
        with RECORD.open("a", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            if is_new:
                out.writerow(COLUMNS)
            out.writerows([seed, rules, *row, args.subscribers, program] for row in rows)
        print(f"seed {seed}: {sum(row[2] for row in rows)} subscriptions, {sum(row[3] for row in rows)} flagged", flush=True)


def upper(weighted, quantile):
    """The upper bound of a sum of weights times Poisson counts (Fay and Feuer)."""
    heaviest = max(weight for weight, _ in weighted)
    mean = sum(weight * count for weight, count in weighted) + heaviest
    spread = sum(weight**2 * count for weight, count in weighted) + heaviest**2
    return spread / (2 * mean) * chi2.ppf(quantile, 2 * mean**2 / spread)


def lower(weighted, quantile):
    mean = sum(weight * count for weight, count in weighted)
    spread = sum(weight**2 * count for weight, count in weighted)
    return spread / (2 * mean) * chi2.ppf(1 - quantile, 2 * mean**2 / spread) if mean > 0 else 0.0


def precision(strata, column):
    """The precision at natural shares, and its one-sided lower bound at 95 %."""
    sums = {True: [], False: []}
    for name, share in NATURAL.items():
        row = strata.get(name)
        if row and row["subscriptions"]:
            sums[name in SPAM].append((share / row["subscriptions"], row[column]))
    right, wrong = (sum(weight * count for weight, count in sums[is_spam]) for is_spam in (True, False))
    low, high = lower(sums[True], 0.975), upper(sums[False], 0.975)
    return (right / (right + wrong) if right + wrong else float("nan")), low / (low + high)


def recall(strata, names, column):
    rows = [strata[name] for name in names if name in strata]
    return sum(row[column] for row in rows) / sum(row["subscriptions"] for row in rows)


def show(args):
    rows = recorded()
    rules = args.rules or rows[-1]["rules"]
    rows = [row for row in rows if row["rules"] == rules]
    # What several programs have played counts once, as the newest played it.
    newest = {(row["subscribers"], row["seed"]): row["program"] for row in rows}
    rows = [row for row in rows if row["program"] == newest[row["subscribers"], row["seed"]]]
    strata, listed = {}, 0
    for row in rows:
        if row["listed"] == "True":
            listed += int(row["subscriptions"])
            continue
        of = strata.setdefault(row["stratum"], {**dict.fromkeys(STRATUM[2:-1], 0), "shares": []})
        for column in STRATUM[2:-1]:
            of[column] += int(row[column])
        of["shares"] += [float(share) for share in row["shares"].split()]
    operators = sorted({(int(row["subscribers"]), int(row["seed"])) for row in rows})
    sizes = {size: ", ".join(str(seed) for of, seed in operators if of == size) for size, _ in operators}
    named = "; ".join(f"{seeds} of {size:,}" for size, seeds in sizes.items())
    innocent = sum(of["subscriptions"] for name, of in strata.items() if name in HARD or name in PEOPLE)
    print(f"rules {rules[:12]}, {len(operators)} seeds ({named}): {innocent} ordinary and hard-negative"
          f" subscriptions; {listed} on allow-lists are left out")
    programs = collections.Counter(newest.values())
    told = "; ".join(f"{program[:12] or 'untold'} for {count} seeds" for program, count in programs.items())
    print(f"played by {len(programs)} programs: {told}\n")
    for name, column in (("flagged", "flagged"), ("barred", "barred")):
        value, low = precision(strata, column)
        print(f"precision of the {name} {value:.3f}, at least {low:.3f}")
    print(f"recall of the separable {recall(strata, SEPARABLE, 'flagged'):.3f}, of all spam of the base "
          f"{sum(share * recall(strata, [name], 'flagged') for name, share in SPAM.items() if name in strata):.3f}")
    hard = {name: share for name, share in HARD.items() if name in strata}
    for name, column in (("flagged", "flagged"), ("barred", "barred")):
        part = sum(share * recall(strata, [kind], column) for kind, share in hard.items()) / sum(hard.values())
        print(f"protected and not allow-listed {name}: {part:.4%}")
    for name, kinds in (("all spam of the base", SPAM), ("the separable", SEPARABLE)):
        shares = sorted(share for kind in kinds for share in strata.get(kind, {"shares": []})["shares"])
        print(f"median share of calls before the flag, {name}: {shares[len(shares) // 2]:.2f}")
    print("\n| stratum | subscriptions | flagged | barred |\n|---|---|---|---|")
    for name, of in sorted(strata.items(), key=lambda item: (item[0] not in SPAM, item[0] not in NATURAL, item[0])):
        print(f"| {name} | {of['subscriptions']} | {of['flagged']} | {of['barred']} |")
    print("\n| score at least | precision | at least | recall of the separable | of all spam of the base |\n|---|---|---|---|---|")
    for cut in CUTS:
        value, low = precision(strata, f"over_{cut}")
        parts = (recall(strata, SEPARABLE, f"over_{cut}"),
                 sum(share * recall(strata, [name], f"over_{cut}") for name, share in SPAM.items() if name in strata))
        print(f"| {cut} | {value:.3f} | {low:.3f} | {parts[0]:.3f} | {parts[1]:.3f} |")


def rows(args):
    """Labelled rows of our own subscriptions; hard negatives and spam as often as they come in the demo."""
    parts = []
    for seed in args.seeds:
        with tempfile.TemporaryDirectory(dir=args.dir) as folder:
            con = opened(played(args, seed, folder), "spam_score")
            part = pathlib.Path(args.out).with_suffix(f".{seed}.parquet")
            con.execute(f"""COPY (
                SELECT '{seed}-' || spam_score.caller || '-' || spam_score.day AS id, {seed} AS seed, stratum,
                    CAST(is_spam AS INTEGER) AS is_spam, spam_score.*
                FROM spam_score INNER JOIN truth ON caller = number AND spam_score.activated_at = truth.activated_at
                WHERE is_onnet ORDER BY id) TO '{part}' (FORMAT parquet)""")
            parts.append(str(part))
        print(f"seed {seed}", flush=True)
    duckdb.execute(f"COPY (SELECT * FROM read_parquet({parts!r}) ORDER BY seed, id) TO '{args.out}' (FORMAT parquet)")
    for part in parts:
        pathlib.Path(part).unlink()


def seeds(text):
    first, _, last = text.partition("-")
    return [int(seed) for seed in text.split(",")] if not last else list(range(int(first), int(last) + 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(required=True)
    for verb, act in (("run", run), ("rows", rows), ("show", show)):
        sub = verbs.add_parser(verb)
        sub.set_defaults(act=act)
        if verb == "show":
            sub.add_argument("--rules", help="their hash; the newest on record if none is named")
            continue
        sub.add_argument("--callsieve", required=True)
        sub.add_argument("--seeds", type=seeds, required=True, help="as 101-110, or 7,11,41")
        sub.add_argument("--subscribers", type=int, default=SUBSCRIBERS, help="subscriptions of each seed's operator")
        sub.add_argument("--dir", help="where demos are played; a temporary folder if none is named")
        if verb == "rows":
            sub.add_argument("--out", required=True)
    args = parser.parse_args()
    args.act(args)


if __name__ == "__main__":
    main()

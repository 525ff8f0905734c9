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
stratum weighs what its natural share says, and precision is of the country, not of the demo. Ordinary people are one
stratum: the demo draws their kinds as a country has them, and of the idle half make no call. Strata beyond the base are
told by themselves, since their natural shares are not known; of advertisers there is a guess, and `show` says what it
would make of the precision. Whom an allow-list names is left out, and so is who made no call in the measured days. Numbers
of other operators are a stratum, `offnet`, and in no precision: they are no subscriptions, none of them is spam in the
demo, and some are numbers that a gang shows and nobody has.

The bound of a precision takes the upper bound of the weighted rate of false alarms by Fay and Feuer (Statistics in
Medicine 16, 1997: a gamma bound for weighted sums of Poisson counts, which holds when there are none) at 95.5 % and the
lower bound of the rate of right ones at 99.5 %, so that both hold together at 95 %. The right ones are counted in
thousands and take little of the error; what few false alarms mean is what is not known.
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

# Natural shares of all subscriptions (ACCURACY 5.2); ordinary people are the rest. Of the hard negatives the last three
# are by judgement.
SPAM_SHARE = 1.2e-4
SPAM = {"burst": 0.413, "blaster": 0.163, "sms_and_call": 0.058, "camouflaged": 0.144, "mixed": 0.125, "tiny": 0.057,
        "one_ring": 0.040}
SEPARABLE = ["burst", "blaster", "sms_and_call", "one_ring"]
HARD = {"courier": 0.01, "driver": 0.008, "call_centre": 0.0002, "clinic": 0.001, "school": 0.001, "new_sim": 0.02}
PEOPLE = {"light": 0.32, "heavy": 0.40, "talker": 0.20, "idle": 0.08}
# Who sells by telephone to those who agreed: by judgement as well, and beside the base, with too few of them for a bound.
SELLERS = {"advertiser": 0.003}
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
    """The rules' hash, a row for each stratum, and how many had to wait for a budget. Unit: a subscription that called in
    the measured days; of other operators a number that called us."""
    con = opened(demo, "decision", "spam_score", "caller_day")
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
    rows += con.execute(f"""
        WITH held AS (
            SELECT number, BOOL_OR(verdict IN ('survey', 'limited', 'blocked')) AS is_flagged,
                BOOL_OR(verdict IN ('limited', 'blocked')) AS is_barred
            FROM decision WHERE NOT is_onnet GROUP BY number
        ),
        scored AS (SELECT caller AS number, MAX(score) AS score FROM spam_score WHERE NOT is_onnet GROUP BY ALL),
        called AS (SELECT DISTINCT caller AS number FROM caller_day WHERE NOT is_onnet AND calls_out > 0 AND caller IS NOT NULL)
        SELECT 'offnet', false, COUNT(*), COUNT(*) FILTER (WHERE is_flagged), COUNT(*) FILTER (WHERE is_barred), {over}, ''
        FROM called LEFT JOIN held USING (number) LEFT JOIN scored USING (number)""").fetchall()
    rules, waiting = con.execute("SELECT MAX(rules), COUNT(*) FILTER (WHERE cause IN ('budget_spent', 'no_budget')) FROM decision").fetchone()
    return rules, rows, waiting


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
            rules, rows, waiting = strata(demo)
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
        if waiting:
            print(f"seed {seed}: {waiting} times a bar had to wait for a budget, so the rules alone would bar more", flush=True)


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


def weighed(strata, names, column):
    """The weight of one of each stratum, and how many of it."""
    rows = [(NATURAL[name], strata[name]) for name in names if name in strata]
    return [(share / row["subscriptions"], row[column]) for share, row in rows]


def alarms(strata, column):
    """The same of all that are no spam."""
    people = [strata[name] for name in PEOPLE if name in strata]
    share = sum(NATURAL[name] for name in PEOPLE)
    ordinary = (share / sum(row["subscriptions"] for row in people), sum(row[column] for row in people))
    return [*weighed(strata, HARD, column), ordinary]


def total(weighted):
    return sum(weight * count for weight, count in weighted)


def precision(strata, column):
    """The precision at natural shares, and its one-sided lower bound at 95 %."""
    found, wrong = weighed(strata, SPAM, column), alarms(strata, column)
    right = total(found)
    low, high = lower(found, 0.995), upper(wrong, 0.955)
    return (right / (right + total(wrong)) if right + total(wrong) else float("nan")), low / (low + high)


def with_sellers(strata, column):
    """The precision if there were as many sellers as is guessed."""
    right = total(weighed(strata, SPAM, column))
    sellers = [(share, strata[name]) for name, share in SELLERS.items() if name in strata]
    sold = sum(share * row[column] / row["subscriptions"] for share, row in sellers)
    wrong = total(alarms(strata, column)) + sold
    return right / (right + wrong) if right + wrong else float("nan")


def recall(strata, names, column):
    """The share of some kinds at natural shares."""
    there = [name for name in names if name in strata]
    return total(weighed(strata, there, column)) / sum(NATURAL[name] for name in there)


def median(strata, names):
    """The middle of the shares of calls at natural shares; of two in the middle the greater."""
    there = [name for name in names if name in strata]
    shares = sorted((share, NATURAL[name] / strata[name]["subscriptions"]) for name in there for share in strata[name]["shares"])
    left = sum(weight for _, weight in shares) / 2
    for share, weight in shares:
        left -= weight
        if left < -1e-12:
            return share
    return float("nan")


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
    for name in ("flagged", "barred"):
        print(f"precision of the {name} if three of a thousand sell by telephone, as advertisers do: "
              f"{with_sellers(strata, name):.3f}")
    print(f"recall of the separable {recall(strata, SEPARABLE, 'flagged'):.3f}, of all spam of the base "
          f"{recall(strata, SPAM, 'flagged'):.3f}")
    for words, kinds in (("protected", HARD), ("protected but for new SIMs,", [kind for kind in HARD if kind != "new_sim"])):
        share = sum(NATURAL[kind] for kind in kinds if kind in strata)
        for column in ("flagged", "barred"):
            part, most = recall(strata, kinds, column), upper(weighed(strata, kinds, column), 0.95) / share
            print(f"{words} and not allow-listed {column}: {part:.4%}, at most {most:.4%}")
    for name, kinds in (("all spam of the base", SPAM), ("the separable", SEPARABLE)):
        print(f"median share of calls before the flag, {name}: {median(strata, kinds):.2f}")
    print("\n| stratum | subscriptions | flagged | barred |\n|---|---|---|---|")
    for name, of in sorted(strata.items(), key=lambda item: (item[0] not in SPAM, item[0] not in NATURAL, item[0])):
        print(f"| {name} | {of['subscriptions']} | {of['flagged']} | {of['barred']} |")
    print("\n| score at least | precision | at least | recall of the separable | of all spam of the base |\n|---|---|---|---|---|")
    for cut in CUTS:
        value, low = precision(strata, f"over_{cut}")
        parts = [recall(strata, kinds, f"over_{cut}") for kinds in (SEPARABLE, SPAM)]
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

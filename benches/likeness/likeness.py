"""How like real numbers are those of the synthetic operator?

    python3 -m venv V && V/bin/pip install -r benches/likeness/requirements.txt
    callsieve simulate --profile sichuan --seed 1 --out S1.csv
    V/bin/python benches/likeness/likeness.py S1.csv S2.csv S3.csv --real ROWS.csv [--columns]

Each S.csv has `id`, aggregates and `label`; ROWS.csv has the same columns and maybe more, which are not looked at.
Per class, the Kolmogorov-Smirnov distance of each column, and their median and worst; a blank is a value below all
others, so what is missing counts. Then how well a model tells fraud: one that is trained and tested on synthetic
numbers (five folds), one that is trained on them and tested on the real ones, and the other way round. `--columns`
shows each distance, and the distance when blanks are left out.
"""

import argparse
import pathlib
import sys

import numpy
import pandas
from lightgbm import LGBMClassifier
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

CLASSES = {0: "normal", 1: "fraud"}
# Figure, and whether it passes: issue 5.
BARS = {
    "KS median": lambda value: value <= 0.15,
    "KS worst": lambda value: value <= 0.25,
    "synthetic -> synthetic": lambda value: 0.92 <= value <= 0.96,
    "synthetic -> real": lambda value: value >= 0.89,
}


def model():
    # One thread and a fixed seed: the same figures on every machine.
    return LGBMClassifier(
        n_estimators=400,
        num_leaves=31,
        learning_rate=0.03,
        random_state=0,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
    )


def folds(rows, columns):
    parting = StratifiedKFold(5, shuffle=True, random_state=0)
    score = cross_val_predict(model(), rows[columns], rows.label, cv=parting, method="predict_proba")[:, 1]
    return roc_auc_score(rows.label, score)


def across(train, test, columns):
    score = model().fit(train[columns], train.label).predict_proba(test[columns])[:, 1]
    return roc_auc_score(test.label, score)


def distances(synthetic, real, columns):
    """Per class and column: the distance with blanks as a value, and without them."""
    found = {}
    for label in CLASSES:
        ours, theirs = synthetic[synthetic.label == label], real[real.label == label]
        for column in columns:
            whole = ks_2samp(ours[column].fillna(-1), theirs[column].fillna(-1)).statistic
            present = ks_2samp(ours[column].dropna(), theirs[column].dropna()).statistic
            found[label, column] = (whole, present)
    return found


def figures(synthetic, real, columns):
    found = distances(synthetic, real, columns)
    lines = []
    for label, name in CLASSES.items():
        whole = {column: found[label, column][0] for column in columns}
        worst = max(whole, key=whole.get)
        lines.append((f"KS median, {name}", "KS median", numpy.median(list(whole.values())), ""))
        lines.append((f"KS worst, {name}", "KS worst", whole[worst], worst))
    lines.append(("AUC synthetic -> synthetic", "synthetic -> synthetic", folds(synthetic, columns), ""))
    lines.append(("AUC synthetic -> real", "synthetic -> real", across(synthetic, real, columns), ""))
    lines.append(("AUC real -> synthetic", "", across(real, synthetic, columns), ""))
    lines.append(("AUC real -> real", "", folds(real, columns), ""))
    return found, lines


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("synthetic", nargs="+", type=pathlib.Path)
    arguments.add_argument("--real", type=pathlib.Path)
    arguments.add_argument("--columns", action="store_true")
    given = arguments.parse_args()
    if given.real is None or not given.real.exists():
        print(f"skipped: there are no real rows at {given.real}; give them by --real")
        return 0
    real = pandas.read_csv(given.real)
    failed = 0
    for path in given.synthetic:
        synthetic = pandas.read_csv(path)
        columns = [column for column in synthetic if column not in ("id", "label")]
        found, lines = figures(synthetic, real, columns)
        print(f"{path.name}: {len(synthetic)} numbers, {synthetic.label.mean():.3f} fraud, {len(columns)} columns")
        for name, bar, value, note in lines:
            verdict = "" if not bar else "pass" if BARS[bar](value) else "FAIL"
            failed += verdict == "FAIL"
            print(f"  {name:28} {value:.3f} {verdict:5}{note}")
        if given.columns:
            for column in columns:
                cells = [f"{value:.3f}" for label in CLASSES for value in found[label, column]]
                print(f"  {column:24}" + "  ".join(cells))
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

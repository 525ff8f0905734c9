"""What additive model loses least to gradient-boosted trees, on the same folds?

    python3 -m venv V && V/bin/pip install -r benches/scorecard/requirements.txt
    V/bin/python benches/scorecard/bakeoff.py ROWS.csv --columns COLUMNS.txt --callsieve target/release/callsieve

ROWS.csv has a column `label`, and `id` where rows have names; COLUMNS.txt names the columns, one on a line. Five times
repeated stratified five-fold cross-validation: a mean over 25 folds, its standard deviation over folds, and what the
card of callsieve loses to each of the others fold by fold. callsieve trains and scores by its own command line, on files of a fold.
"""

import argparse
import pathlib
import subprocess
import tempfile
import time

import numpy
import pandas
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    f1_score,
    precision_recall_curve,
    recall_score,
    roc_auc_score,
    roc_curve,
)
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

REPEATS, FOLDS = 5, 5
FIGURES = ["AUC", "AP", "macro-F1", "G-mean", "R@P95", "R@1%", "Brier"]


def figures(truth, score):
    precision, recall, _ = precision_recall_curve(truth, score)
    false, true, _ = roc_curve(truth, score, drop_intermediate=False)
    said = score >= 0.5
    return [
        roc_auc_score(truth, score),
        average_precision_score(truth, score),
        f1_score(truth, said, average="macro"),
        (recall_score(truth, said) * recall_score(1 - truth, 1 - said)) ** 0.5,
        recall[:-1][precision[:-1] >= 0.95].max(initial=0),
        true[false <= 0.01].max(),
        brier_score_loss(truth, score),
    ]


def trees(rate):
    def scores(train, test, columns):
        model = LGBMClassifier(n_estimators=400, num_leaves=31, learning_rate=rate, random_state=0, n_jobs=2, verbose=-1)
        return model.fit(train[columns], train.label).predict_proba(test[columns])[:, 1]

    return scores


def steps(bins, strength):
    """Quantile bins as cumulative indicators with a bin of missing values, and ridge logistic regression."""

    def indicators(frame, bounds):
        parts = []
        for column, bound in bounds.items():
            values = frame[column].to_numpy(float)
            parts += [numpy.isnan(values)[:, None], values[:, None] >= bound[None, :]]
        return numpy.hstack(parts).astype(float)

    def scores(train, test, columns):
        part = numpy.arange(1, bins) / bins
        bounds = {column: numpy.unique(train[column].quantile(part).dropna()) for column in columns}
        model = LogisticRegression(C=strength, max_iter=2000)
        model.fit(indicators(train, bounds), train.label)
        return model.predict_proba(indicators(test, bounds))[:, 1]

    return scores


def curve(train, test, columns):
    """Plain logistic regression on log1p, the blank as zero."""

    def plain(frame):
        values = frame[columns].fillna(0).to_numpy(float)
        return numpy.sign(values) * numpy.log1p(numpy.abs(values))

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return model.fit(plain(train), train.label).predict_proba(plain(test))[:, 1]


def ours(callsieve, method):
    def scores(train, test, columns):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            train[["id", *columns, "label"]].to_csv(folder / "train.csv", index=False)
            test[["id", *columns]].to_csv(folder / "test.csv", index=False)
            verb = [callsieve, "scorecard"]
            model = folder / "m.toml"
            train_on = ["train", "--features", folder / "train.csv", "--label", "label", "--method", method, "--out", model]
            apply_to = ["apply", "--model", model, "--features", folder / "test.csv", "--out", folder / "s.csv"]
            subprocess.run([*verb, *train_on], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([*verb, *apply_to], check=True, stdout=subprocess.DEVNULL)
            return pandas.read_csv(folder / "s.csv").score.to_numpy()

    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("--columns", type=pathlib.Path, required=True)
    parser.add_argument("--callsieve", required=True)
    arguments = parser.parse_args()
    columns = arguments.columns.read_text().split()
    rows = pandas.read_csv(arguments.rows)
    rows["id"] = rows.index if "id" not in rows else rows["id"]
    models = {
        "LightGBM, 400 trees of 31 leaves, rate 0.1": trees(0.1),
        "LightGBM, the same at rate 0.03": trees(0.03),
        "logistic regression on log1p": curve,
        "binned logistic regression, 6 bins, C 0.3": steps(6, 0.3),
        "binned logistic regression, 10 bins, C 0.1": steps(10, 0.1),
        "binned logistic regression, 20 bins, C 0.03": steps(20, 0.03),
        "callsieve scorecard, boosted": ours(arguments.callsieve, "boosted"),
        "callsieve scorecard, logistic": ours(arguments.callsieve, "logistic"),
    }
    found = {name: [] for name in models}
    took = dict.fromkeys(models, 0.0)
    for repeat in range(REPEATS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=repeat)
        for seen, unseen in folds.split(rows, rows.label):
            train, test = rows.iloc[seen], rows.iloc[unseen]
            for name, scores in models.items():
                began = time.monotonic()
                found[name].append(figures(test.label.to_numpy(), scores(train, test, columns)))
                took[name] += time.monotonic() - began
    print(f"| model | {' | '.join(FIGURES)} | s a fold |")
    print("|---" * (len(FIGURES) + 2) + "|")
    for name, values in found.items():
        cells = [f"{mean:.4f} ± {sd:.4f}" for mean, sd in zip(numpy.mean(values, 0), numpy.std(values, 0))]
        print(f"| {name} | {' | '.join(cells)} | {took[name] / len(values):.1f} |")
    *others, default = models
    print(f"\n| AUC lost by {default}, fold by fold, to | mean | sd |\n|---|---|---|")
    for name in others:
        lost = numpy.array(found[name])[:, 0] - numpy.array(found[default])[:, 0]
        print(f"| {name} | {lost.mean():+.4f} | {lost.std():.4f} |")


if __name__ == "__main__":
    main()

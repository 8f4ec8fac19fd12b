"""The text models alone over a chronological stream of messages: their mistakes, as JSON. In process, without doors, detectors or policy.

    python benchmarks/mail_stream.py DIR                          each message is judged, then its label is told
    python benchmarks/mail_stream.py DIR --feedback delayed       labels of the first quarter only
    python benchmarks/mail_stream.py DIR --feedback none --train OTHER
    python benchmarks/mail_stream.py DIR --keep before.txt        writes one score per line; after a change of the model:
    python benchmarks/mail_stream.py DIR --against before.txt     adds won, lost and tied

DIR holds index.tsv (path, tab, ham|spam|phish, in order of arrival). `errors` is what users do: the first 1,000 labels, then 30 % of the
mistakes, 1,000 messages late, 2 % of them wrong (seeded). A message is called spam at log-odds 0 and above. roca_percent is
100 (1 - AUC), ties counted half. The microseconds are processor time of features and score together.
"""

import argparse
import collections
import json
import pathlib
import random
import sys
import time

import numpy as np

from wardline.domains.mail.events import Envelope
from wardline.domains.mail.intake import read
from wardline.domains.mail.text.model import Features, TextModel, TextScore, features_of
from wardline.learning.cotraining import CoTraining


def stream(folder: pathlib.Path, limit: int | None = None):
    """(features, abusive, microseconds) of each message, in order."""
    for line in (folder / "index.tsv").read_text().splitlines()[:limit]:
        path, label = line.split("\t")
        mail = read((folder / path).read_bytes(), Envelope())
        start = time.process_time()
        features = features_of(mail)
        yield features, label != "ham", (time.process_time() - start) * 1e6


class Filter:
    """The text models as the mail point uses them: labels as the site's own, and pairs of unlabelled messages where labels are scarce."""

    def __init__(self) -> None:
        self.model = TextModel()
        self.pairs: CoTraining[Features] = CoTraining()

    def learn(self, features: Features, abusive: bool) -> None:
        """One label."""
        update = self.model.propose(features, abusive)
        if update:
            self.model.add(update)
        self.model.count(abusive, 1)
        self.pairs.labelled()

    def scan(self, features: Features) -> TextScore:
        """The verdict on one message; it may become one of a pair."""
        score = self.model.score(features)
        pair = self.pairs.seen(self.model.views(features), features) if self.pairs.arrived() else None
        if pair:
            for member, abusive in ((pair.benign, False), (pair.abusive, True)):
                update = self.model.propose_unlabelled(member, abusive, pair.weight, 0)
                if update:
                    self.model.add(update)
        return score


def report(scores: list[float], labels: list[bool]) -> dict[str, float | int | None]:
    """Both kinds of error at log-odds 0, the best threshold in hindsight, the ranking error."""
    odds, abusive = np.array(scores), np.array(labels, bool)
    called = odds >= 0
    ham, spam = np.sort(odds[~abusive]), np.sort(odds[abusive])
    out: dict[str, float | int | None] = {
        "messages": len(odds),
        "fp": int((called & ~abusive).sum()),
        "fn": int((~called & abusive).sum()),
        "misclassified": int((called != abusive).sum()),
        "misclassified_first_1000": int((called != abusive)[:1000].sum()),
    }
    if len(ham) and len(spam):
        thresholds = np.concatenate((np.unique(odds), [np.inf]))
        wrong = (len(ham) - np.searchsorted(ham, thresholds)) + np.searchsorted(spam, thresholds)
        below, upto = np.searchsorted(ham, spam, "left"), np.searchsorted(ham, spam, "right")
        out["best_misclassified"] = int(wrong.min())
        out["roca_percent"] = round(100 * (1 - float((below + upto).sum()) / 2 / (len(ham) * len(spam))), 4)
        allowed = ham[::-1][min(int(len(ham) * 0.001), len(ham) - 1)]
        out["fn_percent_at_fp_0.1_percent"] = round(100 * float((spam <= allowed).mean()), 3)
    return out


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--feedback", choices=["immediate", "delayed", "errors", "none"], default="immediate")
    parser.add_argument("--train", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--limit", type=int)
    parser.add_argument("--head", choices=["text", "shape"], default="text")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--against", type=pathlib.Path)
    options = parser.parse_args()
    model = Filter()
    for folder in options.train:
        for features, abusive, _us in stream(folder):
            model.learn(features, abusive)
    total = len((options.folder / "index.tsv").read_text().splitlines()[: options.limit])
    scores: list[float] = []
    labels: list[bool] = []
    chance, reports = random.Random(1), collections.deque()
    spent_us = 0.0
    for number, (features, abusive, us) in enumerate(stream(options.folder, options.limit)):
        start = time.process_time()
        score = model.scan(features)
        spent_us += us + (time.process_time() - start) * 1e6
        scores.append(score.text_log_odds if options.head == "text" else score.shape_log_odds or 0.0)
        labels.append(abusive)
        told = {"immediate": True, "delayed": number < total // 4, "errors": number < 1000, "none": False}[options.feedback]
        if told:
            model.learn(features, abusive)
        elif options.feedback == "errors" and (scores[-1] >= 0) != abusive and chance.random() < 0.3:
            reports.append((number + 1000, features, abusive != (chance.random() < 0.02)))
        while reports and reports[0][0] <= number:
            model.learn(*reports.popleft()[1:])
    found: dict[str, object] = {"feedback": options.feedback, "head": options.head, **report(scores, labels)}
    if options.against:
        before = [float(line) >= 0 for line in options.against.read_text().split()]
        pairs = [((was == label), ((now >= 0) == label)) for was, now, label in zip(before, scores, labels, strict=True)]
        found |= {"won": pairs.count((False, True)), "lost": pairs.count((True, False)), "tied": sum(was == now for was, now in pairs)}
    if options.keep:
        options.keep.write_text("".join(f"{score!r}\n" for score in scores))
    sys.stdout.write(json.dumps({**found, "text_us": round(spent_us / max(len(scores), 1), 1)}) + "\n")


if __name__ == "__main__":
    main()

"""The recipe of the starter model: labelled folders in, a frozen text model and its card out. The same folders give the same bytes.

    recipe = train([Corpus("lists-2003", messages, "ship"), …], held_out=samples, name="starter-2026-11")
    recipe.model.to_bytes()        at most 5 MB
    recipe.card                    what it was made of, its limits, its figures

The starter's first duty is to be harmless: it meets mail that it has never seen. So it may only claim what it is sure of beyond nearly all
honest messages of a set that it was not trained on: the held-out samples, honest mail in many languages. `margin` is the score that HONEST_SHARE
of them stay below, plus SAFETY; beyond it GAIN halves what the weights say, and CEILING ends it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wardline.domains.mail.events import Envelope
from wardline.domains.mail.intake import read
from wardline.domains.mail.text.model import Features, TextModel, features_of
from wardline.learning.frozen import Frozen, freeze

KEEP = 900_000  # rows; about 3 MB
GAIN = 0.5
HONEST_SHARE = 0.95
SAFETY = 0.5
FLOOR = 1.5
CEILING = 2.0
PASSES = 2
STARTER_LIMIT_BYTES = 5_000_000


class Corpus(msgspec.Struct, frozen=True):
    """Labelled messages: a name, (bytes, abusive) in order of arrival, and the terms it may be used under."""

    name: str
    messages: Callable[[], Iterator[tuple[bytes, bool]]]
    terms: str = ""


class Recipe(msgspec.Struct, frozen=True):
    """The model and its card."""

    model: Frozen
    card: dict[str, Any]


def corpus_of(folder: Path, terms: str = "") -> Corpus:
    """A corpus from a folder: with an index.tsv (path, tab, ham or anything else), or with the folders good/ and bad/. Raises FileNotFoundError."""

    def indexed() -> Iterator[tuple[bytes, bool]]:
        for line in (folder / "index.tsv").read_text().splitlines():
            path, _, label = line.partition("\t")
            yield (folder / path).read_bytes(), label != "ham"

    def sorted_apart() -> Iterator[tuple[bytes, bool]]:
        for name, abusive in (("good", False), ("bad", True)):
            for path in sorted((folder / name).glob("*.eml")):
                yield path.read_bytes(), abusive

    if (folder / "index.tsv").exists():
        return Corpus(folder.name, indexed, terms)
    if (folder / "good").is_dir():
        return Corpus(folder.name, sorted_apart, terms)
    raise FileNotFoundError(f"{folder}: neither an index.tsv nor the folders good/ and bad/ are there")


def train(
    corpora: Sequence[Corpus],
    held_out: Corpus,
    *,
    name: str,
    tests: Sequence[Corpus] = (),
    progress: Callable[[str, int], None] | None = None,
) -> Recipe:
    """Train, set the margin on the held-out corpus, then train once more with it. `tests` are scored for the card and not learned."""
    read_so_far = {corpus.name: _features(corpus, progress) for corpus in (*corpora, held_out)}
    learned = [item for corpus in corpora for item in read_so_far[corpus.name]]
    before = _freeze(_learn(learned), name, margin=0.0)
    honest = [before.raw_log_odds(features.text) for features, abusive in read_so_far[held_out.name] if not abusive]
    margin = round(float(np.quantile(honest, HONEST_SHARE)) + SAFETY if honest else SAFETY, 3)
    model = _freeze(_learn(learned + read_so_far[held_out.name]), name, margin=margin)
    card: dict[str, Any] = {
        "name": name,
        "licence": "Apache-2.0",
        "trained_on": {corpus.name: _counts(read_so_far[corpus.name]) for corpus in (*corpora, held_out)},
        "terms": {corpus.name: corpus.terms for corpus in corpora if corpus.terms},
        "margin_set_on": held_out.name,
        "limits": {"gain": GAIN, "margin": margin, "floor": FLOOR, "ceiling": CEILING},
        "tests": {corpus.name: measure(model, _features(corpus, progress)) for corpus in tests},
    }
    return Recipe(_about(model, card), card)


def measure(model: Frozen, messages: Iterable[tuple[Features, bool]]) -> dict[str, Any]:
    """How the model alone speaks of messages: how many it speaks against (log-odds above 0), by their true kind."""
    spoken = {True: 0, False: 0}
    total = {True: 0, False: 0}
    worst = 0.0
    for features, abusive in messages:
        odds = model.log_odds(features.text)
        total[abusive] += 1
        spoken[abusive] += odds > 0
        if not abusive:
            worst = max(worst, odds)
    return {
        "ham": total[False],
        "ham_spoken_against": spoken[False],
        "ham_upper_bound_percent": round(100 * upper_bound(spoken[False], total[False]), 3) if total[False] else None,
        "ham_worst_log_odds": round(worst, 3),
        "spam": total[True],
        "spam_spoken_against": spoken[True],
    }


def upper_bound(errors: int, trials: int) -> float:
    """The upper end of the one-sided 95 % Clopper-Pearson interval of an error rate (Clopper and Pearson, Biometrika 1934)."""
    if errors >= trials:
        return 1.0
    low, high = errors / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        # P(at most `errors` of `trials`) at this rate, term by term in logarithms.
        terms, log_term = 0.0, trials * np.log1p(-middle)
        for k in range(errors + 1):
            terms += float(np.exp(log_term))
            log_term += np.log((trials - k) / (k + 1)) + np.log(middle / (1 - middle))
        low, high = (middle, high) if terms > 0.05 else (low, middle)
    return high


def _features(corpus: Corpus, progress: Callable[[str, int], None] | None) -> list[tuple[Features, bool]]:
    found = []
    for number, (raw, abusive) in enumerate(corpus.messages(), 1):
        found.append((features_of(read(raw, Envelope())), abusive))
        if progress and number % 100 == 0:
            progress(corpus.name, number)
    return found


def _learn(messages: Sequence[tuple[Features, bool]]) -> TextModel:
    """Labels in a fixed order that mixes the corpora: each corpus is spread evenly over the whole."""
    model = TextModel()
    spread = np.random.default_rng(20261121)
    for _ in range(PASSES):
        for at in spread.permutation(len(messages)):
            features, abusive = messages[at]
            update = model.propose(features, abusive)
            if update is not None:
                model.add(update)
    return model


def _freeze(model: TextModel, name: str, *, margin: float) -> Frozen:
    rows = np.arange(len(model.text.table), dtype=np.uint32)
    weights = np.concatenate([model.text.weigh(chunk, 1) for chunk in np.array_split(rows, 64)])
    return freeze(weights, keep=KEEP, gain=GAIN, margin=margin, floor=FLOOR, ceiling=CEILING, about={"name": name})


def _about(model: Frozen, card: dict[str, Any]) -> Frozen:
    return Frozen(msgspec.structs.replace(model.head, about=card), model.weights)


def _counts(messages: Sequence[tuple[Features, bool]]) -> dict[str, int]:
    return {"ham": sum(not abusive for _, abusive in messages), "spam": sum(abusive for _, abusive in messages)}

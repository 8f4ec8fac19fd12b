"""What was removed is gone to the last byte, whatever goes on meanwhile."""

import random
import re
import threading
from pathlib import Path

import pytest
from engine.journaling import SMALL, record

from wardline.engine.record import Record
from wardline.engine.store.journal import Journal


def traces(folder: Path) -> set[bytes]:
    """Every marked identifier and content that any byte of the folder still shows."""
    pattern = re.compile(rb"(?:subject|id|key|content|sealed)-[0-9a-f]{16}")
    return {found for path in folder.rglob("*") if path.is_file() for found in pattern.findall(path.read_bytes())}


@pytest.mark.parametrize("seed", [5, 6])
def test_no_byte_of_the_folder_shows_an_erased_subject(tmp_path: Path, seed: int) -> None:
    """Random histories: many sizes, many erasures with new records between them, retention too. Seed 5 once found old copies in SQLite's pages."""
    chance = random.Random(seed)
    subjects = [f"subject-{chance.getrandbits(64):016x}" for _ in range(12)]
    marks: dict[str, set[bytes]] = {subject: {subject.encode()} for subject in subjects}
    gone: set[bytes] = set()

    def mark(subject: str, what: str) -> str:
        text = f"{what}-{chance.getrandbits(64):016x}"
        marks[subject].add(text.encode())
        return text

    with Journal.open(tmp_path, settings=SMALL) as journal:

        def write(count: int) -> None:
            for _ in range(count):
                subject = chance.choice(list(marks))
                journal.wait_for_room()
                content = mark(subject, "content").encode()
                item = Record(
                    0,
                    0,
                    chance.choice(("decision", "event")),
                    mark(subject, "id"),
                    1,
                    "mail",
                    subject,
                    (mark(subject, "key"), "shared"),
                    1,
                    content * chance.randrange(1, 150),
                )
                journal.append(item)
                if chance.random() < 0.3:
                    journal.vault.put(subject, "update", mark(subject, "id"), mark(subject, "sealed").encode() * chance.randrange(1, 50))
            journal.flush()

        write(500)
        assert all(subject.encode() in traces(tmp_path) for subject in subjects)
        for subject in subjects[:6]:
            journal.erase(subject)
            gone |= marks.pop(subject)
            assert not traces(tmp_path) & gone
            write(40)
        journal.expire(10, {"event": 0})
        assert not list(journal.read(kinds=("event",)))
        journal.compact()
        assert not traces(tmp_path) & gone
        assert traces(tmp_path) & {mark for kept in marks.values() for mark in kept}
        assert journal.verify()[1] == []
    assert not traces(tmp_path) & gone


def test_erasure_while_others_append(tmp_path: Path) -> None:
    with Journal.open(tmp_path, settings=SMALL) as journal:
        stop = threading.Event()
        count = 0

        def others() -> None:
            nonlocal count
            while not stop.is_set():
                journal.wait_for_room()
                journal.append(record(f"other{count}", subject="account:2", body=bytes(200))).result(30)
                count += 1

        journal.append(record("mine", subject="account:1")).result(30)
        thread = threading.Thread(target=others)
        thread.start()
        try:
            assert journal.erase("account:1") == 1
        finally:
            stop.set()
            thread.join()
        assert [r.id for r in journal.read()] == [f"other{number}" for number in range(count)]
        assert [(gap.first_seq, gap.reason) for gap in journal.gaps()] == [(1, "subject")]

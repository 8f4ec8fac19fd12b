"""Facts of a message travel between processes and come out as they went in; one unreadable message does not stop the others."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from wardline.base.config import Config, Mail, Store
from wardline.commands import bulk
from wardline.commands.bulk import Bulk, Work, work_of
from wardline.commands.context import Failure
from wardline.commands.reading import Source
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Settings, examine, make_detectors
from wardline.domains.mail.prepared import prepare
from wardline.domains.mail.text.starter import chosen_starter
from wardline.engine.store.journal import Journal

RAW = b"From: a@example.com\r\nSubject: hello\r\n\r\nHello, see http://www.example.org/ for more.\r\n"


def test_examined_facts_survive_the_way_between_processes() -> None:
    here = examine(RAW, Envelope(), Settings(), make_detectors())
    (done,) = bulk._decoder.decode(bulk.prepare_all([Source("one", None, content=RAW)], Work(Settings(), starter="")))
    assert done.prepared is not None
    assert done.prepared == msgspec.structs.replace(
        prepare(RAW, Envelope(), Settings(), make_detectors(), chosen_starter("")), examined=done.prepared.examined
    )
    there = done.prepared.examined
    assert there.values == here.values
    for one, other in zip((*here.features.text, *here.features.shape), (*there.features.text, *there.features.shape), strict=True):
        assert np.array_equal(one, other)
    assert there.features.to_bytes() == here.features.to_bytes()


@pytest.mark.parametrize("workers", [0, 1])
def test_one_that_cannot_be_read_is_said_and_passed_over(workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [Source("good", None, content=RAW), Source("gone", tmp_path / "gone"), Source("good again", None, content=RAW)]
    with Bulk(Work(Settings()), workers) as pool:
        pool.start(found)
        names = [source.name for source, _prepared, _raw in pool.prepared()]
        assert pool.failed == 1
    assert names == ["good", "good again"]
    assert "gone" in capsys.readouterr().err


@pytest.mark.parametrize("count", [0, 1, bulk.CHUNK + 1, 3 * bulk.CHUNK])
@pytest.mark.parametrize("ahead_bytes", [1, bulk.AHEAD_BYTES])
def test_all_come_in_order_however_little_may_wait(count: int, ahead_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AHEAD_BYTES", ahead_bytes)
    found = [Source(str(number), None, content=RAW + b"%d" % number, found_bytes=len(RAW)) for number in range(count)]
    with Bulk(Work(Settings()), 1) as pool:
        pool.start(found)
        assert [source.name for source, _prepared, _raw in pool.prepared()] == [str(number) for number in range(count)]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("with_raw", [True, False])
def test_the_bytes_come_along_where_they_are_wanted(workers: int, with_raw: bool) -> None:
    with Bulk(Work(Settings(), with_raw=with_raw), workers) as pool:
        pool.start([Source("one", None, content=RAW)])
        assert [raw for _source, _prepared, raw in pool.prepared()] == [RAW if with_raw else b""]


def test_the_bytes_are_wanted_for_signatures_and_for_keeping() -> None:
    assert not work_of(Config(), starter=True).with_raw
    assert work_of(Config(mail=Mail(resolver="192.0.2.53")), starter=True).with_raw
    assert work_of(Config(mail=Mail(trusted_authserv_ids=("mx.example.com",))), starter=True).with_raw
    assert work_of(Config(store=Store(keep_bodies=True)), starter=True).with_raw
    assert work_of(Config(), starter=False).starter is None


def test_a_worker_that_dies_is_said() -> None:
    with Bulk(Work(Settings()), 1) as pool:
        assert pool._pool is not None
        (process,) = pool._pool._processes.values()
        process.kill()
        with pytest.raises(Failure, match="worker"):
            for _ in range(3):  # the pool may find out with the first chunk or a later one
                pool.start([Source("one", None, content=RAW)])
                list(pool.prepared())


def test_workers_end_with_the_one_that_gives_them_work() -> None:
    killed = (
        "import os, signal; from wardline.commands.bulk import Bulk, Work; from wardline.domains.mail.examine import Settings\n"
        "pool = Bulk(Work(Settings()), 3); list(pool.prepared()); print('ready', flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    # Workers have its standard output too: it ends when the last of them did.
    done = subprocess.run([sys.executable, "-c", killed], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (b"ready\n", -signal.SIGKILL)


def test_what_was_printed_is_there_after_kill_9(tmp_path: Path) -> None:
    """Killed in the middle: the journal opens, is whole, and holds every verdict that was told."""
    mail = tmp_path / "mail"
    mail.mkdir()
    for number in range(1500):
        (mail / f"{number:04}.eml").write_bytes(RAW + b"%d" % number)
    command = [sys.executable, "-m", "wardline.cli", "--data", str(tmp_path / "data"), "check", "--json", str(mail)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        assert process.stdout is not None
        told = [json.loads(process.stdout.readline())["id"] for _ in range(200)]
        os.killpg(process.pid, signal.SIGKILL)
        # The last line may be cut in the middle.
        told += [json.loads(line)["id"] for line in process.stdout.read().split(b"\n")[:-1]]
    assert len(told) < 1500
    with Journal.open(tmp_path / "data") as journal:
        assert journal.verify()[1] == []
        missing = [each for each in told if journal.find_id("decision", each) is None]
        assert not missing
        assert not journal.gaps()

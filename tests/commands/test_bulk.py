"""Facts of a message travel between processes and come out as they went in; one unreadable message does not stop the others."""

from pathlib import Path

import numpy as np
import pytest

from wardline.commands import bulk
from wardline.commands.bulk import Bulk
from wardline.commands.reading import Source
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Settings, examine, make_detectors

RAW = b"From: a@example.com\r\nSubject: hello\r\n\r\nHello, see http://www.example.org/ for more.\r\n"


def test_examined_facts_survive_the_way_between_processes() -> None:
    here = examine(RAW, Envelope(), Settings(), make_detectors())
    (there,) = bulk._decoder.decode(bulk.examine_all([RAW], Settings()))
    assert there.values == here.values
    for one, other in zip((*here.features.text, *here.features.shape), (*there.features.text, *there.features.shape), strict=True):
        assert np.array_equal(one, other)
    assert there.features.to_bytes() == here.features.to_bytes()


@pytest.mark.parametrize("workers", [0, 1])
def test_one_that_cannot_be_read_is_said_and_passed_over(workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = [Source("good", None, content=RAW), Source("gone", tmp_path / "gone"), Source("good again", None, content=RAW)]
    with Bulk(Settings(), workers) as pool:
        names = [source.name for source, _raw, _examined in pool.examine(found)]
        assert pool.failed == 1
    assert names == ["good", "good again"]
    assert "gone" in capsys.readouterr().err


@pytest.mark.parametrize("count", [0, 1, bulk.CHUNK + 1, 3 * bulk.CHUNK])
@pytest.mark.parametrize("ahead_bytes", [1, bulk.AHEAD_BYTES])
def test_all_come_in_order_however_little_may_wait(count: int, ahead_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "AHEAD_BYTES", ahead_bytes)
    found = [Source(str(number), None, content=RAW + b"%d" % number) for number in range(count)]
    with Bulk(Settings(), 1) as pool:
        assert [source.name for source, _raw, _examined in pool.examine(found)] == [str(number) for number in range(count)]

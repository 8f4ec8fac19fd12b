"""Logs hold no identifiers, whatever a careless line gives them."""

import io
import subprocess
import sys

import pytest

from wardline.base.logs import configure_logs, logger, remove_identifiers


@pytest.mark.parametrize("value", ["ann@example.com", "192.0.2.7", "2001:db8::7", "Dear Ann, your", "x" * 200, b"raw".hex() + "@"])
def test_what_could_be_an_identifier_is_removed(value: str) -> None:
    assert remove_identifiers(None, "info", {"event": "e", "who": value})["who"] == "[removed]"


@pytest.mark.parametrize("value", ["mail.in", "TypeError", 7, 0.5, True, None, "observe", "2-lost"[2:]])
def test_plain_words_and_numbers_stay(value: object) -> None:
    assert remove_identifiers(None, "info", {"event": "e", "what": value})["what"] == value


def test_a_line_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json")
    logger("test").info("happened", count=3, peer="192.0.2.7")
    logger("test").debug("not shown")
    written = capsys.readouterr().err
    assert '"count": 3' in written
    assert "192.0.2.7" not in written
    assert "not shown" not in written


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logs("info", "text")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    logger("test").error("nobody_reads_this")


def test_the_library_is_loaded_for_the_first_line_that_is_written() -> None:
    script = (
        "import sys; from wardline.base.logs import configure_logs, logger; configure_logs('error', 'json')\n"
        "logger('test').info('not_shown'); assert 'structlog' not in sys.modules\n"
        "logger('test').error('shown', count=1); configure_logs('info', 'text'); logger('test').info('shown_too')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert [line.split("shown")[0][-1] for line in done.stderr.splitlines()] == ['"', "="] and not done.stdout

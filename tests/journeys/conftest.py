"""Real servers for journeys, each in a folder and on ports of its own, started and ended by the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journeys.dovecot import Dovecot
from journeys.postfix import Postfix
from journeys.server import free_ports


@pytest.fixture(scope="module")
def postfix(require: Callable[..., Path]) -> Iterator[Postfix]:
    """A Postfix whose milter is expected on `postfix.milter_port`, and which accepts when nobody listens there."""
    server = Postfix(require("postfix", "postfix", root=True), free_ports(1)[0], "accept")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def dovecot(require: Callable[..., Path]) -> Iterator[Callable[[str, Path], Dovecot]]:
    """`dovecot(settings, scripts)` makes one; `start` it; it is ended with the test."""
    program = require("dovecot", "dovecot-imapd dovecot-sieve", root=True)
    require("sievec", "dovecot-imapd dovecot-sieve")
    require("curl", "curl")
    made: list[Dovecot] = []

    def make(settings: str, scripts: Path) -> Dovecot:
        made.append(Dovecot(program, settings, scripts))
        return made[-1]

    yield make
    for server in made:
        server.stop()

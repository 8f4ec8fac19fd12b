"""Fuzz target of the milter protocol: any bytes after any prefix of a session give events or one clear error, within bounded memory.

python -m pytest tests/fuzz/fuzz_milter.py          the bounded run of the test suite
python tests/fuzz/fuzz_milter.py 100000             so many random sessions
"""

import random
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.protocols import milter_client as server
from wardline.protocols.milter import QUIET, Milter, MilterError, Negotiate, Step
from wardline.protocols.milter_replies import Action, Continue

LETTERS = "CHMRTLNBEAQKDUOXx\0"
PACKETS = st.builds(server.packet, st.sampled_from(LETTERS), st.binary(max_size=80))
SENSIBLE = st.sampled_from(
    [packet for packet, _ in server.conversation(b"A: b\nC: d\n\nbody", client_ip="192.0.2.7", recipients=("b@example.net",))]
)
STREAM = st.lists(st.one_of(PACKETS, SENSIBLE, SENSIBLE, st.binary(max_size=20)), max_size=40)


def check(pieces: list[bytes], steps: Step) -> None:
    """Play pieces into a session that answers what waits; nothing but MilterError may come out, and the buffer stays within one packet."""
    session = Milter(packet_limit_bytes=4096)
    try:
        for piece in pieces:
            for event in session.receive(piece):
                if isinstance(event, Negotiate):
                    session.negotiate(actions=Action(0x1FF), steps=steps)
            if session.expects_reply:
                session.send(Continue())
            assert len(session._buffer) <= 4096 + 4 + len(piece)
    except MilterError as error:
        assert str(error) and session.ended


@settings(max_examples=300, deadline=None)
@given(STREAM, st.sampled_from([Step(0), QUIET, QUIET | Step.LEADING_SPACE]))
def test_any_packets_after_the_opening(pieces: list[bytes], steps: Step) -> None:
    check([server.opening(), *pieces], steps)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_any_bytes(pieces: list[bytes]) -> None:
    check(pieces, QUIET)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=10))
def test_the_client_half_survives_any_filter(pieces: list[bytes]) -> None:
    replies = server.Replies()
    try:
        for piece in pieces:
            for answer in replies.receive(piece):
                answer.texts()
    except ValueError as error:
        assert "bytes long" in str(error)


def main(rounds: int) -> None:
    """Random sessions: a sound one with bytes changed, dropped, doubled and cut anywhere."""
    chance = random.Random(1)
    sound = [
        server.opening(),
        *(packet for packet, _ in server.conversation(b"A: b\n\nbody\n" * 3, client_ip="192.0.2.7", recipients=("b@example.net",) * 3)),
    ]
    for _ in range(rounds):
        data = bytearray(b"".join(sound))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 9)]
                case _:
                    data[at:at] = data[at : at + chance.randrange(1, 40)]
        cuts = sorted(chance.randrange(len(data)) for _ in range(4))
        check([bytes(data[start:end]) for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)], QUIET)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)

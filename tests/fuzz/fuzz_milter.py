"""Fuzz target: the milter protocol. Any bytes after any prefix of a session give events or one clear error, within bounded memory.

    .venv/bin/python tests/fuzz/fuzz_milter.py [--rounds 2000] [--seed 1]

A plain bounded loop over sound sessions with bytes changed, dropped, doubled and cut anywhere. `one_input` takes bytes, as atheris hands them over.
"""

import argparse
import random

from wardline.protocols import milter_client as server
from wardline.protocols.milter import QUIET, Milter, MilterError, Negotiate, Step
from wardline.protocols.milter_replies import Action, Continue

LIMIT_BYTES = 4096
SOUND = [
    server.opening(),
    *(
        packet
        for packet, _ in server.conversation(
            b"A: b\nC: d\n\nbody\n" * 3, client_ip="192.0.2.7", recipients=("b@example.net",) * 3, steps=QUIET
        )
    ),
]


def check(pieces: list[bytes], steps: Step) -> None:
    """Play pieces into a session that answers what waits; nothing but MilterError may come out, and the buffer stays within one packet."""
    session = Milter(packet_limit_bytes=LIMIT_BYTES)
    try:
        for piece in pieces:
            for event in session.receive(piece):
                if isinstance(event, Negotiate):
                    session.negotiate(actions=Action(0x1FF), steps=steps)
            if session.expects_reply:
                session.send(Continue())
            assert len(session._buffer) <= LIMIT_BYTES + 4 + len(piece)
    except MilterError as error:
        assert str(error) and session.ended


def one_input(data: bytes) -> None:
    """The first byte says how the rest is cut."""
    size = data[0] + 1 if data else 1
    check([data[at : at + size] for at in range(1, len(data), size)], QUIET)


def main() -> int:
    """The bounded loop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    for _ in range(options.rounds):
        data = bytearray(b"".join(SOUND))
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 9)]
                case _:
                    data[at:at] = data[at : at + chance.randrange(1, 40)]
        one_input(bytes([chance.randrange(256)]) + bytes(data))
    print(f"{options.rounds} rounds, seed {options.seed}: every session gave events or one clear error")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What holds of the milter protocol for any bytes: events or one clear error, bounded memory, and the same for both halves."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzz_milter import SOUND, check, one_input
from wardline.protocols import milter_client as server
from wardline.protocols.milter import QUIET, Step

PACKETS = st.builds(server.packet, st.sampled_from("CHMRTLNBEAQKDUOXx\0"), st.binary(max_size=80))
STREAM = st.lists(st.one_of(PACKETS, st.sampled_from(SOUND), st.binary(max_size=20)), max_size=40)


@settings(max_examples=300, deadline=None)
@given(STREAM, st.sampled_from([Step(0), QUIET, QUIET | Step.LEADING_SPACE]))
def test_any_packets_after_the_opening(pieces: list[bytes], steps: Step) -> None:
    check([server.opening(), *pieces], steps)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    one_input(data)


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

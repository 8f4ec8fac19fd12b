"""Playbooks of the milter protocol: these bytes in, these events out; these replies in, these bytes out."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols import milter_client as server
from wardline.protocols.milter import (
    QUIET,
    Abort,
    Body,
    Connect,
    Data,
    EndOfHeaders,
    EndOfMessage,
    Event,
    Header,
    Helo,
    MailFrom,
    Milter,
    MilterError,
    Misuse,
    Negotiate,
    Quit,
    RcptTo,
    Stage,
    Step,
    Unknown,
)
from wardline.protocols.milter_replies import (
    Accept,
    Action,
    AddHeader,
    AddRecipient,
    ChangeFrom,
    ChangeHeader,
    Continue,
    DeleteRecipient,
    InsertHeader,
    Progress,
    Quarantine,
    Reject,
    ReplaceBody,
    ReplyCode,
    Shutdown,
    Skip,
    TempFail,
    encode,
)

ALL = Action(0x1FF)


def opened(*, actions: Action = ALL, steps: Step = QUIET, offer: int = 0x1FFFFF) -> Milter:
    session = Milter()
    list(session.receive(server.opening(steps=offer)))
    session.negotiate(actions=actions, steps=steps)
    return session


def play(session: Milter, *packets: bytes) -> list[Event]:
    return [event for packet in packets for event in session.receive(packet)]


def at_end(session: Milter) -> Milter:
    play(session, server.packet("M", b"<a@example.com>\0"), server.packet("R", b"<b@example.net>\0"), server.packet("E"))
    return session


def test_the_opening_of_postfix() -> None:
    session = Milter()
    assert play(session, bytes.fromhex("0000000d 4f 00000006 000001ff 001fffff")) == [Negotiate(6, Action(0x1FF), Step(0x1FFFFF))]
    answer = session.negotiate(actions=Action.ADD_HEADERS | Action.QUARANTINE, steps=Step.NO_DATA | Step.QUIET_BODY)
    assert answer == bytes.fromhex("0000000d 4f 00000006 00000021 00080200")
    assert (session.version, session.actions, session.steps) == (6, Action.ADD_HEADERS | Action.QUARANTINE, Step.NO_DATA | Step.QUIET_BODY)


def test_only_what_the_server_offers_is_agreed() -> None:
    session = Milter()
    play(session, server.opening(version=2, actions=0x1F, steps=0x7F))
    answer = session.negotiate(actions=ALL, steps=QUIET | Step.NO_HELO, macros={Stage.MAIL: "i"})
    assert struct.unpack(">III", answer[5:]) == (2, 0x1F, Step.NO_HELO)  # no macros asked for: not offered


def test_bits_without_a_name_are_not_echoed() -> None:
    session = Milter()
    play(session, server.opening(version=99, actions=0xFFFFFFFF, steps=0xFFFFFFFF))
    answer = session.negotiate(actions=ALL, steps=Step(0x1FFFFF))
    assert struct.unpack(">III", answer[5:17]) == (6, 0x1FF & ~0x100 | 0x100, 0x1FFFFF)


def test_macros_are_asked_for_per_stage() -> None:
    session = Milter()
    play(session, server.opening())
    answer = session.negotiate(macros={Stage.CONNECT: "j", Stage.END_OF_MESSAGE: "i {auth_authen}"})
    assert answer[17:] == b"\0\0\0\0j\0" + b"\0\0\0\x05i {auth_authen}\0"


def test_a_whole_session_in_events() -> None:
    session = opened()
    events = play(
        session,
        server.macros("C", {"j": "mx.example.net", "daemon_name": "smtpd"}),
        server.connect("mx.example.com", "192.0.2.7", 4711),
        server.packet("H", b"mx.example.com\0"),
        server.macros("M", {"i": "4XyzQ", "auth_authen": "fred"}),
        server.packet("M", b"<a@example.com>\0SIZE=100\0BODY=8BITMIME\0"),
        server.packet("R", b"<b@example.net>\0"),
        server.packet("R", b"c@example.net\0NOTIFY=NEVER\0"),
        server.packet("T"),
        server.packet("L", b"Subject\0 hello\n world\0"),
        server.packet("L", b"X-Empty\0\0"),
        server.packet("N"),
        server.packet("B", b"text\r\n"),
        server.packet("E", b"last"),
    )
    assert events == [
        Connect("mx.example.com", "4", 4711, "192.0.2.7"),
        Helo("mx.example.com"),
        MailFrom("a@example.com", ("SIZE=100", "BODY=8BITMIME")),
        RcptTo("b@example.net", ()),
        RcptTo("c@example.net", ("NOTIFY=NEVER",)),
        Data(),
        Header(b"Subject", b" hello\n world"),
        Header(b"X-Empty", b""),
        EndOfHeaders(),
        Body(b"text\r\n"),
        EndOfMessage(b"last"),
    ]
    assert (session.macro("i"), session.macro("auth_authen"), session.macro("j"), session.macro("none")) == (
        "4XyzQ",
        "fred",
        "mx.example.net",
        "",
    )
    assert session.expects_reply
    assert session.send(Accept()) == b"\0\0\0\x01a"
    # The next message of the connection: macros of the message before are gone with its end.
    assert play(session, server.packet("A"), server.packet("M", b"<>\0")) == [Abort(), MailFrom("", ())]
    assert session.macro("i") == "" and session.macro("j") == "mx.example.net"
    assert play(session, server.packet("K"), server.connect("unknown", "")) == [Quit(again=True), Connect("unknown", "U", 0, "")]
    assert session.macro("j") == ""
    assert play(session, server.packet("Q")) == [Quit(again=False)]
    assert session.ended


def test_the_conversation_of_the_client_half_is_a_session() -> None:
    raw = b"Subject: a\r\n b\r\nTo: x@example.net\r\n\r\nbody\r\n"
    for steps in (Step(0), QUIET | Step.LEADING_SPACE | Step.NO_DATA):
        session = opened(steps=steps)
        events: list[Event] = []
        for packet, waits in server.conversation(
            raw, client_ip="2001:db8::1", sender="a@example.com", recipients=("b@example.net",), user="u", steps=steps
        ):
            events += session.receive(packet)
            assert session.expects_reply is waits
            if waits:
                session.send(Continue())
        rebuilt = b"".join(event.name + (b":" if steps else b": ") + event.value + b"\n" for event in events if isinstance(event, Header))
        assert rebuilt == b"Subject: a\n b\nTo: x@example.net\n"
        assert b"".join(event.chunk for event in events if isinstance(event, Body)) == b"body\r\n"
        assert Connect("localhost", "6", 25, "2001:db8::1") in events


def test_every_split_of_the_bytes_gives_the_same_events() -> None:
    stream = b"".join(
        packet for packet, _ in server.conversation(b"A: b\n\nbody", client_ip="192.0.2.7", recipients=("b@example.net",), steps=QUIET)
    )
    whole = play(opened(), stream)
    for size in (1, 2, 3, 7, 64):
        session = opened()
        assert [event for at in range(0, len(stream), size) for event in session.receive(stream[at : at + size])] == whole
        assert not session.inside_packet


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (b"h\x004\x00\x19192.0.2.7\0", Connect("h", "4", 25, "192.0.2.7")),
        (b"h\x006\x00\x19IPv6:2001:db8::1\0", Connect("h", "6", 25, "2001:db8::1")),
        (b"h\0L\0\0/run/socket\0", Connect("h", "L", 0, "/run/socket")),
        (b"h\0U", Connect("h", "U", 0, "")),
        (b"h\0U\0\0\0", Connect("h", "U", 0, "")),
        (b"\xff\x004\0\0x\0", Connect("\N{REPLACEMENT CHARACTER}", "4", 0, "x")),
    ],
)
def test_address_families(address: bytes, expected: Connect) -> None:
    assert play(opened(), server.packet("C", address)) == [expected]


@pytest.mark.parametrize(
    ("packets", "text"),
    [
        ([b"\0\0\0\0"], "0 bytes long"),
        ([b"\xff\xff\xff\xff"], "4294967295 bytes long"),
        ([struct.pack(">I", (1 << 20) + 2)], "1048578 bytes long"),
        ([server.packet("X")], "unknown command 'X'"),
        ([server.packet("\x00")], "0x00"),
        ([server.opening()], "twice"),
        ([server.packet("C", b"h")], "without host name"),
        ([server.packet("C", b"h\0")], "without host name"),
        ([server.packet("C", b"h\x009\0\0a\0")], "address family '9'"),
        ([server.packet("C", b"h\x004\0")], "without port"),
        ([server.packet("C", b"h\x004\0\x19192.0.2.7")], "ends with NUL"),
        ([server.packet("H", b"h")], "HELO does not end with NUL"),
        ([server.packet("H", b"h\0i\0")], "HELO holds 2 texts"),
        ([server.packet("M", b"")], "MAIL does not end"),
        ([server.packet("R", b"<b>\0")], "RCPT is out of turn"),
        ([server.packet("L", b"A\0b\0")], "HEADER is out of turn"),
        ([server.packet("B", b"x")], "BODY is out of turn"),
        ([server.packet("E")], "BODYEOB is out of turn"),
        ([server.packet("M", b"a\0"), server.packet("L", b"A\0")], "HEADER holds 1 texts"),
        ([server.packet("M", b"a\0"), server.packet("L", b"A\0b\0c\0")], "HEADER holds 3 texts"),
        ([server.packet("M", b"a\0"), server.packet("B", b"x"), server.packet("L", b"A\0b\0")], "HEADER is out of turn in the body"),
        ([server.packet("M", b"a\0"), server.packet("E"), server.packet("M", b"b\0")], "MAIL came while BODYEOB waits"),
        ([server.packet("D")], "MACRO without"),
    ],
)
def test_what_breaks_the_protocol_says_what_was_wrong(packets: list[bytes], text: str) -> None:
    session = opened()
    with pytest.raises(MilterError, match=text):
        play(session, *packets)
    assert session.ended
    with pytest.raises(MilterError, match="after the end"):
        session.receive(b"x")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "bytes long"),
        (server.packet("H", b"h\0"), "begins with option negotiation"),
        (server.packet("O", b"\0" * 11), "has 11 bytes"),
        (server.opening(version=1), "version 1"),
        (server.opening() + server.packet("Q"), "before option negotiation was answered"),
    ],
)
def test_a_stranger_at_the_door(data: bytes, text: str) -> None:
    with pytest.raises(MilterError, match=text):
        play(Milter(), data)


def test_a_second_mail_command_begins_anew() -> None:
    session = opened()
    assert play(session, server.packet("M", b"a\0"), server.packet("M", b"b\0")) == [MailFrom("a", ()), MailFrom("b", ())]


def test_unknown_smtp_commands_are_told() -> None:
    assert play(opened(), server.packet("U", b"XCLIENT x\0")) == [Unknown(b"XCLIENT x")]


def test_macros_are_bounded() -> None:
    session = opened()
    for stage in "CHMRTLNEX":
        play(session, server.macros(stage, {f"name{number}": "v" * 900 for number in range(600)}))
    kept = sum(len(name) + len(value) for values in session._macros.values() for name, value in values.items())
    assert 0 < kept <= 65536


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (AddHeader(b"X-A", b" 1"), b"\0\0\0\x08hX-A\0 1\0"),
        (InsertHeader(0, b"X-A", b"1"), b"\0\0\0\x0bi\0\0\0\0X-A\x001\0"),
        (ChangeHeader(3, b"X-A", b""), b"\0\0\0\x0am\0\0\0\x03X-A\0\0"),
        (Quarantine("held"), b"\0\0\0\x06qheld\0"),
        (AddRecipient("<c@example.net>"), b"\0\0\0\x11+<c@example.net>\0"),
        (AddRecipient("<c@x>", "NOTIFY=NEVER"), b"\0\0\0\x142<c@x>\0NOTIFY=NEVER\0"),
        (DeleteRecipient("<c@x>"), b"\0\0\0\x07-<c@x>\0"),
        (ChangeFrom("<d@x>"), b"\0\0\0\x07e<d@x>\0"),
        (ReplaceBody(b"new"), b"\0\0\0\x04bnew"),
        (Progress(), b"\0\0\0\x01p"),
        (Reject(), b"\0\0\0\x01r"),
        (TempFail(), b"\0\0\0\x01t"),
        (Shutdown(), b"\0\0\0\x014"),
        (ReplyCode(550, "5.7.1", "no"), b"\0\0\0\x0ey550 5.7.1 no\0"),
    ],
)
def test_replies_at_the_end_of_a_message(reply: object, expected: bytes) -> None:
    assert at_end(opened()).send(reply) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change", [AddHeader(b"A", b"b"), ChangeHeader(1, b"A", b""), Quarantine("x"), AddRecipient("a", "P=1"), ReplaceBody(b"x")]
)
def test_modifications_need_their_action_and_their_place(change: object) -> None:
    with pytest.raises(Misuse, match="not negotiated"):
        at_end(opened(actions=Action(0))).send(change)  # type: ignore[arg-type]
    with pytest.raises(Misuse, match="only at the end"):
        opened().send(change)  # type: ignore[arg-type]


def test_nobody_waits_for_a_second_verdict() -> None:
    session = at_end(opened())
    assert session.send(Accept())
    with pytest.raises(Misuse, match="no command waits"):
        session.send(Reject())
    assert session.send(Continue()) == b"" and session.send(Progress()) == b""


def test_quiet_steps_get_no_bytes_and_loud_steps_do() -> None:
    quiet, loud = opened(), opened(steps=Step(0))
    play(quiet, server.packet("M", b"a\0"))
    play(loud, server.packet("M", b"a\0"))
    assert quiet.send(Continue()) == b"" and loud.send(Continue()) == b"\0\0\0\x01c"
    play(loud, server.packet("R", b"b\0"))
    assert loud.send(ReplyCode(550, "5.1.1", "unknown")) and loud.inside_message  # one recipient refused, the message goes on
    play(loud, server.packet("L", b"A\0b\0"))
    loud.send(TempFail())
    assert not loud.inside_message


def test_skip_answers_a_body_where_it_was_agreed() -> None:
    session = opened(steps=Step.SKIP)
    play(session, server.packet("M", b"a\0"))
    with pytest.raises(Misuse):
        session.send(Skip())
    session.send(Continue())
    play(session, server.packet("B", b"x"))
    assert session.send(Skip()) == b"\0\0\0\x01s"


def test_negotiate_answers_once() -> None:
    with pytest.raises(Misuse):
        Milter().negotiate()
    session = opened()
    with pytest.raises(Misuse):
        session.negotiate()


@given(name=st.binary(max_size=30), value=st.binary(max_size=60))
def test_no_value_can_break_out_of_its_header_line(name: bytes, value: bytes) -> None:
    try:
        packet = encode(AddHeader(name, value))
    except ValueError:
        return
    length, payload = struct.unpack(">I", packet[:4])[0], packet[5:]
    assert length == len(packet) - 4
    written_name, written_value, rest = payload.split(b"\0")
    assert written_name == name and rest == b"" and b"\r" not in written_value
    assert all(line[:1] in (b" ", b"\t") for line in written_value.split(b"\n")[1:])


@given(st.text(max_size=600))
def test_no_text_can_break_out_of_its_reply_line(text: str) -> None:
    packet = encode(ReplyCode(451, "4.7.1", text))
    line = packet[5:-1]
    assert packet.endswith(b"\0") and line.isascii() and not set(line) & set(b"\0\r\n%") and len(line) <= 410


@pytest.mark.parametrize(("code", "enhanced"), [(250, "2.0.0"), (550, "4.7.1"), (600, "6.0.0"), (399, "3.0.0")])
def test_a_reply_code_refuses_and_agrees_with_itself(code: int, enhanced: str) -> None:
    with pytest.raises(ValueError, match="reply code"):
        encode(ReplyCode(code, enhanced, "x"))


def test_the_client_half_reads_what_the_filter_says() -> None:
    replies = server.Replies()
    stream = encode(InsertHeader(0, b"X-A", b"1")) + encode(Quarantine("held")) + encode(Accept())
    answers = [answer for byte in stream for answer in replies.receive(bytes([byte]))]
    assert [(answer.code, answer.final) for answer in answers] == [("i", False), ("q", False), ("a", True)]
    assert answers[0].texts() == ["0", "X-A", "1"] and answers[1].texts() == ["held"]
    with pytest.raises(ValueError, match="bytes long"):
        replies.receive(b"\0\0\0\0")
    with pytest.raises(ValueError, match="opening"):
        server.agreed(answers[0])

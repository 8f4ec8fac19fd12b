"""The decision point of mail, from inside: what it keeps of what others answered."""

from wardline.domains.mail.events import Envelope
from wardline.domains.mail.point import _bounded_answers
from wardline.domains.mail.sender import authentication
from wardline.protocols.dns import Answer


def test_recorded_dns_answers_name_no_mailbox_and_no_client() -> None:
    names = (
        "A ann.x.spf.example.com",
        "A 192.0.2.7._i.example.com",
        "A 7.2.0.192.r.example.com",
        "PTR 7.2.0.192.in-addr.arpa",
        "A ann@b.example.com",
    )
    found = authentication.Authentication(values={}, answers={name: Answer("empty") for name in (*names, "TXT example.com")})
    envelope = Envelope(client_ip="192.0.2.7", mail_from="<Ann.X@example.com>")
    assert list(_bounded_answers(found, envelope)) == ["TXT example.com"]

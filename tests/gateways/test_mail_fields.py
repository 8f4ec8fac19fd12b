"""What a decision writes into a message."""

from wardline.domains.mail.door import MailAnswer, Reason
from wardline.domains.mail.identity import recipient_tag, sign_id, verify_id
from wardline.gateways.mail_fields import fields, refusal

KEY = b"k" * 32
JUNK = MailAnswer(
    id="01ID",
    verdict="junk",
    score=0.97349,
    log_odds=3.0,
    junk_log_odds=2.0,
    reasons=(Reason("text", 0.9, "secret words"), Reason("url", 0.8, "x"), Reason("text", 0.7, "y")),
    mode="tag",
    action="junk",
)


def changed(**changes: object) -> MailAnswer:
    return MailAnswer(**{**{name: getattr(JUNK, name) for name in JUNK.__struct_fields__}, **changes})


def test_junk() -> None:
    assert fields(JUNK, key=KEY) == [
        ("X-Wardline-Id", sign_id("01ID", KEY)),
        ("X-Wardline-Verdict", "junk"),
        ("X-Wardline-Score", "0.973"),
        ("X-Wardline-Reasons", "text, url"),
        ("X-Spam", "Yes"),
    ]


def test_a_tag_is_no_junk_and_a_hold_is_not_filed_after_its_release() -> None:
    for action in ("tag", "quarantine"):
        names = [name for name, _ in fields(changed(action=action), key=KEY)]
        assert "X-Spam" not in names and "X-Wardline-Verdict" in names


def test_observe_changes_nothing_but_the_id_if_asked() -> None:
    seen = changed(mode="observe", authentication="mx.example.net; spf=pass", recipients={"b@example.net": "junk"})
    assert fields(seen, key=KEY) == []
    assert fields(seen, key=KEY, observe_id=True) == [("X-Wardline-Id", sign_id("01ID", KEY))]


def test_accepted_mail_carries_its_id_and_its_authentication() -> None:
    accepted = changed(action="accept", authentication="mx.example.net;\r\n spf=pass\r\nX-Evil: 1;\n\n dkim=pass")
    assert fields(accepted, key=KEY) == [
        ("Authentication-Results", "mx.example.net;\n spf=pass\n X-Evil: 1;\n dkim=pass"),
        ("X-Wardline-Id", sign_id("01ID", KEY)),
    ]
    assert fields(accepted, key=KEY, id_header=False)[-1][0] == "Authentication-Results"


def test_recipients_are_tags_and_never_addresses() -> None:
    many = {f"user{number}@example.net": "junk" for number in range(600)}
    (value,) = (value for name, value in fields(changed(recipients=many), key=KEY) if name == "X-Wardline-Recipients")
    assert "user" not in value and "@" not in value
    assert value.startswith(recipient_tag("user0@example.net", KEY) + "=junk, ")
    assert value.count("=junk") == 500 and max(map(len, value.split("\n"))) < 78


def test_texts_from_elsewhere_cannot_add_a_line() -> None:
    odd = changed(verdict="a\r\nX-Evil: 1", reasons=(Reason("b\nc", 1.0, ""),))
    assert not any(character in value for _, value in fields(odd, key=KEY) for character in "\r\n")


def test_the_id_survives() -> None:
    ((_, value), *_rest) = fields(JUNK, key=KEY)
    assert verify_id(value, KEY) == "01ID"


def test_refusals_name_the_reference_and_nothing_else() -> None:
    assert refusal(changed(action="reject")) == "Message refused as unwanted. Reference 01ID"
    assert "later" in refusal(changed(action="tempfail"))
    assert refusal(changed(action="reject", reply="own text")) == "own text"

"""What a decision writes into a message: the header fields, for every door alike.

    fields(answer, key=key)  -> [("X-Wardline-Id", "01JD…; 6f0c…"), ("X-Wardline-Verdict", "junk"), ("X-Wardline-Score", "0.973"),
                                 ("X-Wardline-Reasons", "text, url"), ("X-Spam", "Yes")]

In observe mode nothing is written, the signed id apart if the administrator asks for it. Reasons are names of detectors and no more: the message may
reach those who wrote it. `X-Spam: Yes` is what existing mailbox rules file by. Recipients with a stricter verdict than the SMTP answer are
named by keyed tags (`domains.mail.identity.recipient_tag`), in order, 500 at most.
"""

from wardline.domains.mail.door import MailAnswer
from wardline.domains.mail.identity import ID_FIELD, recipient_tag, sign_id

RECIPIENT_LIMIT = 500  # 25 bytes each: well below the 100 KiB that Postfix allows one field
REASON_LIMIT = 5
PER_LINE = 3


def fields(answer: MailAnswer, *, key: bytes, id_header: bool = True, observe_id: bool = False) -> list[tuple[str, str]]:
    """Names and values to put on top of the header, first one first. Long values are folded with LF and a blank."""
    if answer.mode == "observe":
        return [(ID_FIELD, sign_id(answer.id, key))] if observe_id else []
    found: list[tuple[str, str]] = []
    if answer.authentication:
        found.append(("Authentication-Results", plain(answer.authentication, keep_folds=True)))
    if id_header:
        found.append((ID_FIELD, sign_id(answer.id, key)))
    if answer.action in ("tag", "junk", "quarantine"):
        found.append(("X-Wardline-Verdict", plain(answer.verdict)))
        found.append(("X-Wardline-Score", f"{answer.score:.3f}"))
        names = dict.fromkeys(plain(reason.detector) for reason in answer.reasons)
        found.append(("X-Wardline-Reasons", ", ".join(list(names)[:REASON_LIMIT]) or "none"))
    if answer.action == "junk":
        found.append(("X-Spam", "Yes"))
    if answer.recipients and answer.action in ("accept", "tag", "junk", "quarantine"):
        tags = [f"{recipient_tag(address, key)}={plain(verdict)}" for address, verdict in list(answer.recipients.items())[:RECIPIENT_LIMIT]]
        lines = [", ".join(tags[at : at + PER_LINE]) for at in range(0, len(tags), PER_LINE)]
        found.append(("X-Wardline-Recipients", ",\n ".join(lines)))
    return found


def plain(text: str, *, keep_folds: bool = False) -> str:
    """Printable ASCII on one line; with `keep_folds`, line breaks that a blank follows stay as LF."""
    if keep_folds:
        lines = text.replace("\r\n", "\n").split("\n")
        return "\n".join([plain(lines[0]), *(" " + plain(line.strip()) for line in lines[1:] if line.strip())])
    return "".join(character if " " <= character <= "~" else "?" for character in text[:2000])


def refusal(answer: MailAnswer) -> str:
    """The SMTP text of a reject or tempfail: the decision's own, else one that names nothing but the reference."""
    if answer.reply:
        return answer.reply
    if answer.action == "tempfail":
        return f"Message not accepted for now, please try again later. Reference {answer.id}"
    return f"Message refused as unwanted. Reference {answer.id}"

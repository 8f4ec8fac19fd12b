"""For tests of models: a site where some sign-ups turn out to be abusive, and the labels that say so.

await play(program, 0, 400)            400 sign-ups, ten minutes apart, each labelled a day later
"""

import random
from datetime import UTC, datetime, timedelta

from wardline.app import Program
from wardline.client import event
from wardline.engine.door import Answer
from wardline.engine.event import Event

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STEP = timedelta(minutes=10)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"


def is_abusive(number: int) -> bool:
    """What is true of a sign-up."""
    return random.Random(number).random() < 0.3


def sign_up(number: int) -> Event:
    """One sign-up. Abusive ones are filled in sooner and come from Firefox more often, which no detector minds; some do not say how long it took."""
    chance, abusive = random.Random(f"fields {number}"), is_abusive(number)
    fields: dict[str, object] = {
        "username": "".join(chance.choice("abdeilmnorstu") for _ in range(chance.randint(6, 11))),
        "user_agent": FIREFOX if chance.random() < (0.7 if abusive else 0.2) else CHROME,
        "payment": chance.choice(["none", "card"]),
    }
    if chance.random() < 0.96:
        fields["form_ms"] = int(1000 * chance.lognormvariate(2.8 if abusive else 4.2, 0.3))
    address = f"198.{18 + number % 2}.{number // 2 % 250}.{number % 250}"
    entities = {"account": f"a{number}", "ip": address}
    return event("signup", id=f"s{number}", occurred_at=START + number * STEP, entities=entities, fields=fields)


def label(number: int) -> Event:
    """What the desk says of it a day later."""
    at = START + number * STEP + timedelta(days=1)
    return event("label", id=f"l{number}", occurred_at=at, fields={"about": f"s{number}", "abusive": is_abusive(number), "source": "desk"})


async def play(program: Program, first: int, last: int, *, labelled: bool = True) -> list[Answer]:
    """Decide sign-ups first to last (excluded). Gives the answers."""
    door = next(door for door in program.points.doors if door.point == "signup")
    pending = [door.admit(sign_up(number)) for number in range(first, last)]
    answers = [await each for each in pending]
    if labelled:
        for each in [program.label(label(number), keyed=True) for number in range(first, last)]:
            await each
    return [answer for answer in answers if isinstance(answer, Answer)]

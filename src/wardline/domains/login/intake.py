"""Intake of logins: an event to flat facts.

    facts(event, edge)      {"account": "account:5f…", "ip.prefix24": "network:77…", "client": "web", "language": "de", "hour": 9, …}

Raises EventError for a field of the wrong kind or an outcome without a result.
"""

from wardline.domains.login.events import OUTCOME, POINT, RESULTS, SESSION
from wardline.engine.event import Event
from wardline.engine.feature import Value
from wardline.engine.walk.intake import Edge, Reading, clock_facts, language, occurred_us, screen, timezone


def facts(event: Event, edge: Edge) -> dict[str, Value]:
    """The facts of one login, outcome, session or other event about an account."""
    found = edge.entities(event)
    found.update(clock_facts(occurred_us(event)))
    reading = Reading(event)
    if event.type == OUTCOME:
        found["result"] = reading.word("result", RESULTS, required=True)
    elif event.type == SESSION:
        found["action"] = reading.word("action", required=True)
        found["count"] = reading.number("count", 0, 1e9)
    elif event.type == POINT:
        found["client"] = reading.word("client")
        found["username_exists"] = reading.flag("username_exists")
        found["second_factor"] = reading.word("second_factor")
        if (leaks := reading.number("password_leaks", 0, 1e12)) is not None:
            found["password.leaks"] = leaks
        found["language"] = language(reading.text("accept_language", 64))
        found["timezone"] = timezone(reading.text("timezone", 64))
        found["screen"] = screen(reading.text("screen", 16))
    found.update(edge.agent(reading.text("user_agent")))
    found.update(reading.rest(edge.pseudonyms))
    return found

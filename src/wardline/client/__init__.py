"""The typed client of the decision door: for whoever asks Wardline from a program of their own.

    from wardline.client import Client, event

    with Client("http://127.0.0.1:8080", fail_verdict="allow") as wardline:
        answer = wardline.decide(event("login", entities={"account": "alice", "ip": "192.0.2.7"}))
        if answer.verdict != "allow": …

`AsyncClient` is the same with `await`; `wardline.client.asgi` guards the routes of a web application.
"""

from wardline.client.asking import Settings, event
from wardline.client.asynchronous import AsyncClient
from wardline.client.synchronous import Client
from wardline.engine.decision import Reason
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event

__all__ = ["Accepted", "Answer", "AsyncClient", "Client", "Event", "Reason", "Settings", "event"]

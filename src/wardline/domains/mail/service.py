"""Mail as the gateways see it: one object that decides and learns (`door.MailDoor`).

service = MailService(point, learner)
answer = await service.decide(raw, envelope, source="milter")
"""

from collections.abc import Mapping

from wardline.domains.mail.door import LearnAnswer, MailAnswer
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.learn import Learner
from wardline.domains.mail.point import MailPoint


class MailService:
    """A MailDoor over a point and its learner."""

    def __init__(self, point: MailPoint, learner: Learner) -> None:
        self.point = point
        self.learner = learner

    async def decide(self, raw: bytes, envelope: Envelope, *, source: str, size_bytes: int | None = None) -> MailAnswer:
        """Judge one message and make the decision durable."""
        return await self.point.decide(raw, envelope, source=source, size_bytes=size_bytes)

    async def learn(self, raw: bytes, *, abusive: bool, subject: str, source: str, envelope: Envelope | None = None) -> LearnAnswer:
        """Learn a label of one message."""
        return await self.learner.learn(raw, abusive=abusive, subject=subject, source=source, envelope=envelope)

    async def unlearn(self, raw: bytes, *, subject: str, source: str) -> LearnAnswer:
        """Take a label back."""
        return await self.learner.unlearn(raw, subject=subject, source=source)

    def stat(self) -> Mapping[str, int]:
        """Counters since the start."""
        return self.point.stat()

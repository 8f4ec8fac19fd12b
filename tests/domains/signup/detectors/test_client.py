"""client: browsers that contradict themselves."""

import pytest

from wardline.domains.signup.detectors.client import Client
from wardline.engine.feature import Value

BROWSER: dict[str, Value] = {"user_agent": "template:1", "user_agent.device": "desktop", "screen": "1920x1080", "timezone": "Europe/Vienna"}
PHONE: dict[str, Value] = {**BROWSER, "user_agent.device": "phone", "screen": "412x915"}


@pytest.mark.parametrize(
    "values",
    [
        {**BROWSER, "user_agent.device": "script"},
        {**BROWSER, "user_agent.crawler": True},
        {**PHONE, "screen": "3840x2160"},
        {**PHONE, "timezone": "UTC"},
        {**BROWSER, "user_agent": None},
    ],
)
def test_contradictions(values: dict[str, Value]) -> None:
    found = Client().judge(values).score
    assert found is not None and found > 0.6


@pytest.mark.parametrize(
    "values",
    [
        {},
        BROWSER,
        PHONE,
        {**BROWSER, "language": "vi"},
        {**BROWSER, "timezone": "UTC"},
        {**PHONE, "screen": None},
        {**PHONE, "screen": "wide"},
    ],
)
def test_honest(values: dict[str, Value]) -> None:
    assert Client().judge(values).score is None

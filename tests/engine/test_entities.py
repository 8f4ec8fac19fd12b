"""Entities: the timeline from the journal, the neighbours from the graph, in clear or by pseudonym."""

from pathlib import Path

import pytest

from tests.engine.deciding import desk
from wardline.base.privacy import Pseudonyms
from wardline.engine.actions.ledger import Ledger
from wardline.engine.entities import Entities
from wardline.engine.entity import EntityError
from wardline.engine.feedback.labels import Labels
from wardline.engine.graph import Graph
from wardline.engine.label import Trust


async def test_an_account_is_shown_with_its_neighbours(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(4):
            entities = {"account": f"robot{number}", "ip": "192.0.2.7", "device": "one", "phone": "+100"}
            await running.ask("signup", f"s{number}", entities, username=f"robot{number}")
        await running.ask("login.outcome", "o1", {"account": "robot1"}, result="success")
        graph = next(state for state in running.points.every_domain_state if isinstance(state, Graph))
        entities_ = Entities(running.journal, Labels(Trust()), Ledger(), Pseudonyms(b"k" * 32), running.clock, graph)
        shown = entities_.show("account:robot1")
        assert [moment.what for moment in shown.timeline] == ["login.outcome", "signup"]
        assert shown.known and shown.reputation.decisions == 1 and shown.cluster is not None and shown.cluster.size == 4
        assert entities_.show(shown.about).timeline == shown.timeline
        near = entities_.neighbours("account:robot1")
        assert len(near.neighbours) == 3 and {shared.what for shared in near.neighbours[0].shared} >= {"device", "phone"}
        assert "robot" not in str(shown) + str(near)
        nobody = entities_.neighbours("account:nobody")
        assert not nobody.known and nobody.neighbours == []
        assert entities_.show("ip:192.0.2.7").reputation.decisions == 4
        with pytest.raises(EntityError):
            entities_.show("")

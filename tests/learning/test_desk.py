"""The life of a model on a real data folder: trained, shown, promoted in the middle of a stream, explained, replayed, taken back."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.learning.registry.signups import play, sign_up
from wardline import Wardline
from wardline.app import Program
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, kept_decision
from wardline.engine.model import Model, held
from wardline.learning.registry.card import Card, ModelError
from wardline.learning.registry.served import Served

TRAINED = 480
NAME_START = "signup-20"


class Site:
    """A program in which a model was trained, promoted between two events, and taken back."""

    def __init__(self, data: Path) -> None:
        self.wardline = Wardline(data, starter=False)
        self.program: Program = self.wardline.program

    def run(self, coroutine: Any) -> Any:
        return self.wardline._call(coroutine)

    def kept(self, number: int) -> KeptDecision:
        record = self.program.journal.find_id("decision", f"s{number}")
        found = kept_decision(record) if record else None
        assert found is not None
        return found


class Other:
    """A model that says a little more than another."""

    def __init__(self, model: Model) -> None:
        self.model, self.name = model, model.name

    def read(self, values: Values) -> dict[str, Value]:
        said = self.model.read(values)
        return {**said, "model.evidence": float(str(said["model.evidence"])) + 1e-9}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(tmp_path_factory.mktemp("models") / "data")
    found.run(play(found.program, 0, TRAINED))
    yield found
    found.wardline.close()


@pytest.fixture(scope="module")
def card(site: Site) -> Card:
    found: Card = site.run(site.program.models.train("signup", actor="ada"))
    return found


def test_without_a_model_nothing_is_stored_and_none_is_named(site: Site) -> None:
    answer = site.run(play(site.program, TRAINED, TRAINED + 1, labelled=False))[0]
    assert answer.model == "none"
    assert not [name for name in site.kept(TRAINED).read if name.startswith("model")]


def test_the_card_says_what_the_model_is_and_what_it_is_worth(site: Site, card: Card) -> None:
    assert card.name.startswith(NAME_START) and card.point == "signup" and card.present == ""
    data = card.data
    assert data.origin == "logged at decision time"
    assert [part.honest + part.abusive for part in (data.trained, data.calibrated, data.held)] == [288, 96, 96]
    assert data.trained.last <= data.calibrated.first and data.calibrated.last <= data.held.first
    assert card.difference < 1e-5
    assert set(card.encoding.texts["user_agent.family"]) >= {"", "Chrome", "Firefox"}
    assert {"form_ms", "user_agent.family"} & set(list(card.importance)[:3])
    figures = card.figures
    assert figures.alone.area is not None and figures.present.area is not None and figures.new.area is not None
    assert figures.new.area > 0.85 > figures.present.area
    assert figures.won + figures.lost + figures.tied == 96 and not card.refused
    assert len(figures.worst) <= 2
    assert site.program.models.store.card(card.name) == card


def test_the_same_decisions_make_the_same_model(site: Site, card: Card) -> None:
    again: Card = site.run(site.program.models.train("signup", actor="ada"))
    assert again.name == f"{card.name}-2" and again.files == card.files and again.figures == card.figures


def test_shuffled_labels_teach_nothing(site: Site, card: Card) -> None:
    control: Card = site.run(site.program.models.train("signup", shuffled=True, actor="ada"))
    assert control.figures.alone.area is not None and 0.35 < control.figures.alone.area < 0.65
    assert control.refused and control.name not in [each.name for each in site.program.models.store.cards()]


def test_promoted_in_the_middle_explained_replayed_and_taken_back(site: Site, card: Card) -> None:
    desk, first = site.program.models, TRAINED + 10
    site.run(play(site.program, first, first + 20, labelled=False))
    site.run(desk.promote(card.name, actor="ada", reason="finds more"))
    answers = site.run(play(site.program, first + 20, first + 40, labelled=False))
    assert {answer.model for answer in answers} == {card.name}
    assert len({answer.score for answer in answers}) > 5

    stored = site.kept(first + 25)
    explained = desk.explain({**stored.facts, **stored.read})
    assert explained is not None and explained.model == card.name
    assert explained.evidence == pytest.approx(explained.base + sum(part.log_odds for part in explained.parts))
    evidence = stored.read["model.evidence"]
    assert isinstance(evidence, float) and held(explained.evidence, card.least, card.most) == pytest.approx(evidence, abs=1e-4)

    with pytest.raises(ModelError, match="serves already"):
        site.run(desk.promote(card.name, actor="ada"))
    with pytest.raises(ModelError, match="was judged beside the detectors alone"):
        site.run(desk.promote(f"{card.name}-2", actor="ada"))
    assert [each["serves"] for each in desk.listed() if each["name"] == card.name] == [True]

    assert site.run(desk.rollback("signup", actor="ada", reason="a trial")) == ""
    assert site.run(play(site.program, first + 40, first + 45, labelled=False))[0].model == "none"
    report = site.program.replay_now()
    assert (report.replayed, report.different) == (TRAINED + 1 + 45, 0) and report.features_replayed == report.replayed
    with pytest.raises(ModelError, match="nothing to take back"):
        site.run(desk.rollback("signup", actor="ada"))


def test_what_a_model_said_is_asked_again_when_events_are_replayed(site: Site, card: Card) -> None:
    stored = site.kept(TRAINED + 10 + 25)
    model = site.program.models.model_of(card.name)
    assert model is not None
    again = model.read({**stored.facts, **stored.read})
    assert again == {name: stored.read[name] for name in again} and len(again) == 3
    # The negative control: another model in its place is noticed for each of the twenty decisions in which it spoke.
    desk = site.program.models
    desk._loaded[card.name] = Other(model)
    try:
        assert site.program.replay_now().different == 20
    finally:
        desk._loaded[card.name] = model


def test_a_restart_serves_what_was_promoted_and_a_damaged_model_is_left_out(site: Site, card: Card, tmp_path: Path) -> None:
    site.run(site.program.models.promote(card.name, actor="ada"))
    copy = tmp_path / "copy"
    site.run(site.program.backup(str(copy)))
    site.run(site.program.models.rollback("signup", actor="ada"))
    for damage in (False, True):
        data = tmp_path / f"data-{damage}"
        shutil.copytree(copy, data)
        if damage:
            path = data / "models" / card.name / "model.onnx"
            path.write_bytes(path.read_bytes()[:-1] + b"x")
        other = Site(data)
        try:
            answer = other.run(play(other.program, 9000, 9001, labelled=False))[0]
            assert answer.model == ("none" if damage else card.name)
            assert bool(other.program.models.faults) is damage
        finally:
            other.wardline.close()


def test_a_model_is_judged_beside_the_one_that_serves_and_each_can_be_taken_back(site: Site, card: Card) -> None:
    desk = site.program.models
    site.run(desk.promote(card.name, actor="ada"))
    try:
        beside: Card = site.run(desk.train("signup", actor="ada"))
        figures = beside.figures
        # The same rows, without what the serving model added to some of them.
        assert beside.present == card.name and figures.detectors == card.figures.detectors
        assert figures.present == card.figures.new == figures.new and (figures.won, figures.lost) == (0, 0)
        site.run(desk.promote(beside.name, actor="ada"))
        assert site.program.administration.model("signup") == beside.name
        assert site.run(desk.rollback("signup", actor="ada")) == card.name
    finally:
        assert site.run(desk.rollback("signup", actor="ada")) == ""


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"most": 1e9}, "its card lets it add -3 to 1e[+]09 log-odds"),
        ({"least": 0.0}, "its card lets it add 0 to 4 log-odds"),
        ({"point": "mail.in"}, "its card names the model 'signup-.*' of 'mail.in'"),
        ({"name": "signup-x"}, "its card names the model 'signup-x' of 'signup'"),
    ],
)
def test_a_card_that_somebody_edited_gives_a_model_no_more_than_its_point_does(
    site: Site, card: Card, changed: dict[str, Any], told: str
) -> None:
    path = site.program.journal.folder.path / "models" / card.name / "card.json"
    before = path.read_bytes()
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(site.program.models.store.card(card.name), **changed)))
    try:
        with pytest.raises(ModelError, match=told):
            site.run(site.program.models.promote(card.name, actor="ada"))
        assert site.program.administration.model("signup") == ""
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("changed", [{"numbers": ("form_ms",)}, {"numbers": ("form_ms",) * 500}, {"texts": {"user_agent.family": ("x",)}}])
def test_a_card_that_somebody_edited_explains_nothing(site: Site, card: Card, changed: dict[str, Any]) -> None:
    desk = site.program.models
    assert desk.explain({"model.name": card.name}) is not None
    path = site.program.journal.folder.path / "models" / card.name / "card.json"
    before = path.read_bytes()
    stored = desk.store.card(card.name)
    edited = msgspec.structs.replace(stored, encoding=msgspec.structs.replace(stored.encoding, **changed))
    path.write_bytes(msgspec.json.encode(edited))
    try:
        assert desk.explain({"model.name": card.name}) is None
    finally:
        path.write_bytes(before)


def test_of_two_promotions_at_once_the_second_is_judged_by_what_the_first_left(site: Site, card: Card) -> None:
    async def both() -> list[Any]:
        promote = site.program.models.promote
        return await asyncio.gather(*[promote(name, actor="ada") for name in (card.name, f"{card.name}-2")], return_exceptions=True)

    try:
        _, second = site.run(both())
        assert isinstance(second, ModelError) and f"{card.name} serves now" in str(second)
        assert site.program.administration.models["signup"][-1] == card.name
    finally:
        assert site.run(site.program.models.rollback("signup", actor="ada")) == ""


def test_a_disk_that_is_full_is_told_and_leaves_no_model(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(site.program.models.store, "add", full)
    before = site.program.models.listed()
    with pytest.raises(ModelError, match="no model was kept: No space left on device; free space"):
        site.run(site.program.models.train("signup", actor="ada"))
    assert site.program.models.listed() == before and not site.program.models._busy


def test_a_training_ends_with_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Site(tmp_path / "data")
    other.run(play(other.program, 0, TRAINED))
    monkeypatch.setattr("wardline.learning.desk.TRAINER", ("-c", "import time; time.sleep(600)"))

    async def ended() -> object:
        training = asyncio.ensure_future(other.program.models.train("signup", actor="ada"))
        while not other.program.models.apart.running:
            assert not training.done(), training.result()
            await asyncio.sleep(0.01)
        other.program.models.apart.close()
        return (await asyncio.gather(training, return_exceptions=True))[0]

    try:
        assert "the program is ending" in str(other.run(ended()))
    finally:
        other.wardline.close()


def test_a_model_that_fails_says_nothing_and_is_counted(site: Site, card: Card) -> None:
    class Broken:
        def run(self, *_: object) -> object:
            raise RuntimeError("no")

    failed: list[str] = []
    model = Served(card, site.program.models.store.read(card.name, "model.onnx"), failed.append)
    hostile = {"form_ms": 10**400, "name.length": float("nan"), "name.digits": "x" * 1000, "user_agent.family": 7, "payment": ["card"]}
    said = model.read(hostile)  # type: ignore[arg-type]
    assert set(said) == {"model.name", "model.log_odds", "model.evidence"} and not failed
    model._session = Broken()
    assert model.read(hostile) == {} and failed == ["signup"]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["nothing", "../../etc", "", "signup-2026-01-01"])
def test_a_model_that_is_not_there(site: Site, name: str) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        site.run(site.program.models.promote(name, actor="ada"))


def test_training_says_what_it_lacks(site: Site) -> None:
    train = site.program.models.train
    with pytest.raises(ModelError, match=r"no model can be trained for 'mail\.in'"):
        site.run(train("mail.in", actor="ada"))
    with pytest.raises(ModelError, match="no labelled decisions of login"):
        site.run(train("login", actor="ada"))
    with pytest.raises(ModelError, match=r"too few labels: of 18 labelled decisions .* add labels"):
        site.run(train("signup", since="2026-03-04T09:00", until="2026-03-04T12:00", actor="ada"))


def test_two_trainings_at_once_are_refused(site: Site) -> None:
    async def both() -> list[Any]:
        train = site.program.models.train
        return await asyncio.gather(train("signup", shuffled=True, actor="a"), train("signup", actor="b"), return_exceptions=True)

    _, second = site.run(both())
    assert isinstance(second, ModelError) and "being trained" in str(second)


def test_the_events_differ() -> None:
    assert sign_up(1) != sign_up(2) and sign_up(1) == sign_up(1)

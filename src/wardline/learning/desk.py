"""The desk of models: train, show, promote, take back, explain. Every act is an audit record; which model serves follows from the records alone.

    card = await desk.train("signup", since="30d", until="", actor="ada")
    await desk.promote("signup-2026-11-26", actor="ada", reason="")       raises ModelError where it was worse than what serves
    await desk.rollback("signup", actor="ada", reason="too many students challenged")

A model takes over, and leaves, between two events. A promoted model that cannot be loaded at a start is left out and told: everything goes on as without.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from wardline.base.apart import Apart, Ended
from wardline.base.clock import Clock
from wardline.base.logs import logger
from wardline.engine.feature import Value, Values
from wardline.engine.feedback.labels import Labels
from wardline.engine.model import NAME, Model, Recipe
from wardline.engine.operators.administration import Act, Administration
from wardline.learning.registry.card import Card, ModelError
from wardline.learning.registry.store import ONNX, TREES, ModelStore

if TYPE_CHECKING:
    from wardline.learning.keeper import Keeper

TRAINING_SECONDS = 3600.0
TRAINER = ("-m", "wardline.learning.training.apart")
REASON_LIMIT = 320


class Part(msgspec.Struct, frozen=True):
    """What one column adds to a model's evidence in one decision, in log-odds. value: as it was stored."""

    name: str
    value: Value
    log_odds: float


class Explained(msgspec.Struct, frozen=True):
    """evidence = base + the sum of the parts, before it is held within what a model may add."""

    model: str
    evidence: float
    base: float
    parts: list[Part]


class ModelDesk:
    """See the module. recipes: by decision point. act: journals and applies an act. serve: lets a model serve at a point from now on. failed: told the point
    whose model broke on an event. acts_from: by decision point, the log-odds from which its policy asks people for something."""

    def __init__(
        self,
        store: ModelStore,
        keeper: "Callable[[], Keeper]",
        labels: Labels,
        administration: Administration,
        act: Callable[[Act], Awaitable[None]],
        clock: Clock,
        recipes: Mapping[str, Recipe],
        serve: Callable[[str, Model | None], None],
        failed: Callable[[str], None],
        acts_from: Mapping[str, float],
    ) -> None:
        self.store, self.keeper, self.labels, self.administration = store, keeper, labels, administration
        self.act, self.clock, self.recipes, self.serve, self.failed = act, clock, recipes, serve, failed
        self.acts_from = acts_from
        self.faults: dict[str, str] = {}
        self._loaded: dict[str, Model | None] = {}
        self._busy = False
        self._turn = asyncio.Lock()
        self.apart = Apart()

    def open(self) -> None:
        """Let the promoted models serve, once the records have been read."""
        self.store.clear()
        for point in self.recipes:
            self._take_over(point)

    def model_of(self, name: str) -> Model | None:
        """A model by its name; None where it is not kept any more, or cannot be loaded."""
        if name not in self._loaded:
            try:
                self._loaded[name] = self._load(name)
            except ModelError:
                self._loaded[name] = None
        return self._loaded[name]

    def _load(self, name: str) -> Model:
        from wardline.learning.registry.served import Served

        try:
            card = self.store.card(name)
            self._fits(card, name)
            return Served(card, self.store.read(name, ONNX), self.failed)
        except (ValueError, LookupError, OSError) as error:
            raise error if isinstance(error, ModelError) else ModelError(f"model {name} cannot be used: {error}") from None

    def _fits(self, card: Card, name: str) -> None:
        """A card is a file that somebody may have edited, or may come from another program: it raises no model above its point's bounds."""
        recipe = self.recipes.get(card.point)
        if recipe is None or card.name != name:
            raise ModelError(f"model {name} cannot be used: its card names the model {card.name[:64]!r} of {card.point[:64]!r}")
        if not recipe.least <= card.least < 0.0 < card.most <= recipe.most:
            raise ModelError(
                f"model {name} cannot be used: its card lets it add {card.least:g} to {card.most:g} log-odds, and at {card.point} a model adds "
                f"{recipe.least:g} to {recipe.most:g} at most; train a new one"
            )

    def _take_over(self, point: str, model: Model | None = None) -> None:
        """Let the promoted model serve, or none where there is none. model: that one, where it is loaded already."""
        name = self.administration.model(point)
        self.faults.pop(point, None)
        if name and model is None:
            try:
                model = self._load(name)
            except ModelError as error:
                self.faults[point] = str(error)
                logger("model").error("model_left_out", point=point, model=name, detail=str(error))
        if model is not None:
            self._loaded[name] = model
        self.serve(point, model)

    # Training

    async def train(self, point: str, *, since: str = "", until: str = "", shuffled: bool = False, actor: str) -> Card:
        """Train a model on everything that is labelled between two times ("30d", a day). shuffled: a negative control, which is not kept. Raises ModelError,
        HistoryError, StorageError."""
        recipe = self.recipes.get(point)
        if recipe is None:
            raise ModelError(f"no model can be trained for {point[:64]!r}; there are {', '.join(sorted(self.recipes))}")
        if self._busy:
            raise ModelError("a model is being trained; try again when it is done")
        self._busy = True
        try:
            card, files = await asyncio.to_thread(self._train, point, recipe, since, until, shuffled)
            if shuffled:
                return card
            await self.act(Act(op="model.train", actor=actor, point=point, value=card.name))
            return await asyncio.to_thread(self.store.add, card, files)
        except OSError as error:
            raise ModelError(f"no model was kept: {error.strerror or error}; free space on this disk") from None
        finally:
            self._busy = False

    def _train(self, point: str, recipe: Recipe, since: str, until: str, shuffled: bool) -> tuple[Card, dict[str, bytes]]:
        from wardline.learning.backtest import BACKTEST
        from wardline.learning.datasets.rows import decisions, gather, known
        from wardline.learning.history.question import parse_time
        from wardline.learning.training.apart import PRESENT, Order, write_rows

        now_us = self.clock.now_us()
        times: dict[str, Any] = {
            "since_us": parse_time(since, now_us) if since else None,
            "until_us": parse_time(until, now_us) if until else None,
        }
        with self.keeper().session(BACKTEST) as session:
            table = gather(session, point, recipe, known(self.labels, now_us), **times)
            count = decisions(session, point, **times)
        if not len(table):
            raise ModelError(
                f"there are no labelled decisions of {point} in that time ({count} decisions); docs/models.md says how to label them"
            )
        present = self.administration.model(point)
        made = datetime.fromtimestamp(now_us / 1e6, UTC)
        with self.store.training() as folder:
            write_rows(folder, table)
            if present:
                (folder / PRESENT).write_bytes(self.store.read(present, ONNX))
            order = Order(
                name=self.store.free_name(point, made.strftime("%Y-%m-%d")),
                point=point,
                made=made.strftime("%Y-%m-%dT%H:%M:%SZ"),
                folder=str(folder),
                recipe=recipe,
                decisions=count,
                acts_from=self.acts_from.get(point),
                present=self.store.card(present) if present else None,
                shuffled=shuffled,
            )
            card = self._apart(order)
            return card, {name: (folder / name).read_bytes() for name in (ONNX, TREES)}

    def _apart(self, order: Any) -> Card:
        try:
            done = self.apart.run(TRAINER, msgspec.json.encode(order), timeout_seconds=TRAINING_SECONDS)
        except Ended:
            raise ModelError("no model was made: the program is ending; train again after its start") from None
        except TimeoutError:
            raise ModelError(f"no model was made within {TRAINING_SECONDS:.0f} seconds: take fewer days (--since)") from None
        if done.status:
            raise ModelError(f"no model was made: {done.fault}")
        return msgspec.json.decode(done.said, type=Card)

    # Promotion

    async def promote(self, name: str, *, actor: str, reason: str = "") -> Card:
        """Let a model serve. Raises ModelError where it was worse than what serves, or was judged beside another one."""
        async with self._turn:  # of two promotions the second is judged by what the first one left
            return await self._promote(name, actor, reason)

    async def _promote(self, name: str, actor: str, reason: str) -> Card:
        card = self.store.card(name)
        serving = self.administration.model(card.point)
        if serving == name:
            raise ModelError(f"{name} serves already")
        if card.refused:
            raise ModelError(f"{name} is not promoted: {'; '.join(card.refused)}")
        if card.present != serving:
            raise ModelError(
                f"{name} was judged beside {card.present or 'the detectors alone'}, and {serving or 'no model'} serves now: train a new one, "
                "so that it is known whether it is better than that"
            )
        # Before it is journalled: what cannot be loaded is not promoted. In a thread: decisions go on.
        model = await asyncio.to_thread(self._load, name)
        await self.act(Act(op="model.promote", actor=actor, point=card.point, value=name, reason=reason[:REASON_LIMIT]))
        self._take_over(card.point, model)
        return card

    async def rollback(self, point: str, *, actor: str, reason: str = "") -> str:
        """Take the serving model back at once; what served before it serves again. Gives its name, "" for none. Raises ModelError."""
        async with self._turn:
            serving = self.administration.model(point)
            if not serving:
                raise ModelError(f"no model serves at {point[:64]!r}: there is nothing to take back")
            await self.act(Act(op="model.rollback", actor=actor, point=point, value=serving, reason=reason[:REASON_LIMIT]))
            self._take_over(point)
            return self.administration.model(point)

    # Showing

    def listed(self) -> list[dict[str, Any]]:
        """Every model in one line each, oldest first."""
        return [
            {
                "name": card.name,
                "point": card.point,
                "made": card.made,
                "serves": (serves := self.administration.model(card.point) == card.name),
                "fault": self.faults.get(card.point, "") if serves else "",
                "area": card.figures.new.area,
                "area_before": card.figures.present.area,
                "found": card.figures.new.found["1.0%"].share,
                "found_before": card.figures.present.found["1.0%"].share,
                "rows": sum(part.honest + part.abusive for part in (card.data.trained, card.data.calibrated, card.data.held)),
                "refused": card.refused,
            }
            for card in self.store.cards()
        ]

    def explain(self, values: Values) -> Explained | None:
        """What each value added, for a decision in which a model spoke; None where none did, or where it is not kept any more as it
        was."""
        name = values.get(NAME)
        if not isinstance(name, str):
            return None
        from wardline.learning.datasets.encoding import Encoder, narrow
        from wardline.learning.training.ensemble import Ensemble

        try:
            card = self.store.card(name)
            ensemble = msgspec.json.decode(self.store.read(name, TREES), type=Ensemble)
            base, parts = ensemble.contributions(narrow(Encoder(card.encoding).row(values)))
            columns = list(zip(card.encoding.names, parts, strict=True))
        except (ValueError, LookupError, OSError, msgspec.DecodeError):
            return None
        slope, shift = card.beside.slope, card.beside.shift
        told = [Part(column, values.get(column), slope * part) for column, part in columns if part]
        told.sort(key=lambda part: (-abs(part.log_odds), part.name))
        return Explained(name, slope * (base + sum(parts)) + shift, slope * base + shift, told)

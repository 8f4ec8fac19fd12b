"""The models that are kept: DATA/models/NAME/ with card.json, model.onnx and trees.json. What is there never changes.

    store = ModelStore(journal.folder)
    store.add(card, {"model.onnx": b"…", "trees.json": b"…"})
    store.card("signup-2026-11-26")
    store.read("signup-2026-11-26", "model.onnx")       checked against the card

The card is written last, whole: a model without one is none. Which model serves stands in the journal (`engine.operators.administration`), not here.
"""

import contextlib
import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from wardline.base.storage import Folder
from wardline.learning.registry.card import Card, ModelError

FOLDER = "models"
TRAINING = "training"
CARD, ONNX, TREES = "card.json", "model.onnx", "trees.json"
SIZE_LIMIT_BYTES = 64 << 20
_NAME = re.compile(r"[a-z][a-z0-9.-]{0,63}")


class ModelStore:
    """See the module. Raises OSError on a full disk."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def free_name(self, point: str, day: str) -> str:
        """A name that no model has: signup-2026-11-26, then signup-2026-11-26-2 and so on."""
        taken, name, number = set(self._names()), f"{point}-{day}", 1
        while name in taken:
            number += 1
            name = f"{point}-{day}-{number}"
        return name

    def add(self, card: Card, files: dict[str, bytes]) -> Card:
        """Keep a model; gives its card with the files' sums."""
        card = msgspec.structs.replace(card, files={name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())})
        for name, data in files.items():
            self._folder.write_atomic(f"{FOLDER}/{card.name}/{name}", data)
        self._folder.write_atomic(f"{FOLDER}/{card.name}/{CARD}", msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
        return card

    def card(self, name: str) -> Card:
        """A model's card. Raises ModelError: there is none of this name, or it cannot be read."""
        data = self._folder.read(f"{FOLDER}/{name}/{CARD}") if _NAME.fullmatch(name) else None
        if data is None:
            raise ModelError(f"there is no model {name[:64]!r}; `wardline model list` prints them")
        try:
            return msgspec.json.decode(data, type=Card)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise ModelError(f"the card of model {name} cannot be read: {error}") from None

    def read(self, name: str, file: str) -> bytes:
        """One of a model's files. Raises ModelError: it is missing, or is not what the card says."""
        wanted = self.card(name).files.get(file)
        data = self._folder.read(f"{FOLDER}/{name}/{file}")
        if data is None or len(data) > SIZE_LIMIT_BYTES or hashlib.sha256(data).hexdigest() != wanted:
            raise ModelError(f"{file} of model {name} is missing or damaged; take the model back, or restore the folder from a backup")
        return data

    def cards(self) -> list[Card]:
        """Every model that can be read, oldest first."""
        found = []
        for name in self._names():
            try:
                found.append(self.card(name))
            except ModelError:
                continue
        return sorted(found, key=lambda card: (card.made, card.name))

    @contextlib.contextmanager
    def training(self) -> Iterator[Path]:
        """An empty folder for the rows of one training, DATA/training: gone afterwards, and not where whatever is temporary outlives a crash."""
        self.clear()
        path = self._folder.path / TRAINING
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            self.clear()

    def clear(self) -> None:
        """Remove what a training left that was cut off: its rows hold pseudonyms."""
        shutil.rmtree(self._folder.path / TRAINING, ignore_errors=True)

    def _names(self) -> list[str]:
        path = self._folder.path / FOLDER
        files = self._folder.files
        return sorted(name for name in files.names(path) if _NAME.fullmatch(name)) if files.exists(path) else []

"""Models on the disk: whole or not there, and never anything else than the card says."""

from pathlib import Path

import pytest

from tests.learning.registry.cards import card
from wardline.base.storage import DiskFiles, Folder
from wardline.learning.registry.card import ModelError
from wardline.learning.registry.store import ModelStore


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(Folder(tmp_path, DiskFiles(), None))


def test_what_was_put_in_comes_out(store: ModelStore) -> None:
    kept = store.add(card("signup-2026-03-02"), {"model.onnx": b"model", "trees.json": b"{}"})
    assert store.card("signup-2026-03-02") == kept and set(kept.files) == {"model.onnx", "trees.json"}
    assert store.read("signup-2026-03-02", "model.onnx") == b"model"
    assert store.free_name("signup", "2026-03-02") == "signup-2026-03-02-2" and store.free_name("login", "2026-03-02") == "login-2026-03-02"
    assert [each.name for each in store.cards()] == ["signup-2026-03-02"]


def test_a_changed_file_is_refused(store: ModelStore, tmp_path: Path) -> None:
    store.add(card("signup-a"), {"model.onnx": b"model"})
    (tmp_path / "models/signup-a/model.onnx").write_bytes(b"modeL")
    with pytest.raises(ModelError, match="missing or damaged"):
        store.read("signup-a", "model.onnx")
    with pytest.raises(ModelError, match="missing or damaged"):
        store.read("signup-a", "card.json")


def test_a_model_without_a_card_is_none(store: ModelStore, tmp_path: Path) -> None:
    (tmp_path / "models/signup-b").mkdir(parents=True)
    (tmp_path / "models/signup-b/model.onnx").write_bytes(b"model")
    assert store.cards() == [] and store.free_name("signup", "b") == "signup-b-2"
    (tmp_path / "models/signup-b/card.json").write_bytes(b"{}")
    assert store.cards() == []
    with pytest.raises(ModelError, match="cannot be read"):
        store.card("signup-b")


def test_rows_of_a_training_are_gone_afterwards_and_after_a_crash(store: ModelStore, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), store.training() as folder:
        (folder / "rows.arrow").write_bytes(b"rows")
        assert folder.stat().st_mode & 0o77 == 0
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "training").mkdir()
    (tmp_path / "training/rows.arrow").write_bytes(b"of one that was cut off")
    with store.training() as folder:
        assert list(folder.iterdir()) == []
    (tmp_path / "training").mkdir()
    store.clear()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../signup-a", "A", "signup/../x", "x" * 65, "none"])
def test_a_name_that_is_none(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelError, match="there is no model"):
        store.card(name)

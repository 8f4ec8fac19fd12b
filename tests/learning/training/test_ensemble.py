"""Trees as arrays, as ONNX, and as explanations: all three say what LightGBM says."""

from typing import Any

import msgspec
import numpy as np
import pytest

from wardline.learning.registry.served import session
from wardline.learning.training import conversion, trees
from wardline.learning.training.conversion import ConversionError, largest, to_onnx
from wardline.learning.training.ensemble import Ensemble, below, from_lightgbm

COLUMNS = 7


def made(rows: int = 900) -> tuple[np.ndarray, np.ndarray]:
    """Rows of many kinds: counts, categories, huge and tiny numbers, one column that is never missing, one that mostly is."""
    random = np.random.default_rng(5)
    found = random.normal(size=(rows, COLUMNS)).astype(np.float32)
    found[:, 1] = random.integers(0, 6, rows)
    found[:, 2] = random.integers(0, 40, rows)
    found[:, 3] *= 1e30
    found[:, 4] *= 1e-30
    found[random.random(found.shape) < 0.2] = np.nan
    found[:, 5] = np.nan_to_num(found[:, 5])  # LightGBM learns no way for NaN here and takes 0
    found[random.random(rows) < 0.7, 6] = np.nan
    logit = np.nan_to_num(found[:, 0]) + 2 * (found[:, 1] == 3) + np.isnan(found[:, 2]) + found[:, 5] + np.nan_to_num(found[:, 3]) / 1e30
    return found, random.random(rows) < 1 / (1 + np.exp(-logit))


def odd() -> np.ndarray:
    """Rows that no training had: nothing known, and the ends of 32 bits."""
    ends = [np.nan, 0.0, -0.0, 3e38, -3e38, 1e-45, -1e-45, 1.0]
    return np.array([[end] * COLUMNS for end in ends], np.float32)


@pytest.fixture(scope="module")
def model() -> tuple[Any, Ensemble, np.ndarray]:
    rows, abusive = made()
    booster = trees.train(rows[:600], abusive[:600])
    return booster, from_lightgbm(booster.dump_model()), np.vstack([rows[600:], odd()])


def test_arrays_say_what_lightgbm_says(model: tuple[Any, Ensemble, np.ndarray]) -> None:
    booster, ensemble, rows = model
    native = trees.native(booster, rows)
    assert [ensemble.raw(row) for row in rows.tolist()] == pytest.approx(native.tolist(), abs=1e-12)
    assert msgspec.json.decode(msgspec.json.encode(ensemble), type=Ensemble) == ensemble


def test_onnx_says_what_lightgbm_says(model: tuple[Any, Ensemble, np.ndarray]) -> None:
    booster, ensemble, rows = model
    assert largest(to_onnx(ensemble), rows, trees.native(booster, rows)) < conversion.TOLERANCE
    assert to_onnx(ensemble) == to_onnx(ensemble)


def test_a_wrong_threshold_is_noticed(model: tuple[Any, Ensemble, np.ndarray]) -> None:
    booster, ensemble, rows = model
    first = ensemble.trees[0]
    moved = msgspec.structs.replace(first, threshold=[each + 0.5 for each in first.threshold])
    wrong = msgspec.structs.replace(ensemble, trees=[moved, *ensemble.trees[1:]])
    with pytest.raises(ConversionError, match="differ by"):
        largest(to_onnx(wrong), rows, trees.native(booster, rows))


def test_every_row_goes_the_same_way_at_the_very_threshold(model: tuple[Any, Ensemble, np.ndarray]) -> None:
    """Values at, just below and just above each threshold of the first column: where 64 and 32 bits part."""
    booster, ensemble, _ = model
    found = {tree.threshold[node] for tree in ensemble.trees for node, feature in enumerate(tree.feature) if feature == 0}
    rows = []
    for threshold in sorted(found)[:60]:
        at = np.float32(threshold)
        for value in (np.nextafter(at, np.float32(-np.inf)), at, np.nextafter(at, np.float32(np.inf))):
            rows.append([float(value), *[0.0] * (COLUMNS - 1)])
    table = np.array(rows, np.float32)
    said = session(to_onnx(ensemble)).run(None, {conversion.INPUT: table})[0].reshape(-1)
    assert np.max(np.abs(said - trees.native(booster, table))) < conversion.TOLERANCE


def test_contributions_are_those_of_lightgbm_and_sum_to_the_score(model: tuple[Any, Ensemble, np.ndarray]) -> None:
    booster, ensemble, rows = model
    some = np.vstack([rows[:12], odd()])
    native = booster.predict(some, pred_contrib=True, num_threads=1)
    for row, theirs in zip(some.tolist(), native.tolist(), strict=True):
        base, parts = ensemble.contributions(row)
        assert [*parts, base] == pytest.approx(theirs, abs=1e-8)
        assert base + sum(parts) == pytest.approx(ensemble.raw(row), abs=1e-9)


def test_the_same_rows_make_the_same_trees() -> None:
    rows, abusive = made(300)
    assert trees.train(rows, abusive).model_to_string() == trees.train(rows, abusive).model_to_string()


@pytest.mark.parametrize("threshold", [0.1, -0.1, 1e-50, -1e-50, 1e300, -1e300, 2.0, 1 / 3])
def test_a_threshold_of_32_bits_is_the_greatest_below(threshold: float) -> None:
    found = below(threshold)
    assert found <= threshold
    with np.errstate(over="ignore"):
        assert float(np.nextafter(np.float32(found), np.float32(np.inf))) > threshold or threshold > 3.4e38


@pytest.mark.parametrize("node", [{"decision_type": "==", "missing_type": "None"}, {"decision_type": "<=", "missing_type": "Zero"}])
def test_nodes_of_another_kind_are_refused(node: dict[str, str]) -> None:
    leaf = {"leaf_value": 0.0, "leaf_count": 1}
    root = {
        "split_feature": 0,
        "threshold": 1.0,
        "default_left": True,
        "internal_count": 2,
        "left_child": leaf,
        "right_child": leaf,
        **node,
    }
    with pytest.raises(ValueError, match="cannot be converted"):
        from_lightgbm({"max_feature_idx": 0, "tree_info": [{"tree_structure": root}]})

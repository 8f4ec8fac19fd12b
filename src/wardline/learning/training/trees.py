"""LightGBM as it is used here: one thread, fixed seeds, the same trees from the same rows.

    booster = train(rows, abusive)          rows: 32-bit floats, NaN for unknown; abusive: flags
    native(booster, rows)                   raw log-odds before calibration

Small trees and few of them: the tables are small, labels are noisy, and an explanation walks all leaves. No number is searched for; what was tried stands in
docs/experiments. Needs the extra `train`.
"""

from typing import Any

import numpy as np

TREES = 150
SEED = 20261126
PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.06,
    "num_leaves": 15,
    "max_depth": 6,
    "lambda_l2": 1.0,
    "feature_fraction": 0.8,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": SEED,
    "verbosity": -1,
}


def leaf_rows(rows: int) -> int:
    """Rows that a leaf needs: a hundredth of all, from 5 to 40."""
    return min(max(rows // 100, 5), 40)


def train(rows: np.ndarray, abusive: np.ndarray) -> Any:
    """A booster. Raises ImportError without LightGBM."""
    import lightgbm

    parameters = {**PARAMETERS, "min_data_in_leaf": leaf_rows(len(rows))}
    return lightgbm.train(parameters, lightgbm.Dataset(rows, abusive.astype(np.float64), free_raw_data=True), TREES)


def native(booster: Any, rows: np.ndarray) -> np.ndarray:
    """What the trees say of rows."""
    return np.asarray(booster.predict(rows, raw_score=True, num_threads=1), np.float64)

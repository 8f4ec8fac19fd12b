"""Trees to ONNX, and the proof that ONNX says the same.

    data = to_onnx(ensemble)                    one TreeEnsembleRegressor: rows of 32-bit floats in, raw log-odds out
    largest(data, rows, native)                 the largest difference over rows, NaN included; raises ConversionError above TOLERANCE

Operator: ai.onnx.ml TreeEnsembleRegressor, version 1 (https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html). Needs the extra `train`.
"""

from typing import Any

import numpy as np

from wardline.learning.training.ensemble import LEAF, Ensemble

TOLERANCE = 1e-5
INPUT, OUTPUT = "row", "raw"
IR_VERSION, OPSET, ML_OPSET = 8, 15, 1


class ConversionError(ValueError):
    """The converted model says something else than the one that was trained."""


def to_onnx(ensemble: Ensemble) -> bytes:
    """The model as ONNX."""
    from onnx import TensorProto, helper

    nodes: dict[str, list[Any]] = {
        name: []
        for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    for number, tree in enumerate(ensemble.trees):
        for node, feature in enumerate(tree.feature):
            leaf = feature == LEAF
            nodes["treeids"].append(number)
            nodes["nodeids"].append(node)
            nodes["featureids"].append(0 if leaf else feature)
            nodes["values"].append(tree.threshold[node])
            nodes["modes"].append("LEAF" if leaf else "BRANCH_LEQ")
            nodes["truenodeids"].append(tree.left[node])
            nodes["falsenodeids"].append(tree.right[node])
            nodes["missing_value_tracks_true"].append(int(tree.missing_left[node]))
            if leaf:
                leaves["treeids"].append(number)
                leaves["nodeids"].append(node)
                leaves["ids"].append(0)
                leaves["weights"].append(tree.value[node])
    attributes: dict[str, Any] = {f"nodes_{name}": values for name, values in nodes.items()}
    attributes |= {f"target_{name}": values for name, values in leaves.items()}
    build: Any = helper.make_node
    operator = build(
        "TreeEnsembleRegressor",
        [INPUT],
        [OUTPUT],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        **attributes,
    )
    graph = helper.make_graph(
        [operator],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, ensemble.columns])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="wardline")
    return bytes(model.SerializeToString(deterministic=True))


def largest(data: bytes, rows: np.ndarray, native: np.ndarray) -> float:
    """The largest absolute difference between what ONNX Runtime and LightGBM say of rows, in log-odds. Raises ConversionError above TOLERANCE."""
    from wardline.learning.registry.served import session

    said = session(data).run(None, {INPUT: rows})[0].reshape(-1)
    found = float(np.max(np.abs(said.astype(np.float64) - native), initial=0.0))
    if not found <= TOLERANCE:
        raise ConversionError(f"ONNX and LightGBM differ by {found:.2g} log-odds, more than {TOLERANCE:g}: this model is not kept")
    return found

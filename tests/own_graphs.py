"""ONNX graphs as they come from elsewhere, with their manifests."""

import numpy as np
import yaml
from onnx import helper, numpy_helper

TRAINED_THROUGH = np.datetime64("2024-12-31")
HORIZON = 90


def written(folder, model, **fields):
    """Write model and manifest; return their paths."""
    file, description = folder / "model.onnx", folder / "manifest.yml"
    file.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    known = {"target": "deal_win", "trained_through_date": TRAINED_THROUGH.item(), "label_horizon_days": HORIZON}
    description.write_text(yaml.safe_dump(known | fields, sort_keys=False))
    return file, description


def hand_made(nodes, inputs, outputs, constants=(), opset=17, **options):
    """A graph of any shape; inputs and outputs are (name, type, shape)."""
    graph = helper.make_graph(
        nodes, "hand", [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", opset), *options.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **options)

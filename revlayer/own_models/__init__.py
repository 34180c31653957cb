"""Models of your own: an ONNX file and a manifest become a candidate like any other, or are refused with a reason."""

from revlayer.own_models.adding import Added, add
from revlayer.own_models.description import OwnModelError

__all__ = ["Added", "OwnModelError", "add"]

"""The offline side: fit, evaluate, export to ONNX and register."""

from revlayer_training.training import TARGETS, TrainingResult, train, train_all

__all__ = ["TARGETS", "TrainingResult", "train", "train_all"]

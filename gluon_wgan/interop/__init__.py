"""Checkpoints that cross over: the original PyTorch code's in and out, GluonCV's in, ONNX out.

The originals' critic scores real pictures low; ours, as the paper's, scores them high. The two are each other with the
last layer negated, and negating is exact, so a round trip is bit-equal.
"""

from gluon_wgan.interop.blocks import load_torch_critic, load_torch_generator
from gluon_wgan.interop.export import export_onnx, export_torch
from gluon_wgan.interop.imports import import_run

__all__ = ["export_onnx", "export_torch", "import_run", "load_torch_critic", "load_torch_generator"]

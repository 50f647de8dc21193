"""Measure parity, by the program that lies beside the reference among the tests."""

import subprocess
import sys

from gluon_wgan.interop.reference import reference_file


def measure(flags, results):
    """Measure into reports/data/parity.json; raises UserError without PyTorch or a checkout."""
    script = reference_file("--measure", "measure.py")
    results.file.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, script, "--out", results.file], check=True)

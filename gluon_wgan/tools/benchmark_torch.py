"""PyTorch's step beside ours: the reference of the parity tests, timed in a process of its own. Loads without mxnet."""

import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import fields
from functools import partial
from pathlib import Path

from gluon_wgan.data.batches import noise_pictures
from gluon_wgan.pictures import to_uint8
from gluon_wgan.settings import Settings


class TorchProcess:
    """A process in which PyTorch does the steps that it is told to do. Leave its `with` block to end it.

    In one process both would use one libgomp, and neither slow the other: measured in turns at 32x32 with 16 channels,
    on two cores, ours took 0.082 s a step there and 0.081 s alone, PyTorch 0.108 s and 0.117 s, in channels_last
    0.086 s and 0.092 s. But they would also share a heap, so that each one's page faults hang on what the other has
    allocated, and our peak memory would count PyTorch's. Apart, each is what its users have. Who waits sleeps: the
    threads of libgomp spin for milliseconds, and a turn takes a second or more.

    Parameters
    ----------
    reference : str or pathlib.Path
        tests/parity/reference.py.
    settings : Settings
        Batch size, image size and channels, latent_dim, n_critic, lipschitz: the work.

    Attributes
    ----------
    environment : dict
        version, threads, interop_threads.
    """

    def __init__(self, reference, settings):
        command = [sys.executable, "-m", __name__, str(reference), json.dumps(settings.to_json())]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.environment = self._answer()

    def steps(self, way, count):
        """Do steps (n_critic critic updates and 1 generator update each), and return the seconds of each, a list.

        Parameters
        ----------
        way : str
            "contiguous_format", as the original is written; "channels_last"; or "compiled", the first by torch.compile.
        count : int
        """
        return self._ask("step", way, count)

    def critic_steps(self, way, count):
        """Do critic updates, and return the seconds of each; parameters as of `steps`."""
        return self._ask("critic_step", way, count)

    def sample_batches(self, way, count):
        """Generate batches of pictures, uint8, and return the seconds of each; parameters as of `steps`."""
        return self._ask("sample", way, count)

    def _ask(self, work, way, count):
        self._process.stdin.write(json.dumps([work, way, count]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the PyTorch process ended with status {self._process.wait()}; see its message above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.stdin.close()  # the end of its orders
        self._process.wait()
        self._process.stdout.close()


def build_reference(reference, settings, way):
    """Return the reference's training of these settings.

    Parameters
    ----------
    reference : module
        tests/parity/reference.py, loaded.
    settings : Settings
    way : str
        See `TorchProcess.steps`.
    """
    shared = {
        field.name: getattr(settings, field.name) for field in fields(reference.Recipe) if hasattr(settings, field.name)
    }
    # run_on: an epoch's end does not end the critic updates, as with ours
    recipe = reference.Recipe(**shared, rmsprop_epsilon=settings.critic_rmsprop_epsilon, run_on=True)
    torch = reference.torch
    layout = torch.contiguous_format if way == "compiled" else getattr(torch, way)
    training = reference.Reference(recipe, noise_pictures(settings), memory_format=layout)
    if way == "compiled":
        training.generator, training.critic = torch.compile(training.generator), torch.compile(training.critic)
    return training


def do_step(training):
    """Do one step of the reference without the start-up schedule: n_critic critic updates, one generator update."""
    for _ in range(training.recipe.n_critic):
        training.critic_step()
    training.generator_step()


def sample_batch(torch, training):
    """Generate a batch of pictures, uint8 (N, H, W, C), with batch statistics, as the original's samples."""
    with torch.no_grad():
        images = training.generator(training.latents("generated_latents", 0)).numpy()
    return to_uint8(images)


def _serve(path, settings):
    """Answer each line [work, way, count] on stdin with the steps' seconds on stdout, until stdin ends."""
    sys.path.insert(0, str(Path(path).parent))
    reference = importlib.import_module(Path(path).stem)
    torch = reference.torch
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))  # as many as MXNet takes
    _say(
        {
            "version": torch.__version__,
            "threads": torch.get_num_threads(),
            "interop_threads": torch.get_num_interop_threads(),
        }
    )
    trainings = {}
    for line in sys.stdin:
        work, way, count = json.loads(line)
        if way not in trainings:
            trainings[way] = build_reference(reference, settings, way)
        do = {
            "step": partial(do_step, trainings[way]),
            "critic_step": trainings[way].critic_step,
            "sample": partial(sample_batch, torch, trainings[way]),
        }[work]
        seconds = []
        for _ in range(count):
            began = time.perf_counter()
            do()
            seconds.append(time.perf_counter() - began)
        _say(seconds)


def _say(answer):
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], Settings.from_json(json.loads(sys.argv[2]), "the settings"))

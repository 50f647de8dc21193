"""Inside deep networks: how gradients run through a critic's layers, and what an update costs in time and memory."""

import json
import os
import resource
import subprocess
import sys

import numpy as np
from mxnet import autograd, nd

from gluon_wgan.checkpoint import load_weights
from gluon_wgan.data.batches import normalise
from gluon_wgan.models import build_critic, build_generator
from gluon_wgan.models.sampling import samples
from gluon_wgan.settings import Settings
from gluon_wgan.training.timing import noise_trainer, seconds_of

_UPDATES = 5  # timed
# in its own process, whose memory is that of nothing else
_COST = f"""
import json, sys
from gluon_wgan import use_synchronous_engine
use_synchronous_engine()
from {__name__} import cost_here
print(json.dumps(cost_here(json.loads(sys.argv[1]))))
"""


def norms_of(settings, checkpoint, pictures):
    """Return the gradient norms through a run's critic, JSON values.

    Parameters
    ----------
    settings : gluon_wgan.settings.Settings
    checkpoint : pathlib.Path or None
        The trained one; None where a number was not finite.
    pictures : numpy.ndarray
        Real ones, uint8 (N, H, W, C), of which a batch is taken.

    Returns
    -------
    dict of str to list of float
        start, end: see `gradient_norms`, of the untrained networks and of the trained ones; without the end where there
        is no checkpoint.
    """
    found, places = {}, {"start": None} if checkpoint is None else {"start": None, "end": checkpoint}
    for when, place in places.items():
        generator, critic = build_generator(settings), build_critic(settings)
        if place is not None:
            load_weights(place / "generator.params", generator)
            load_weights(place / "critic.params", critic)
        made = samples(generator, settings, settings.batch_size)
        found[when] = gradient_norms(critic, normalise(pictures[: settings.batch_size]), normalise(made)).tolist()
    return found


def gradient_norms(critic, real, fake):
    """Return the norm of the gradient of mean f(fake) - mean f(real) by the output of each part of a critic.

    As Gulrajani et al. 2017, Figure 1b. Each norm is over both batches and all units. BatchNorm takes the statistics of
    each batch.

    Parameters
    ----------
    critic : gluon_wgan.models.critic.CriticNetwork
        Not hybridized.
    real, fake : numpy.ndarray
        (N, C, H, W) and (M, C, H, W), float32, in [-1, 1].

    Returns
    -------
    numpy.ndarray
        (parts of `critic.main` but the last two, which make the scores), the first part's first.
    """
    probes = []
    with autograd.record():
        loss = 0
        for sign, x in ((1, nd.array(fake)), (-1, nd.array(real))):
            of_batch = []
            for part in critic.main:
                x = part(x)
                # a zero that is added has the gradient by what it is added to
                probe = nd.zeros(x.shape)
                probe.attach_grad()
                of_batch.append(probe)
                x = x + probe
            probes.append(of_batch)
            loss = loss + sign * x.mean()
    loss.backward()
    # in float64: the squares of float32 vanish below 1e-19
    squares = [[np.sum(probe.grad.asnumpy().astype(np.float64) ** 2) for probe in of_batch] for of_batch in probes]
    return np.sqrt(np.sum(squares, axis=0))[:-2]


def cost(settings):
    """Return what training costs, measured in a process of its own with one thread, JSON values; see `cost_here`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", _COST, json.dumps(settings.to_json())]
    said = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
    return json.loads(said.splitlines()[-1])


def cost_here(config):
    """Return the medians of critic_seconds and generator_seconds, of an update on noise, peak_memory_mib, n_critic.

    Parameters
    ----------
    config : dict
        Settings, as they stand in a config.json.
    """
    settings = Settings.from_json(config, "settings")
    trainer, found = noise_trainer(settings), {"n_critic": settings.n_critic}
    for name, update in (("critic_seconds", trainer.critic_step), ("generator_seconds", trainer.generator_step)):
        update(), update()  # the first build graphs and memory
        found[name] = float(np.median([seconds_of(update) for _ in range(_UPDATES)]))
    return {**found, "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}

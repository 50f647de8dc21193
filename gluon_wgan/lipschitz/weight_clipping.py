"""Weight clipping (Arjovsky et al. 2017, Algorithm 1, line 7)."""

import numpy as np
from mxnet import nd
from mxnet.gluon import Block

from gluon_wgan.errors import UserError


def clip_weights(block, bound):
    """Clip every trainable parameter to [-bound, bound], by `set_data`.

    BatchNorm's scale and shift are trainable and are clipped, as in the original. Its running statistics are not:
    they are no parameters in PyTorch, though `collect_params()` lists them in Gluon, and GluonCV's script clips them
    too.

    Parameters
    ----------
    block : mxnet.gluon.Block, or list of mxnet.gluon.Parameter
        Initialised. A list spares Gluon collecting them, each time.
    bound : float
        More than 0.

    Raises
    ------
    UserError
        If the bound is not a finite number above 0.
    """
    if not 0 < bound < float("inf"):
        raise UserError("--clip-bound", bound, "a finite number above 0")
    for parameter in block.collect_params().values() if isinstance(block, Block) else block:
        if parameter.grad_req != "null":
            weight = parameter.data()
            if weight.dtype == np.float64:  # clip's bounds are float32, those of maximum and minimum are not
                clipped = nd.minimum(nd.maximum(weight, -bound), bound)
            else:
                clipped = nd.clip(weight, -bound, bound, out=weight)  # so that set_data copies to other devices alone
            parameter.set_data(clipped)

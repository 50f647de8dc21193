"""Weight clipping (Arjovsky et al. 2017, Algorithm 1, line 7)."""

from mxnet import nd

from gluon_wgan.errors import UserError


def clip_weights(block, bound):
    """Clip every trainable parameter of a Gluon block to [-bound, bound], by `set_data`.

    BatchNorm's scale and shift are trainable and are clipped, as in the original. Its running statistics are not:
    they are no parameters in PyTorch, though `collect_params()` lists them in Gluon, and GluonCV's script clips them
    too.

    Parameters
    ----------
    block : mxnet.gluon.Block
        Initialised.
    bound : float
        More than 0. MXNet compares in float32, also for float64 weights.

    Raises
    ------
    UserError
        If the bound is not a finite number above 0.
    """
    if not 0 < bound < float("inf"):
        raise UserError("--clip-bound", bound, "a finite number above 0")
    for parameter in block.collect_params().values():
        if parameter.grad_req != "null":
            parameter.set_data(nd.clip(parameter.data(), -bound, bound))

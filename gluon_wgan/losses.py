"""The losses of critic and generator, from the scores of a batch: WGAN's, and the two plain GAN losses.

Scores are the critic's raw outputs f(x), shape (N,); a plain GAN's discriminator is D(x) = sigmoid(f(x)). The sign is
the paper's: the critic's score is high on real pictures. (The original PyTorch code and GluonCV train the mirror
image: their critic minimises mean f(real) - mean f(fake).)
"""

from mxnet import nd

from gluon_wgan.errors import UserError


def _softplus(scores):
    """Return log(1 + exp(scores)); MXNet's softrelu adds the 1 before the logarithm and loses scores below -10."""
    return nd.where(scores > 40, scores, nd.log1p(nd.exp(nd.minimum(scores, 40))))


_CRITIC = {
    "wasserstein": lambda real, fake: fake.mean() - real.mean(),
    # -log D(real) = softplus(-f), -log(1 - D(fake)) = softplus(f)
    "minimax": lambda real, fake: _softplus(-real).mean() + _softplus(fake).mean(),
}
_CRITIC["non_saturating"] = _CRITIC["minimax"]
_GENERATOR = {
    "wasserstein": lambda fake: -fake.mean(),
    "minimax": lambda fake: -_softplus(fake).mean(),
    "non_saturating": lambda fake: _softplus(-fake).mean(),
}


def critic_loss(name, score_real, score_fake):
    """Return what the critic minimises, a scalar array.

    - wasserstein: mean f(fake) - mean f(real) (Arjovsky et al. 2017, Algorithm 1, line 5, negated)
    - minimax, non_saturating: -mean log D(real) - mean log(1 - D(fake)) (Goodfellow et al. 2014, eq. 1, negated)

    Parameters
    ----------
    name : str
    score_real, score_fake : mxnet.nd.NDArray
        (N,).

    Raises
    ------
    UserError
        If there is no loss of that name.
    """
    return _look_up(_CRITIC, name)(score_real, score_fake)


def generator_loss(name, score_fake):
    """Return what the generator minimises, a scalar array; parameters as for `critic_loss`.

    - wasserstein: -mean f(fake)
    - minimax: mean log(1 - D(fake)), whose gradient vanishes where D is sure
    - non_saturating: -mean log D(fake)
    """
    return _look_up(_GENERATOR, name)(score_fake)


def _look_up(losses, name):
    if name not in losses:
        raise UserError("--loss", repr(name), ", ".join(losses))
    return losses[name]

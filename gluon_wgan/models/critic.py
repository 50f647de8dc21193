"""What the critics of this room have in common."""

from mxnet.gluon import nn

from gluon_wgan import layers
from gluon_wgan.errors import UserError


class CriticNetwork(nn.HybridBlock):
    """A critic whose layers sit in `main`: a `gluon_wgan.layers.Critic`, or, with BatchNorm, a plain Sequential.

    Parameters
    ----------
    outputs : int
        Numbers of the last layer: 1, the score; with more, (N, outputs), the score is the first.
    """

    def __init__(self, outputs=1, **kwargs):
        super().__init__(**kwargs)
        self._outputs = outputs

    def scores(self, F, images):
        """Return main's scores (N,), or all outputs."""
        scores = self.main(images)
        if isinstance(self.main, layers.Critic) or self._outputs > 1:
            return scores
        return F.squeeze(scores, axis=1)  # (N, 1) -> (N,)

    def scores_and_input_gradient(self, images):
        """Return scores (N,), or all outputs, and the scores' input gradient, see `gluon_wgan.layers.Critic`.

        Raises
        ------
        UserError
            If the critic has BatchNorm.
        """
        return self._of_layers().scores_and_input_gradient(images)

    def linearise(self, images):
        """Return the critic at a batch, see `gluon_wgan.layers.Critic`; raises as `scores_and_input_gradient`."""
        return self._of_layers().linearise(images)

    def _of_layers(self):
        if not isinstance(self.main, layers.Critic):
            given = "one with BatchNorm, which ties samples together, for a penalty per sample"
            raise UserError("--critic", given, "one with -layer-norm, -instance-norm or -no-bn in its name, or mlp")
        return self.main

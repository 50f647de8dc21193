"""What a critic has to do with the pictures' labels: it sees them, or it names them."""

from mxnet import gluon, nd

from gluon_wgan.data.labels import planes

# Of the cross-entropy in either loss, as in WGAN-GP's code for CIFAR-10.
CRITIC_SHARE, GENERATOR_SHARE = 1.0, 0.1


class SeenLabels:
    """The critic takes planes of the labels beside its pictures, see `gluon_wgan.data.labels.planes`.

    Parameters
    ----------
    classes : int
        0 for pictures without labels, which are taken as they are.
    """

    def __init__(self, classes):
        self._classes = classes

    def critic_takes(self, pictures, labels):
        """Return what the critic takes of pictures (N, C, H, W) and labels (N,): (N, C + classes, H, W)."""
        if not self._classes:
            return pictures
        beside = planes(labels, self._classes, pictures.shape[-1], pictures.dtype)
        return nd.concat(pictures, nd.array(beside, ctx=pictures.context, dtype=pictures.dtype), dim=1)

    def of_pictures(self, gradient):
        """Return the part of a gradient by what the critic takes that is by the pictures."""
        return nd.slice_axis(gradient, axis=1, begin=0, end=-self._classes) if self._classes else gradient

    def direction(self, of_pictures):
        """Return a direction of pictures as one of what the critic takes: in none along the labels."""
        if not self._classes:
            return of_pictures
        count, _, *side = of_pictures.shape
        nothing = nd.zeros((count, self._classes, *side), ctx=of_pictures.context, dtype=of_pictures.dtype)
        return nd.concat(of_pictures, nothing, dim=1)

    def scores(self, outputs):
        """Return the critic's outputs (N,): they are its scores."""
        return outputs

    def label_loss(self, outputs, labels):
        """Return None: no label is asked for."""


class NamedLabels:
    """The critic takes pictures alone, and has an output for each class beside its score: an auxiliary classifier.

    It learns to name the real pictures' labels; the generator, to draw what is named as it was asked for. As in
    WGAN-GP's code for CIFAR-10 (github.com/igul222/improved_wgan_training, gan_cifar_resnet.py), after Odena et al.
    2017 (https://arxiv.org/abs/1610.09585), whose critic learns to name generated pictures too.

    Departures from that code: the generator has labels beside its latent, not a BatchNorm for each, and its update has
    a batch as large as the critic's, not twice as large.
    """

    def critic_takes(self, pictures, labels):
        """Return the pictures."""
        return pictures

    def of_pictures(self, gradient):
        """Return the gradient."""
        return gradient

    def direction(self, of_pictures):
        """Return the direction."""
        return of_pictures

    def scores(self, outputs):
        """Return the first of the critic's outputs (N, 1 + classes)."""
        return nd.slice_axis(outputs, axis=1, begin=0, end=1).reshape((-1,))

    def label_loss(self, outputs, labels):
        """Return the mean cross-entropy of labels (N,) and the softmax of the other outputs, as (1,)."""
        logits = nd.slice_axis(outputs, axis=1, begin=1, end=None)
        named = gluon.loss.SoftmaxCrossEntropyLoss()
        return named(logits, nd.array(labels, ctx=outputs.context, dtype=outputs.dtype)).mean()

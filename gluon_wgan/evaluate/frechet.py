"""Fréchet distance between the features of two picture sets, after Heusel et al. 2017 (FID).

Not FID itself: that takes Inception-v3's features, of 10,000 or more pictures. Numbers of another network are not
comparable with published ones.
"""

import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures, two_sets_of_points
from gluon_wgan.resize import get_resizer
from gluon_wgan.without_torch import without_torch

NETWORKS = tuple(f"resnet{layers}_v1" for layers in (18, 34, 50, 101, 152))
NETWORK_SIDE = 224  # pixels
# of ImageNet in RGB, of pictures in [0, 1]: what the networks were trained with
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def frechet_distance(features_a, features_b):
    """Return the squared 2-Wasserstein distance between the normal distributions fitted to two sets of points.

    |m_a - m_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)), with sample means m and covariances C (divisor n - 1), as in
    Heusel et al. 2017 (https://arxiv.org/abs/1706.08500), eq. 6. The trace of the root is the sum of the singular
    values of A B', where A and B are the centred points over sqrt(n - 1): A'A = C_a, so C_a C_b = A'A B'B has the
    eigenvalues of (A B')(A B')'. Hence no root of a matrix, and nothing is added to the diagonal where there are fewer
    points than dimensions.

    Warning: the number is then defined, but large: covariances of n - 1 dimensions out of D hardly overlap. It falls as
    n grows, for any n, so compare only distances of as many points.

    Parameters
    ----------
    features_a, features_b : numpy.ndarray
        Floats (n, D), n 2 or more; n may differ.

    Returns
    -------
    float
        0 or more, in the square of the features' unit.

    Raises
    ------
    UserError
        If the shapes do not match, there is a single point, or a value is not finite.
    """
    sets = two_sets_of_points(2, features_a=features_a, features_b=features_b)
    means = [points.mean(axis=0) for points in sets]
    centred = [(points - mean) / np.sqrt(len(points) - 1) for points, mean in zip(sets, means)]
    # A = Q R with orthonormal columns in Q, so A B' and R_a R_b' have the same singular values
    root_a, root_b = (np.linalg.qr(points, mode="r") for points in centred)
    overlap = np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum()
    spread = np.square(centred[0]).sum() + np.square(centred[1]).sum()
    # equal sets come out at rounding, of either sign
    return float(max(np.square(means[0] - means[1]).sum() + spread - 2 * overlap, 0))


def picture_features(pictures, parameters, network="resnet18_v1", batch_size=32):
    """Return what a classifier of GluonCV's model zoo sees in pictures: its features before the last layer.

    The pictures are rounded to uint8, resized to 224x224 by Pillow (bilinear), grey ones repeated to three channels,
    and normalised as ImageNet. Nothing is downloaded: the weights are a file of yours.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 or float32 (N, H, W, C), 0 to 255.
    parameters : path
        The network's .params file, of GluonCV.
    network : str
        "resnet18_v1", "resnet34_v1", "resnet50_v1", "resnet101_v1" or "resnet152_v1".
    batch_size : int
        Pictures at a time.

    Returns
    -------
    numpy.ndarray
        float32 (N, D); D is 512 for 18 and 34 layers, else 2048.

    Raises
    ------
    UserError
        If the network is none of these, the file does not exist or does not fit, or the pictures are none.
    """
    check_pictures("pictures", pictures)
    if batch_size < 1:
        raise UserError("batch_size", batch_size, "1 or more")
    net = _load(network, parameters)
    from mxnet import nd

    features = []
    for start in range(0, len(pictures), batch_size):
        prepared = _for_imagenet(pictures[start : start + batch_size])
        features.append(net.features(nd.array(prepared, dtype=np.float32)).asnumpy())  # (N, D, 1, 1)
    return np.concatenate(features).reshape(len(pictures), -1)


def _for_imagenet(pictures):
    """(N, H, W, C), 0 to 255 -> float32 (N, 3, 224, 224), normalised."""
    resizer = get_resizer("pil")
    rounded = np.rint(pictures).astype(np.uint8)
    resized = np.stack([resizer(picture, NETWORK_SIDE, NETWORK_SIDE) for picture in rounded])
    normalised = (resized / np.float32(255) - IMAGENET_MEAN) / IMAGENET_DEVIATION  # (N, 224, 224, 1 or 3) -> 3
    return normalised.transpose(0, 3, 1, 2)


def _load(network, parameters):
    if network not in NETWORKS:
        raise UserError("network", repr(network), ", ".join(NETWORKS))
    from mxnet import base, cpu

    net = import_gluoncv().model_zoo.get_model(network, pretrained=False)
    try:
        net.load_parameters(str(parameters), ctx=cpu())
    # no such file or not of this kind; too many arrays; too few, or of other shapes
    except (base.MXNetError, ValueError, AssertionError) as mistake:
        given = f"{parameters} ({str(mistake).splitlines()[-1]})"
        raise UserError("parameters", given, f"a .params file of GluonCV's {network}") from mistake
    return net


def import_gluoncv():
    """Import gluoncv, which refuses to be imported beside PyTorch 2, with PyTorch out of sight for that moment."""
    with without_torch():
        import gluoncv
    return gluoncv

"""Are pictures digits? Their nearest neighbours among MNIST's labelled ones say which, and whether they agree."""

import numpy as np

from gluon_wgan.errors import UserError

# Fixed before any run.
NEIGHBOURS = 5
_BATCH = 250  # pictures at a time: their distances to 54,000 others take 54 MB


def recognise(pictures, known, labels):
    """Say which digits pictures look like, by their 5 nearest known ones (Euclidean distance of the pixels).

    Parameters
    ----------
    pictures, known : numpy.ndarray
        uint8 (N, H, W, 1) and (M, H, W, 1), M at least 5.
    labels : numpy.ndarray
        (M,), 0 to 9.

    Returns
    -------
    dict
        agree: the share of pictures whose 5 neighbours are all of one digit; shares: of each digit among the nearest
        neighbours, a list of 10; distance: the median distance of the nearest, in grey levels a pixel (root mean
        square).

    Raises
    ------
    UserError
        If the shapes do not fit, or a label is no digit.
    """
    if pictures.shape[1:] != known.shape[1:] or len(known) < NEIGHBOURS or len(pictures) < 1:
        raise UserError("pictures", f"{pictures.shape}, beside {known.shape}", f"one shape, {NEIGHBOURS} known or more")
    if labels.shape != known.shape[:1] or labels.max() > 9:
        raise UserError("labels", f"{labels.shape}, up to {labels.max()}", f"({len(known)},), 0 to 9")
    points = known.reshape(len(known), -1).astype(np.float32)
    squares = np.square(points).sum(axis=1)
    found, distances = [], []
    for start in range(0, len(pictures), _BATCH):
        batch = pictures[start : start + _BATCH].reshape(-1, points.shape[1]).astype(np.float32)
        # |a - b|^2 without a's own part, which moves no order
        apart = squares - 2 * batch @ points.T
        nearest = np.argpartition(apart, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        order = np.take_along_axis(apart, nearest, axis=1).argsort(axis=1)
        nearest = np.take_along_axis(nearest, order, axis=1)
        found.append(labels[nearest])
        distances.append(np.sqrt(np.square(batch - points[nearest[:, 0]]).mean(axis=1)))
    found = np.concatenate(found)
    return {
        "agree": float((found == found[:, :1]).all(axis=1).mean()),
        "shares": (np.bincount(found[:, 0], minlength=10) / len(found)).tolist(),
        "distance": float(np.median(np.concatenate(distances))),
    }

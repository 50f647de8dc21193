"""The share of pictures in which a face is found: the anime face detection rate of a course on machine learning."""

from pathlib import Path

import cv2
import numpy as np

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.checks import check_pictures

_LEAST = 24  # pixels of a side: the window that the course's cascade was trained with


def face_share(pictures, cascade):
    """Return the share of pictures in which a cascade of OpenCV finds a face.

    The pictures are made grey, their histogram is equalised, and `detectMultiScale` looks for faces of 24 pixels and
    more, each size 1.1 times the last, with 5 neighbours. The course's cascade for anime faces is
    lbpcascade_animeface.xml (github.com/nagadomi/lbpcascade_animeface); it finds one in nearly all real faces of 64
    pixels, and in none of noise.

    Parameters
    ----------
    pictures : numpy.ndarray
        uint8 (N, H, W, 3), RGB, one or more, of 24 pixels a side or more.
    cascade : str or pathlib.Path
        XML file of a cascade, one that you trust: OpenCV believes its numbers.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    UserError
        If there are no such pictures, the file is not one of a cascade, or OpenCV is version 5, which has no cascades.
    """
    check_pictures("pictures", pictures)
    if pictures.dtype != np.uint8 or pictures.shape[3] != 3 or min(pictures.shape[1:3]) < _LEAST:
        allowed = f"uint8 (N, height, width, 3), {_LEAST} pixels a side or more"
        raise UserError("pictures", f"{pictures.dtype} {pictures.shape}", allowed)
    detector = _detector(Path(cascade))
    found = 0
    for picture in pictures:
        grey = cv2.equalizeHist(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY))
        boxes = detector.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(_LEAST, _LEAST))
        found += len(boxes) > 0
    return found / len(pictures)


def _detector(file):
    allowed = "an XML file of a cascade for cv2.CascadeClassifier"
    if not hasattr(cv2, "CascadeClassifier"):
        raise UserError("--cascade", f"{file}, with OpenCV {cv2.__version__}", "OpenCV 4: version 5 has no cascades")
    if not file.is_file():
        raise UserError("--cascade", file, allowed)
    try:
        detector = cv2.CascadeClassifier(str(file))
        if not detector.empty():
            return detector
    except (cv2.error, SystemError):  # whose messages are about Python's inside
        pass
    raise UserError("--cascade", f"{file} (no cascade in it)", allowed)

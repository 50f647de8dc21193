"""The share of pictures with a face: on real ones and on noise, and what it refuses."""

import cv2
import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import face_share

DATA = ROOT.parent / "shared/data"
CASCADES = hasattr(cv2, "CascadeClassifier")  # version 5 has none
CASCADE = DATA / "cascade/lbpcascade_animeface.xml"
there = pytest.mark.skipif(not CASCADE.is_file(), reason="no cascade beside the project")


def noise(count=20, side=64):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


@there
def test_faces_are_found_in_faces_and_none_in_noise():
    """Of 100 real faces at 64 pixels in 90 and more: of 500 it was 98 %, and three in 100 is five spreads below."""
    if not CASCADES:
        with pytest.raises(UserError, match=r"--cascade: given .*; allowed: OpenCV 4: version 5"):
            face_share(noise(1), CASCADE)
        return
    files = sorted((DATA / "anime_faces").iterdir())[:100]
    faces = [np.asarray(Image.open(file).convert("RGB").resize((64, 64), Image.BILINEAR)) for file in files]
    assert 0.9 <= face_share(np.stack(faces), CASCADE) <= 1
    assert face_share(noise(), CASCADE) == 0
    one = next(face for face in faces if face_share(face[np.newaxis], CASCADE))
    assert face_share(np.stack([one, *noise(3)]), CASCADE) == 0.25


@pytest.mark.parametrize(
    "content", [None, b"", b"<xml", b"<?xml version='1.0'?><opencv_storage><a>1</a></opencv_storage>"]
)
def test_no_cascade_is_refused(content, tmp_path):
    file = tmp_path / "cascade.xml"
    if content is not None:
        file.write_bytes(content)
    allowed = "an XML file of a cascade" if CASCADES else "OpenCV 4"
    with pytest.raises(UserError, match=rf"--cascade: given .*cascade\.xml.*; allowed: {allowed}"):
        face_share(noise(1), file)


def test_opencv_5_is_told(monkeypatch):
    monkeypatch.delattr(cv2, "CascadeClassifier", raising=False)
    with pytest.raises(UserError, match="allowed: OpenCV 4: version 5 has no cascades"):
        face_share(noise(1), "cascade.xml")


@pytest.mark.parametrize(
    "pictures", [noise(1, 23), noise(1)[..., :1], noise(1).astype(np.float32), noise(1)[0], noise(0)]
)
def test_other_pictures_are_refused(pictures):
    with pytest.raises(UserError, match="pictures: given"):
        face_share(pictures, "cascade.xml")

"""Whether a library agrees with its older self: digests, and the sentence."""

import hashlib
import json

import numpy as np
import pytest
from conftest import encode, make_picture
from PIL import Image

from gluon_wgan.command import call
from gluon_wgan.errors import UserError
from gluon_wgan.studies.library_versions import page


def test_every_way_is_noted_and_the_same_versions_only_once(tmp_path):
    (tmp_path / "photos").mkdir()
    for index in range(2):
        (tmp_path / "photos" / f"{index}.png").write_bytes(encode(make_picture(index, 90, 120)))
    for _ in range(2):
        call("library_versions", ["--images", str(tmp_path / "photos"), "--reports", str(tmp_path)])
    found = json.loads((tmp_path / "data/library_versions.json").read_text())["photos"]
    (run,) = found["runs"]
    digest = hashlib.sha256()
    for index in range(2):  # 120 x 90 to 85 x 64, of which torchvision cuts 10 columns on the left (10.5, half to even)
        pixels = np.asarray(Image.fromarray(make_picture(index, 90, 120)).resize((85, 64), Image.Resampling.BOX))
        pixels = np.ascontiguousarray(pixels[:, 10:74])
        digest.update(repr((pixels.shape, pixels.dtype.str)).encode() + pixels.tobytes())
    assert run["resizes"]["pil-box"]["pixels"] == digest.hexdigest()[:16]
    assert len({one["pixels"] for one in run["resizes"].values()}) > 8  # mxnet's area is OpenCV's, and so on
    text = (tmp_path / "library_versions.md").read_text()
    assert "Not answered yet: one set of versions was looked at (n = 2 photographs, at 64x64)." in text


def versions(decoded, pixels, opencv="OpenCV 5"):
    resizes = {"cv2": {"made_by": opencv, "pixels": pixels}, "mxnet": {"made_by": "MXNet 1", "pixels": "m"}}
    return {"decoder": f"Pillow {opencv[-1]}", "decoded": decoded, "resizes": resizes}


def test_the_answer():
    found = {"pictures": 3, "size": 64, "runs": [versions("d", "p", "OpenCV 4"), versions("d", "p")]}
    assert page.answer(found).startswith(
        "Yes: of 2 ways whose library changed its version, all give the same pixels (n"
    )
    found["runs"][1] = versions("d", "q")
    assert page.answer(found) == "Not always: OpenCV bilinear gave other pixels (n = 3 photographs, at 64x64)."
    found["runs"][1] = versions("e", "p")
    assert page.answer(found).startswith("Not always: decoding gave other pixels")


def test_no_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        call("library_versions", ["--images", str(tmp_path / "nowhere"), "--reports", str(tmp_path)])
    with pytest.raises(UserError, match="--images: given an empty text"):
        call("library_versions", ["--images", "", "--reports", str(tmp_path)])

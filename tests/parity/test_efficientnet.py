"""The weights of the network behind the kernel distance, and the distance between resizes.

That its features are the original's is a stage, see test_stages.py.
"""

import numpy as np
import pytest

from gluon_wgan.data import open_source, prepare
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import efficientnet, features, kernel, kernel_distance


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp()))
    kernel._network.cache_clear()


def test_weights_are_converted_once_and_a_damaged_file_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    picture = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3), dtype=np.uint8)
    first = features(picture)
    (kept,) = (tmp_path / "gluon_wgan").iterdir()
    content = kept.read_bytes()
    kernel._network.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(efficientnet.importlib.util, "find_spec", lambda name: None)  # no package is needed any more
        np.testing.assert_array_equal(features(picture), first)
    kept.write_bytes(content[: len(content) // 2])
    kernel._network.cache_clear()
    np.testing.assert_array_equal(features(picture), first)
    assert len(np.load(kept).files) == 98


def test_another_file_in_the_package_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(efficientnet, "_DIGEST", "0" * 64)
    with pytest.raises(UserError, match="another file than the tested"):
        features(np.zeros((1, 8, 8, 3), np.uint8))


def test_real_pictures_tell_the_libraries_apart(real_data, tmp_path):
    source = open_source(real_data("lsun") / "bedroom_train_lmdb")
    seen = {}
    for resize in ("pil", "cv2", "cv2-area"):
        pictures = np.asarray(prepare(source, 32, resize, tmp_path).pictures)
        seen[resize] = features(pictures[:400:2]), features(pictures[1:400:2])
    halves = kernel_distance(*seen["pil"])[0]
    area, bilinear = (kernel_distance(seen["pil"][0], seen[resize][1])[0] for resize in ("cv2-area", "cv2"))
    # measured with 500 each: 0, 0.006, 0.034; of 200 the error is some 0.002
    assert abs(halves) < 0.003
    assert 0.002 < area < 0.010 and 0.024 < bilinear < 0.044

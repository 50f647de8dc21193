"""Text: lines to symbols and back, by hand; n-grams against the reference's arithmetic; the two networks."""

import gluon_wgan  # noqa: F401, before mxnet

# isort: split
import hashlib
import math
from collections import Counter

import numpy as np
import pytest
from mxnet import nd
from scipy.spatial.distance import jensenshannon

from gluon_wgan.data.sentences import ARTICLES, COLOURS, LONGEST, PLACES, SYMBOLS, THINGS, draw_sentence, draw_sentences
from gluon_wgan.data.text import END, UNKNOWN, Text, as_lines, one_hot, shuffled
from gluon_wgan.errors import UserError
from gluon_wgan.evaluate.ngrams import ngram_divergence
from gluon_wgan.models import build_critic, build_generator, parameter_count
from gluon_wgan.models.sampling import sample
from gluon_wgan.settings import Settings


def write(folder, content):
    file = folder / "a text.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_lines_by_hand(tmp_path):
    text = Text(write(tmp_path, "\ufeffabba\r\n\n   \nbc\nabbabc"), 4)
    # b comes 5 times, a 4, c 1: the last two letters are behind the cut
    assert text.alphabet == "\N{REPLACEMENT CHARACTER}\nbac"
    a, b, c = 3, 2, 4
    assert text.pictures.tolist() == [[a, b, b, a], [b, c, END, END], [a, b, b, a]]
    assert text.pictures.dtype == np.uint16 and len(text) == 3 and text.skipped() == []
    assert text[np.array([1])].tolist() == [[b, c, END, END]]
    keys = ["1", "4", "5"]  # their lines' numbers
    assert text.held_out.tolist() == [int(hashlib.sha1(key.encode()).hexdigest(), 16) % 10 == 0 for key in keys]
    assert as_lines(text.pictures, text.alphabet) == ["abba", "bc", "abba"]


def test_equally_frequent_characters_are_in_unicodes_order(tmp_path):
    assert Text(write(tmp_path, "zebra\n"), 9).alphabet[2:] == "aberz"


def test_rare_characters_are_one_symbol(tmp_path):
    text = Text(write(tmp_path, "aaabbc\N{REPLACEMENT CHARACTER}"), 8, symbols=4)
    assert text.alphabet[2:] == "ab"
    assert text.pictures.tolist() == [[2, 2, 2, 3, 3, UNKNOWN, UNKNOWN, END]]
    assert as_lines(text.pictures, text.alphabet) == ["aaabb" + 2 * "\N{REPLACEMENT CHARACTER}"]


def test_an_end_within_a_line_is_shown():
    assert as_lines([[2, END, 2, END]], "?\na") == ["a\N{PILCROW SIGN}a"]


def test_text_of_any_language(tmp_path):
    lines = ["春眠不觉晓", "処処啼鳥を聞く", "e\N{COMBINING ACUTE ACCENT}té 🙂"]
    text = Text(write(tmp_path, "\n".join(lines)), 8)
    assert as_lines(text.pictures, text.alphabet) == [line[:8] for line in lines]


def test_an_alphabet_has_a_limit(tmp_path):
    text = Text(write(tmp_path, "".join(map(chr, range(0x4E00, 0x4E00 + 3000)))), 3000)
    assert len(text.alphabet) == 2048 and (text.pictures == UNKNOWN).sum() == 3000 - 2046


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"good\n\xff\xfe", "byte 5 is not UTF-8"),
        (b"", "no lines in it"),
        (b"\n \n\t\n", "no lines in it"),
        (b"\xed\xa0\x80", "byte 0 is not UTF-8"),  # half of a surrogate pair
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, problem):
    with pytest.raises(UserError, match=rf"--data: given .*a text.txt \({problem}\); allowed: a text file in UTF-8"):
        Text(write(tmp_path, content), 8)


@pytest.mark.parametrize("name", ["none.txt", "."])
def test_no_file_is_refused(tmp_path, name):
    with pytest.raises(UserError, match=r"--data: given .*; allowed: a text file"):
        Text(tmp_path / name, 8)


def test_more_symbols_than_the_text_has_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"--symbols: given 6; allowed: 3 to 5, or 0"):
        Text(write(tmp_path, "abc"), 8, symbols=6)


def test_the_content_tells_texts_apart(tmp_path):
    digests = [
        Text(write(tmp_path, content), 3).content["pictures_sha256"] for content in ("aab", "aab\n", "ccb", "aba")
    ]
    # a cipher has the same numbers and another alphabet
    assert digests[0] == digests[1] and len(set(digests)) == 3


def test_one_hot_by_hand():
    hot = one_hot(np.array([[2, 0], [1, 1]], np.uint16), 3)
    assert hot.dtype == np.float32
    assert hot.tolist() == [[[0, 1], [0, 0], [1, 0]], [[0, 0], [1, 1], [0, 0]]]


def test_shuffled_lines_keep_their_lengths_and_characters():
    rows = np.array([[2, 3, END, END], [4, 5, 6, 2], [3, END, END, END]], np.uint16)
    mixed = shuffled(rows, 0)
    assert ((mixed == END) == (rows == END)).all() and not (mixed == rows).all()
    assert sorted(mixed.ravel()) == sorted(rows.ravel())
    assert (mixed == shuffled(rows, 0)).all() and not (mixed == shuffled(rows, 1)).all()


def test_sentences_are_of_their_grammar_and_fit(tmp_path):
    for index in range(200):
        words = draw_sentence(index).removesuffix(".").split()
        for word, allowed in zip(words, (ARTICLES, COLOURS, THINGS, PLACES, ARTICLES, THINGS), strict=True):
            assert word in allowed
        assert len(draw_sentence(index)) <= LONGEST == 32
    file = draw_sentences(tmp_path)
    assert len(Text(file, 32).alphabet) == SYMBOLS > len(Text(file, 16).alphabet)
    written = file.read_bytes()
    assert written.decode().splitlines()[:2] == [draw_sentence(0), draw_sentence(1)] and written.count(b"\n") == 20_000
    file.write_text("kept")
    assert draw_sentences(tmp_path).read_text() == "kept"


# --- n-grams


def counted(lines, length):
    return Counter(tuple(row[at : at + length]) for row in lines.tolist() for at in range(len(row) - length + 1))


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_divergences_against_scipy(length):
    rng = np.random.default_rng(length)
    first, second = rng.integers(0, 5, (7, 6)), rng.integers(0, 6, (9, 6))
    counts = [counted(lines, length) for lines in (first, second)]
    every = sorted(set(counts[0]) | set(counts[1]))
    shares = [np.array([count[ngram] for ngram in every]) / count.total() for count in counts]
    expected = jensenshannon(*shares, base=2) ** 2
    # sums of some dozen numbers
    assert ngram_divergence(first, second, length) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_divergences_by_hand():
    same, apart = np.array([[0, 1]]), np.array([[2, 3]])
    assert ngram_divergence(same, same, 2) == 0
    assert ngram_divergence(same, apart, 1) == pytest.approx(1, abs=1e-15)
    rng = np.random.default_rng(0)
    assert max(ngram_divergence(rng.integers(0, 9, (7, 9)), rng.integers(9, 18, (7, 9)), 1) for _ in range(99)) == 1
    # (1/2, 1/2, 0) and (1/2, 0, 1/2): half of each is shared
    assert ngram_divergence(same, np.array([[0, 2]]), 1) == pytest.approx(0.5, abs=1e-15)


def test_divergences_without_the_filling_by_hand():
    """An n-gram that holds a 9 does not count; lines of nothing else share nothing."""
    first, second, filling = np.array([[0, 1, 9, 9]]), np.array([[0, 1, 2, 9]]), np.array([[9, 9, 9, 9]])
    # pairs: 01 19 99 beside 01 12 29; without 9, 01 beside 01 and 12, with (3/4, 1/4) between them
    assert ngram_divergence(first, second, 2) == pytest.approx(2 / 3, abs=1e-12)
    expected = (math.log2(4 / 3) + 0.5 * math.log2(2 / 3) + 0.5 * math.log2(2)) / 2
    assert ngram_divergence(first, second, 2, without=9) == pytest.approx(expected, abs=1e-12)
    assert ngram_divergence(first, second, 1, without=9) == ngram_divergence(first[:, :2], second[:, :3], 1)
    assert ngram_divergence(filling, filling, 3) == 0 and ngram_divergence(filling, first, 3, without=9) == 1


@pytest.mark.parametrize(
    ("first", "length"), [(np.zeros((0, 3), int), 1), (np.zeros((2, 3), int), 4), (np.zeros((2, 3), int), 0)]
)
def test_divergences_of_nothing_are_refused(first, length):
    with pytest.raises(UserError, match="n-grams"):
        ngram_divergence(first, np.zeros((2, 3), int), length)


def test_ngrams_too_many_to_number_are_refused():
    with pytest.raises(UserError, match="63 bits"):
        ngram_divergence(np.full((1, 6), 2047), np.zeros((1, 6), int), 6)


# --- the networks


def settings(channels=3, symbols=7, length=8):
    sizes = {"generator_channels": channels, "critic_channels": channels, "symbols": symbols, "latent_dim": 5}
    networks = {"generator": "text", "critic": "text", "lipschitz": "gradient_penalty"}
    return Settings(**networks, **sizes, sequence_length=length)


def test_trainable_numbers_of_the_papers_pair():
    full = settings(512, 100, 32)
    blocks = 10 * (512 * 512 * 5 + 512)
    generator = build_generator(Settings(**{**full.to_json(), "category": ("x",), "latent_dim": 128}))
    assert parameter_count(generator) == 128 * 32 * 512 + 32 * 512 + blocks + 512 * 100 + 100
    assert parameter_count(build_critic(full)) == 100 * 512 + 512 + blocks + 32 * 512 + 1


def test_the_generator_gives_probabilities_and_the_critic_scores():
    latents = nd.array(np.random.default_rng(0).standard_normal((4, 5, 1, 1)))
    lines = sample(build_generator(settings()), latents, "batch")
    assert lines.shape == (4, 7, 8) and (lines > 0).all()
    np.testing.assert_allclose(lines.sum(axis=1), 1, atol=1e-6)  # float32, 7 terms
    scores = build_critic(settings())(nd.array(lines)).asnumpy()
    assert scores.shape == (4,) and len(set(scores)) == 4


def test_initial_weights_are_uniform_as_the_references():
    critic = build_critic(settings(channels=32, symbols=40, length=16))
    named = {name: parameter.data().asnumpy() for name, parameter in critic._collect_params_with_prefix().items()}
    # He and Glorot, of inputs and outputs: sqrt(12 / (5 (32 + 32))), sqrt(12 / (40 + 32)), sqrt(6 / (16 32 + 1))
    bounds = {
        "main.1.body.1.weight": (12 / 320) ** 0.5,
        "main.0.weight": (12 / 72) ** 0.5,
        "main.7.weight": (6 / 513) ** 0.5,
    }
    for name, bound in bounds.items():
        values = named[name]
        assert np.abs(values).max() <= bound * (1 + 1e-6)
        # the spread of a uniform draw is bound / sqrt(3); of 512 and more, its own spread is 2 % of that
        assert values.std() == pytest.approx(bound / 3**0.5, rel=0.1)
        assert abs(values.mean()) < 4 * values.std() / values.size**0.5
    assert all((values == 0).all() for name, values in named.items() if name.endswith("bias"))


def test_an_unknown_alphabet_is_refused():
    for build in (build_generator, build_critic):
        with pytest.raises(UserError, match="symbols: given 0; allowed: how many the text has"):
            build(Settings(generator="text", critic="text"))

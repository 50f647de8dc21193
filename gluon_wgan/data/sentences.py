"""Sentences about rooms, drawn from a small grammar: what a language model trains on where there is no text."""

from pathlib import Path

from gluon_wgan import streams
from gluon_wgan.files import locked, write_atomic

COUNT = 20_000
ARTICLES = ("a", "the", "one", "my")
COLOURS = ("red", "blue", "big", "low", "warm")
THINGS = ("bed", "lamp", "rug", "door", "wall", "chair")
PLACES = ("by", "near", "under", "behind")
LONGEST = 32
# of all sentences together, with those for a line's end and for other characters
SYMBOLS = 2 + len(set("".join((*ARTICLES, *COLOURS, *THINGS, *PLACES, " ", "."))))


def draw_sentence(index):
    """Return sentence `index`, such as "the big lamp near my bed."; at most `LONGEST` characters."""
    draw = streams.generator(0, "sentences", index)
    chosen = [words[draw.integers(len(words))] for words in (ARTICLES, COLOURS, THINGS, PLACES, ARTICLES, THINGS)]
    return " ".join(chosen) + "."


def draw_sentences(cache_dir):
    """Write 20,000 sentences, a line each, to a file below `cache_dir`, once; return its path."""
    file = Path(cache_dir) / f"sentences-{COUNT}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file.with_suffix(".lock"), wait=True):
        if not file.exists():
            write_atomic(file, "".join(f"{draw_sentence(index)}\n" for index in range(COUNT)).encode())
    return file

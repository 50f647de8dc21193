"""A page: Markdown with its figures, and the same as one HTML file that needs no other."""

import base64
import html
import io
import json
import re
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import markdown
from PIL import Image

from gluon_wgan.errors import UserError
from gluon_wgan.files import write_atomic
from gluon_wgan.pictures import packed

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; width: fit-content;
  max-width: calc(50% + 50vw - 1rem); }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; overflow-wrap: normal; }
th { background: #f3f3f3; min-width: 3em; }
img { max-width: 100%; height: auto; cursor: zoom-in; }
p, li, li code { overflow-wrap: anywhere; }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto; }
dialog { border: 0; padding: 0; max-width: 100vw; max-height: 100vh; }
dialog img { max-width: none; cursor: zoom-out; }
@media (max-width: 40rem) {
  p:has(> img) { overflow-x: auto; }
  p > img { max-width: none; width: 44rem; }
  td > img { min-width: 12rem; }
}
"""
# A click shows a figure as large as it is drawn, another puts it back. Without scripts the page is whole, too.
_SCRIPT = """
const large = document.body.appendChild(document.createElement("dialog"));
large.onclick = () => large.close();
for (const figure of document.querySelectorAll("img")) {
  figure.onclick = () => { large.replaceChildren(figure.cloneNode()); large.showModal(); };
}
"""
_DPI = 110


class Page(NamedTuple):
    """What a study tells.

    Attributes
    ----------
    answer : str
        At most three plain sentences, of which the index shows the first.
    body : str
        The sections, Markdown. They name figures as figures/NAME.png.
    figures : dict of str to matplotlib.figure.Figure
        {NAME: figure}, drawn from the data.
    style : str
        Added to all pages' CSS.
    """

    answer: str
    body: str
    figures: dict
    style: str = ""


def as_markdown(title, question, page):
    """Return the text of a page."""
    head = [f"# {title}", wrapped(f"**Question.** {question}"), wrapped(f"**Answer.** {page.answer}")]
    return "\n\n".join([*head, page.body])


def as_png(figure):
    """Return a figure as the bytes of a PNG with a palette."""
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=_DPI)
    return packed(Image.open(encoded))


def write_page(folder, name, text, page):
    """Write NAME.md, NAME.html and the figures into a folder of reports; return the first's path."""
    place = Path(folder) / f"{name}.md"
    (place.parent / "figures").mkdir(parents=True, exist_ok=True)
    for figure, drawn in page.figures.items():
        write_atomic(place.parent / "figures" / f"{figure}.png", as_png(drawn))
    write_atomic(place, text.encode())
    write_atomic(place.with_suffix(".html"), to_html(text, folder, page.style).encode())
    return place


def to_html(text, folder, style=""):
    """Return a whole HTML page of a Markdown text, with its figures inside; its first line is the title.

    Links to Markdown pages beside it become links to their HTML.

    Parameters
    ----------
    text : str
    folder : str or pathlib.Path
        From where the text names its figures, PNG.
    style : str
        Added to all pages' CSS.

    Raises
    ------
    UserError
        If a figure is not there.
    """
    title = html.escape(text.lstrip().splitlines()[0].lstrip("# "))
    body = markdown.markdown(text, extensions=["tables", "fenced_code"])
    body = re.sub(r'(<img [^>]*src=")([^"]+\.png)"', lambda found: f'{found[1]}{_embedded(folder, found[2])}"', body)
    body = re.sub(r'href="(\w+)\.md(#[\w-]+)?"', r'href="\1.html\2"', body)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _embedded(folder, name):
    file = Path(folder) / name
    if not file.is_file():
        raise UserError("figure", file, "a file that is drawn before the page")
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def table(header, rows):
    """Return a Markdown table; every cell is turned into str."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def starts_of(found):
    """Return the environments that measured a part of a study, see `gluon_wgan.studies.results.Results.keep_run`."""
    return found["starts"] if "starts" in found else [found["environment"]]


def commands_of(parts, usual=None):
    """Return the section of the commands that measured {name: part of a study}, each once, and where that was.

    A part, or each of its starts, has the command as it was typed; `usual` stands for that of older data, without one.
    """
    each = [part.get("command") or start.get("command", usual) for part in parts.values() for start in starts_of(part)]
    commands = list(dict.fromkeys(each))
    return f"""## {"Commands" if len(commands) > 1 else "Command"}

```
{chr(10).join(commands)}
```

{origins(parts, parts)}
"""


def origins(found, parts):
    """Return the paragraphs that say where the figures of several parts come from, one for all that were alike."""
    groups = {}
    for part in parts:
        for environment in starts_of(found[part]):
            alike = json.dumps({**environment, "started": "", "command": ""}, sort_keys=True)
            groups.setdefault(alike, (environment, {}))[1][part.replace("_", " ")] = None
    several = len(groups) > 1
    return "\n\n".join(
        (f"{', '.join(names)}: " if several else "") + origin(environment) for environment, names in groups.values()
    )


def wrapped(text):
    """Return a paragraph in lines of the same length, whatever the numbers in it."""
    return fill(" ".join(text.split()), width=120, break_long_words=False, break_on_hyphens=False)


def one_line(text):
    """Return a text without line breaks."""
    return " ".join(text.split())


def origin(environment):
    """Return the paragraph that says which code, machine and versions a figure comes from."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    cores = environment["physical_cores"]
    return f"""Commit {environment["commit"]}. {environment["processor"]}, {cores} core{"" if cores == 1 else "s"},
OMP_NUM_THREADS={environment["omp_num_threads"]}, Python {environment["python"]}, {packages}.
Started {environment["started"]}."""

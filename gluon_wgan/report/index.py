"""All reports at once: render them from their data, put an index before them, or say which of them are stale."""

import re
import shutil
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from gluon_wgan.report import ablation, claims, distances, first_light, parity, presets, resize_pixels, toy
from gluon_wgan.report.pages import embedded_figures, write_report

# In the order of the index. They are written from the last: the claims link to what is there.
_REPORTS = {
    "claims": claims.write,
    "ablation_resize": partial(ablation.write, "resize"),
    "ablation_epsilon": partial(ablation.write, "epsilon"),
    "compare_resize": resize_pixels.write,
    "presets": presets.write,
    "toy": toy.write,
    "parity": parity.write,
    "distances": distances.write,
    "first_light": first_light.write,
}


def _entry(reports, name):
    """Return a report's part of the index: its title, question, the answer's first sentence and first picture."""
    text = (Path(reports) / f"{name}.md").read_text()
    title = text.splitlines()[0].lstrip("# ")
    question, answer = (
        re.search(rf"\*\*{word}\.\*\* (.*?)\n\n", text, re.DOTALL)[1] for word in ("Question", "Answer")
    )
    answer = re.match(r".*?[.](?=\s+[A-Z]|$)", answer, re.DOTALL)[0]
    picture = re.search(r"^!\[.*?\]\(.*?\)$", text, re.MULTILINE)
    return f"""## [{title}]({name}.md)

*{question}*

{answer}

{picture[0] if picture else ""}
"""


def render(reports):
    """Return the index, Markdown, of the reports in a folder."""
    entries = "\n".join(_entry(reports, name) for name in _REPORTS)
    return f"""# What was asked, and what came out

Each page is rendered from `data/`, where every number was put by a command; the page names it.

{entries}"""


def write(reports):
    """Render all reports and the index in a folder from its data; return the index."""
    for write_one in reversed(_REPORTS.values()):
        write_one(reports)
    text = render(reports)
    # the web pages link to each other, and the Markdown pages too
    place = write_report(reports, "index", text)
    page = place.with_suffix(".html")
    page.write_text(re.sub(r'href="(\w+)\.md"', r'href="\1.html"', page.read_text()))
    return place


def stale(reports):
    """Return the names of the pages and figures in a folder that its data would not give again.

    Figures are compared with a tolerance: another processor may round a line's edge otherwise.
    """
    reports = Path(reports)
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "reports"
        shutil.copytree(reports, fresh)
        write(fresh)
        pages = [f"{name}.{kind}" for name in (*_REPORTS, "index") for kind in ("md", "html")]
        figures = [str(file.relative_to(fresh)) for file in sorted(fresh.glob("figures/*.png"))]
        return [page for page in pages if not _same_page(reports / page, fresh / page, reports)] + [
            figure for figure in figures if not _same_figure(reports / figure, fresh / figure)
        ]


def _same_page(kept, fresh, reports):
    if not kept.is_file():
        return False
    (text, figures), (fresh_text, _) = embedded_figures(kept.read_text()), embedded_figures(fresh.read_text())
    in_folder = {file.read_bytes() for file in reports.glob("figures/*.png")}
    return text == fresh_text and in_folder.issuperset(figures)


def _same_figure(kept, fresh):
    if not kept.is_file():
        return False
    with Image.open(kept) as left, Image.open(fresh) as right:
        if left.size != right.size:
            return False
        return np.abs(np.asarray(left.convert("RGB"), float) - np.asarray(right.convert("RGB"), float)).mean() < 0.1

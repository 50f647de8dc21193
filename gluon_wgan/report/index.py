"""All pages at once: the index before them, and which of them their data would not give again."""

import io
import re
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

from gluon_wgan.files import write_atomic
from gluon_wgan.report.page import Page, as_markdown, as_png, wrapped, write_page

_DRAWN_BY = "drawn_by.txt"
_OTHER_SIZE = 2  # pixels by which two versions of matplotlib round a figure's side


def _entry(name, title, question, page):
    """Return a page's part of the index: its title, question, the answer's first sentence and first picture."""
    answer = re.match(r".*?[.](?=\s+[A-Z]|$)", page.answer, re.DOTALL)
    picture = re.search(r"^!\[.*?\]\(.*?\)$", page.body, re.MULTILINE)
    return f"""## [{title}]({name}.md)

{wrapped(f"*{question}*")}

{wrapped((answer[0] if answer else page.answer).replace("](#", f"]({name}.md#"))}

{picture[0] if picture else ""}
"""


def render(studies, reports):
    """Return {name: (text, page)} of every study that was measured into a folder of reports, and of the index.

    Parameters
    ----------
    studies : sequence of gluon_wgan.studies.Study
        In the order of the index.
    reports : str or pathlib.Path
    """
    rendered, entries = {}, []
    for study in studies:
        if study.measured(reports):
            page, (title, question) = study.page(reports), (study.question.TITLE, study.question.QUESTION)
            rendered[study.name] = as_markdown(title, question, page), page
            entries.append(_entry(study.name, title, question, page))
    text = f"""# What was asked, and what came out

Each page is rendered from `data/`, where every number was put by a command; the page names it.

{chr(10).join(entries)}"""
    return {**rendered, "index": (text, Page("", text, {}))}


def write(studies, reports):
    """Write all pages, their figures and the index; return the index."""
    for name, (text, page) in render(studies, reports).items():
        place = write_page(reports, name, text, page)
    write_atomic(Path(reports) / "figures" / _DRAWN_BY, f"matplotlib {matplotlib.__version__}\n".encode())
    return place


def stale(studies, reports):
    """Return the names of the pages and figures in a folder that its data would not give again; writes nothing.

    Figures are compared with a tolerance: another processor may round a line's edge otherwise. Another matplotlib moves
    every label, so that of its figures only the size is compared.
    """
    reports = Path(reports)
    drawn_by = reports / "figures" / _DRAWN_BY
    same = drawn_by.is_file() and drawn_by.read_text() == f"matplotlib {matplotlib.__version__}\n"
    rendered = render(studies, reports)
    pages = [name for name, (text, _) in rendered.items() if not _is(reports / f"{name}.md", text)]
    figures = {name: figure for _, page in rendered.values() for name, figure in page.figures.items()}
    wrong = [name for name, figure in figures.items() if not _shows(reports / f"figures/{name}.png", figure, same)]
    return [f"{name}.md" for name in pages] + [f"figures/{name}.png" for name in wrong]


def _is(file, text):
    return file.is_file() and file.read_text() == text


def _shows(file, figure, pixels):
    if not file.is_file():
        return False
    with Image.open(file) as kept, Image.open(io.BytesIO(as_png(figure))) as fresh:
        if not pixels:
            return max(abs(a - b) for a, b in zip(kept.size, fresh.size)) <= _OTHER_SIZE
        if kept.size != fresh.size:
            return False
        return np.abs(np.asarray(kept.convert("RGB"), float) - np.asarray(fresh.convert("RGB"), float)).mean() < 0.1

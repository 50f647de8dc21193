"""Write a report as Markdown, and the same as one HTML file that needs no other."""

import base64
import html
import re
from pathlib import Path

import markdown

from gluon_wgan.errors import UserError
from gluon_wgan.run_folder import write_atomic

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; }
th { background: #f3f3f3; }
img { max-width: 100%; height: auto; }
p, li, code { overflow-wrap: anywhere; }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto; }
"""
_FIGURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def to_html(text, folder, style=""):
    """Return a whole HTML page of a Markdown text, with its figures inside; its first line is the title.

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
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _embedded(folder, name):
    file = Path(folder) / name
    if not file.is_file():
        raise UserError("figure", file, "a file that is drawn before the page")
    return f"data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()}"


def embedded_figures(page):
    """Return (the HTML page without its figures, the figures' bytes in the page's order)."""
    figures = [base64.b64decode(code) for code in _FIGURE.findall(page)]
    return _FIGURE.sub("", page), figures


def write_report(folder, name, text, style=""):
    """Write NAME.md and NAME.html into a folder, from where the text names its figures; return the first's path.

    `style` and errors as of `to_html`.
    """
    place = Path(folder) / f"{name}.md"
    page = to_html(text, folder, style)
    write_atomic(place, text.encode())
    write_atomic(place.with_suffix(".html"), page.encode())
    return place


def table(header, rows):
    """Return a Markdown table; every cell is turned into str."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def origin(environment):
    """Return the paragraph that says which code, machine and versions a figure comes from."""
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items() if version)
    return f"""Commit {environment["commit"]}. {environment["processor"]}, {environment["physical_cores"]} cores,
OMP_NUM_THREADS={environment["omp_num_threads"]}, Python {environment["python"]}, {packages}.
Started {environment["started"]}."""

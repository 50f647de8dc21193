"""Write a report as Markdown, and the same as an HTML page."""

import html
from pathlib import Path

import markdown

from gluon_wgan.run_folder import write_atomic

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; }
th { background: #f3f3f3; }
img { max-width: 100%; }
pre { background: #f6f6f6; padding: .6rem; overflow-x: auto; }
"""


def to_html(text, style=""):
    """Return a whole HTML page of a Markdown text; its first line is the title. `style` is added to all pages' CSS."""
    title = html.escape(text.lstrip().splitlines()[0].lstrip("# "))
    body = markdown.markdown(text, extensions=["tables", "fenced_code"])
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{title}</title>\n'
        f"<style>{_STYLE}{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def write_report(folder, name, text, style=""):
    """Write NAME.md and NAME.html into a folder; return the path of the first. `style` as of `to_html`."""
    place = Path(folder) / f"{name}.md"
    write_atomic(place, text.encode())
    write_atomic(place.with_suffix(".html"), to_html(text, style).encode())
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

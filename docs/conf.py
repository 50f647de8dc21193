"""Sphinx: README, recipes, reports and the API as a site, by `make docs`; its pages lie where they are in the repository."""

import importlib
from pathlib import Path

project = "gluon_wgan"
html_title = "gluon_wgan"
root_doc = "README"
include_patterns = ["*.md", "docs/**.md", "reports/*.md"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
html_theme = "furo"
html_show_sourcelink = False
napoleon_google_docstring = False
autodoc_member_order = "bysource"

_PAGES = ("README.zh", "docs/api", "reports/index", "CONTRIBUTING", "CHANGELOG")
# The rooms that README promises people who use them from their own code.
_ROOMS = ("resize", "data", "rmsprop", "lipschitz", "layers", "models", "interop", "evaluate", "kernels")


def setup(app):
    """Give the front page its table of contents, and the API's page its rooms."""
    app.connect("source-read", _add)


def _add(app, name, source):
    if name == "README":
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", "", *_PAGES, "```"])
    if name == "docs/api":
        source[0] += "\n".join(map(_room, _ROOMS))
    if name == "reports/index":
        pages = sorted(path.stem for path in Path(app.srcdir, "reports").glob("*.md") if path.stem != "index")
        source[0] += "\n".join(["", "```{toctree}", ":hidden:", "", *pages, "```"])


def _room(name):
    module = importlib.import_module(f"gluon_wgan.{name}")
    lines = [f"\n## gluon_wgan.{name}\n", module.__doc__, "```{eval-rst}"]
    for each in getattr(module, "__all__", ()):
        found = getattr(module, each)
        kind = "class" if isinstance(found, type) else "function"
        lines += [f".. auto{kind}:: gluon_wgan.{name}.{each}", *(["   :members:"] if kind == "class" else [])]
    return "\n".join([*lines, "```", ""])

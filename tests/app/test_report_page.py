"""A report's web page in a browser: a click shows a picture as large as it is, in text and in tables."""

import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from gluon_wgan.report.page import Page, as_markdown, table, write_page

pytest_plugins = ["served_page"]  # the fixture: a browser
WIDE = 1600  # pixels, more than any page here


@pytest.fixture
def report(tmp_path):
    """Return the file of a page with a drawn figure, and with a sheet of samples in a table."""
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (WIDE, 400), "navy").save(tmp_path / "figures/sheet.png")
    body = "![drawn](figures/drawn.png)\n\n" + table(["", "clip"], [["DCGAN", "![sheet](figures/sheet.png)"]])
    page = Page("Yes.", body, {"drawn": Figure(figsize=(12, 2))})
    write_page(tmp_path, "report", as_markdown("Report", "Is it?", page), page)
    return tmp_path / "report.html"


@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("name", ["drawn", "sheet"])
def test_a_click_shows_a_picture_as_large_as_it_is(chromium, report, width, name):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width  # what is wider scrolls in its own frame
    shown = page.get_by_alt_text(name)
    drawn = Image.open(io.BytesIO((report.parent / f"figures/{name}.png").read_bytes())).width
    small = shown.bounding_box()["width"]
    assert 150 < small < min(drawn, 800)  # to be recognised on a telephone, and within the page's 50 rem
    shown.click()
    large = page.locator("dialog img")
    assert large.bounding_box()["width"] == drawn > small
    large.click()
    assert not large.is_visible()
    page.close()

"""The site of `make docs`, which then runs this: every link leads somewhere, and nothing comes from elsewhere."""

import urllib.parse
from functools import cache

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT

SITE = ROOT / "build/docs"
PAGES = sorted(SITE.rglob("*.html"))


@cache
def page(file):
    return BeautifulSoup(file.read_text(), "html.parser")


@cache
def anchors(file):
    return {tag["id"] for tag in page(file).find_all(id=True)}


def dead_links(file):
    """Return the links of a page that lead to no file of the site, or to no place in one."""
    dead = []
    for tag in page(file).find_all(href=True):
        link = urllib.parse.urlsplit(tag["href"])
        if link.scheme or link.netloc:
            continue
        place = (file.parent / urllib.parse.unquote(link.path)).resolve() if link.path else file
        anchor = urllib.parse.unquote(link.fragment)
        if not place.exists() or (anchor and place.suffix == ".html" and anchor not in anchors(place)):
            dead.append(tag["href"])
    return dead


def test_the_site_is_whole():
    names = {str(file.relative_to(SITE)) for file in PAGES}
    assert {"index.html", "README.html", "README.zh.html", "docs/api.html", "reports/claims.html"} <= names
    assert {f"reports/{path.stem}.html" for path in (ROOT / "reports").glob("*.md")} <= names


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(SITE)))
def test_no_link_is_dead(file):
    assert dead_links(file) == []


def test_a_dead_link_would_be_seen(tmp_path):
    (tmp_path / "page.html").write_text('<a href="none.html">a</a><a href="#none">b</a><a href="#here" id="here">c</a>')
    assert dead_links(tmp_path / "page.html") == ["none.html", "#none"]


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(SITE)))
def test_nothing_is_fetched_from_elsewhere(file):
    sources = [tag["src"] for tag in page(file).find_all(src=True)]
    sources += [tag["href"] for tag in page(file).find_all("link", href=True)]
    assert [source for source in sources if urllib.parse.urlsplit(source).netloc] == []
    paths = [urllib.parse.urlsplit(source).path for source in sources]
    assert [path for path in paths if not (file.parent / path).exists()] == []


def test_the_api_has_what_the_rooms_promise():
    from gluon_wgan import evaluate, layers

    text = page(SITE / "docs/api.html").get_text()
    for name in (*evaluate.__all__, *layers.__all__, "get_resizer", "RMSProp", "open_source", "prepare"):
        assert name in text, name


def test_the_chinese_front_page_gives_the_commands_of_the_english_one():
    """Which are those that other tests run."""
    english, chinese = ((ROOT / name).read_text() for name in ("README.md", "README.zh.md"))
    commands = [line for block in chinese.split("```")[1::2] for line in block.splitlines() if line]
    assert len(commands) >= 8
    assert [line for line in commands if line not in english.splitlines()] == []

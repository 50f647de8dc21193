"""Every claim of the five documents, and what the data says of it: verdicts are computed, never written down."""

import json
from collections import Counter
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import yaml

from gluon_wgan.errors import UserError
from gluon_wgan.report.pages import table, write_report
from gluon_wgan.report.rules import BadRuleError, MissingError, holds, parse_expression, parse_rule, value

_NAME = "claims"
# Long paths and commands break, so that the page is as narrow as a phone.
STYLE = "code { overflow-wrap: anywhere; }\ntd, th { padding: .25rem .35rem; }\n"
REPRODUCED, NOT_REPRODUCED, PARTLY = "reproduced", "not reproduced", "partly"
NOT_YET_TESTED, NOT_TESTABLE = "not yet tested", "not testable here"
# A sign and words: nothing rests on a colour.
_SIGNS = {REPRODUCED: "✓", NOT_REPRODUCED: "✗", PARTLY: "±", NOT_YET_TESTED: "?", NOT_TESTABLE: "○"}
VERDICTS = tuple(_SIGNS)

_ALWAYS = ("id", "seed", "kind", "claim", "experiment", "criterion", "command", "status")
_MEASURED = ("data", "figure", "unit", "reproduced_if")
_CHOICES = {"kind": ("claim", "statement"), "status": ("ready", "planned", NOT_TESTABLE)}
_EXPRESSIONS = ("figure", "low", "high", "n")
_RULES = ("needs", "reproduced_if", "partly_if")
_RULE_WORDS = (("asked", "needs"), (REPRODUCED, "reproduced_if"), (PARTLY, "partly_if"))
_FIELDS = {*_ALWAYS, *_MEASURED, *_EXPRESSIONS, *_RULES, "instead", "why"}


class Judged(NamedTuple):
    """A row and what the data says of it.

    Attributes
    ----------
    row : dict
    verdict : str
        One of `VERDICTS`.
    figure, low, high, n : float or None
        The figure, its interval, and how many it is of, where the data has them.
    missing : str or None
        Why it is not yet tested.
    """

    row: dict
    verdict: str
    figure: float | None = None
    low: float | None = None
    high: float | None = None
    n: float | None = None
    missing: str | None = None


def load(file):
    """Return the rows of claims.yaml, checked, each a dict with its seed's file name in `seed`.

    Raises
    ------
    UserError
        Naming the row and the field: a field that is missing or not known, an id that is there twice, a rule or an
        expression that is not in the language of `gluon_wgan.report.rules`.
    """
    try:
        content = yaml.safe_load(Path(file).read_text())
        rows = [{"seed": seed, **row} for seed, of_seed in content["claims"].items() for row in of_seed]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise UserError(str(file), error, "YAML with `claims`: a list of rows for each document") from error
    known = set()
    for row in rows:
        _check(row)
        if row["id"] in known:
            raise UserError(f"claim {row['id']}", "twice", "an id of its own for each row")
        known.add(row["id"])
    return rows


def _check(row):
    where = f"claim {row.get('id', row)}"
    untestable = row.get("status") == NOT_TESTABLE
    for field in (*_ALWAYS, *(("why",) if untestable else _MEASURED)):
        if not isinstance(row.get(field), str) or not row[field].strip():
            raise UserError(f"{where}, {field}", repr(row.get(field)), "a text")
    for field, allowed in _CHOICES.items():
        if row[field] not in allowed:
            raise UserError(f"{where}, {field}", repr(row[field]), ", ".join(allowed))
    if unknown := set(row) - _FIELDS:
        raise UserError(where, ", ".join(sorted(unknown)), ", ".join(sorted(_FIELDS)))
    for fields, parse in ((_EXPRESSIONS, parse_expression), (_RULES, parse_rule)):
        for field in fields:
            if field in row:
                _asked(row, field, parse, row[field])


def _asked(row, field, function, *arguments):
    """Call a function of the rules; a bad rule becomes a UserError that names the row and the rule."""
    try:
        return function(*arguments)
    except BadRuleError as error:
        allowed = f"the language of gluon_wgan/report/rules.py ({error})"
        raise UserError(f"claim {row['id']}, {field}", repr(row[field]), allowed) from error


def judge(row, folder):
    """Return what the data says of a row.

    Parameters
    ----------
    row : dict
        Of `load`.
    folder : str or pathlib.Path
        Where the data lies, reports/data.

    Returns
    -------
    Judged

    Raises UserError if a rule asks for what is no number.
    """
    untestable = row["status"] == NOT_TESTABLE
    file = Path(folder) / row["data"] if "data" in row else None
    if file is None or not file.is_file():
        return Judged(row, NOT_TESTABLE) if untestable else Judged(row, NOT_YET_TESTED, missing="it is not there yet")
    try:
        data = json.loads(file.read_text())
    except ValueError as error:
        raise UserError(str(file), error, "JSON") from error

    def measured(field):
        return _asked(row, field, value, parse_expression(row[field]), data)

    def optional(field):
        try:
            return measured(field) if field in row else None
        except MissingError:
            return None

    def rule(field, figure=None):
        return field in row and _asked(row, field, holds, parse_rule(row[field]), data, figure)

    try:
        # before the figure: while a study runs on, the page says the same
        if "needs" in row and not rule("needs"):
            raise MissingError(f"it needs {row['needs']}")
        figure = measured("figure")
        numbers = {"figure": figure, **{field: optional(field) for field in ("low", "high", "n")}}
        if untestable:
            return Judged(row, NOT_TESTABLE, **numbers)
        verdict = next((word for word, field in _RULE_WORDS[1:] if rule(field, figure)), NOT_REPRODUCED)
    except MissingError as error:
        return Judged(row, NOT_TESTABLE if untestable else NOT_YET_TESTED, missing=str(error))
    return Judged(row, verdict, **numbers)


def _number(number):
    if number is None:
        return ""
    if number == int(number) and abs(number) < 1e12:
        return f"{int(number):,}"
    return f"{number:,.0f}" if 1000 <= abs(number) < 1e12 else f"{number:.3g}"


def _figure(judged):
    """Return the figure in words: "0.94 of the pictures (0.9 to 1, n = 200)"; nothing where it is not measured."""
    if judged.figure is None:
        return ""
    spread = f"{_number(judged.low)} to {_number(judged.high)}" if None not in (judged.low, judged.high) else ""
    count = f"n = {_number(judged.n)}" if judged.n is not None else ""
    more = ", ".join(part for part in (spread, count) if part)
    return f"{_number(judged.figure)} {judged.row['unit']}" + (f" ({more})" if more else "")


def _words(verdict):
    return f"{_SIGNS[verdict]} {verdict}"


def _one_line(text):
    return " ".join(text.split())


def _counts(judged):
    count = Counter(one.verdict for one in judged)
    return {verdict: count[verdict] for verdict in VERDICTS}


def _answer(judged):
    count = _counts(judged)
    tested = count[REPRODUCED] + count[NOT_REPRODUCED] + count[PARTLY]
    return fill(
        f"**Answer.** Of {len(judged)} claims, {tested} are tested: {count[REPRODUCED]} are reproduced, "
        f"{count[NOT_REPRODUCED]} are not, {count[PARTLY]} partly; {count[NOT_YET_TESTED]} are not yet tested, and "
        f"{count[NOT_TESTABLE]} are not testable here.",
        width=120,
    )


def _overview(judged):
    rows = [(one.row["claim"], f"[{_words(one.verdict)}](#{one.row['id']})", _figure(one)) for one in judged]
    return table(["claim", "verdict", "figure"], [[_one_line(cell) for cell in row] for row in rows])


def _source(row, reports):
    """Return the data file of a row, as a link where it is there, and its report where there is one."""
    place = Path(reports) / "data" / row["data"]
    link = f"[{row['data']}](data/{row['data']})" if place.is_file() else f"`reports/data/{row['data']}`"
    page = place.with_suffix(".md").name
    return link + (f", report [{page}]({page})" if (Path(reports) / page).is_file() else "")


def _details(one, reports):
    row = one.row
    lines = [f'<a id="{row["id"]}"></a>**{row["id"]}**: {_words(one.verdict)}', "", f"- claim: {row['claim']}"]
    if one.verdict in (NOT_REPRODUCED, PARTLY) and "instead" in row:
        lines.append(f"- instead: {row['instead']}")
    if "why" in row:
        lines.append(f"- why: {row['why']}")
    if row["experiment"] != "none":
        lines.append(f"- experiment: {row['experiment']}")
    if row["command"] != "none":
        lines.append(f"- command{' (planned)' if row['status'] == 'planned' else ''}: `{_one_line(row['command'])}`")
    if row["status"] != NOT_TESTABLE:
        lines.append(f"- criterion: {row['criterion']}")
        rules = [f"{word} if `{_one_line(row[field])}`" for word, field in _RULE_WORDS if field in row]
        lines.append(f"- rule: {'; '.join(rules)}")
    if "figure" in row:
        found = _figure(one) or f"none, {one.missing}"
        lines.append(f"- figure: `{row['figure']}` of {_source(row, reports)}: {found}")
    return "\n".join(_one_line(line) if line.startswith("- ") else line for line in lines)


def _mistakes(judged):
    wrong = [one for one in judged if one.row["kind"] == "statement" and one.verdict in (NOT_REPRODUCED, PARTLY)]
    lines = [
        f"- `{one.row['seed']}`: {one.row['claim']} [{_words(one.verdict)}](#{one.row['id']}), {_figure(one)}. "
        f"{one.row.get('instead', '')}"
        for one in wrong
    ]
    return "\n".join(_one_line(line) for line in lines) or "None of those tested so far."


def render(rows, reports):
    """Return the page, Markdown, of the rows of `load`, judged by the data below a folder of reports."""
    reports = Path(reports)
    judged = [judge(row, reports / "data") for row in rows]
    by_seed = {row["seed"]: [one for one in judged if one.row["seed"] == row["seed"]] for row in rows}
    tables = "\n\n".join(
        f"### {seed}\n\n{', '.join(f'{number} {verdict}' for verdict, number in _counts(of_seed).items() if number)}."
        f"\n\n{_overview(of_seed)}"
        for seed, of_seed in by_seed.items()
    )
    details = "\n\n".join(
        f"### {seed}, one by one\n\n" + "\n\n".join(_details(one, reports) for one in of_seed)
        for seed, of_seed in by_seed.items()
    )
    return f"""# The claims of {len(by_seed)} documents, one by one

**Question.** Which of the claims that the project started from hold when they are measured?

{_answer(judged)}

The documents lie outside this repository and are named by their files; the claims are in our words. A verdict leads to
its details. No verdict is written down: [claims.yaml](claims.yaml) has a rule for each claim, on a figure in
`reports/data/`, and this page is computed from both:

```
python experiments/claims.py
```

- {_words(REPRODUCED)}, {_words(NOT_REPRODUCED)}, {_words(PARTLY)}: the rule's answer.
- {_words(NOT_YET_TESTED)}: the data, or the number in it, is not there; the command that makes it is in the details.
- {_words(NOT_TESTABLE)}: the details say why.

## Claim by claim

{tables}

## The documents' own mistakes

Statements about formulas, words or code that do not hold:

{_mistakes(judged)}

## Details

{details}

## Limits

Of `parity.json`, `first_light.json`, `claims_arithmetic.json`, and of the resizes' pixels, figures were known when the
criteria were written; all others were written before their figures were seen. What is settled by arithmetic holds for
the case that was computed (two uniforms, two Gaussians, one small critic), and says so under *experiment*. A criterion
is our reading of words such as "mostly" and "large"; the figure stands beside it for other readings.
"""


def write(reports):
    """Render claims.yaml in a folder of reports to claims.md and .html there; return the first."""
    return write_report(reports, _NAME, render(load(Path(reports) / f"{_NAME}.yaml"), reports), STYLE)

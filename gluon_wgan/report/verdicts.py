"""The rows of claims.yaml, and what the data says of each: verdicts are computed, never written down."""

from pathlib import Path
from typing import NamedTuple

import yaml

from gluon_wgan.errors import UserError
from gluon_wgan.files import parse_json
from gluon_wgan.report.rules import BadRuleError, MissingError, check, value, waiting

REPRODUCED, NOT_REPRODUCED, PARTLY = "reproduced", "not reproduced", "partly"
NOT_YET_TESTED, NOT_TESTABLE = "not yet tested", "not testable here"
VERDICTS = (REPRODUCED, NOT_REPRODUCED, PARTLY, NOT_YET_TESTED, NOT_TESTABLE)

_ALWAYS = ("id", "document", "seed", "kind", "claim", "experiment", "criterion", "command", "status")
_MEASURED = ("data", "figure", "unit", "reproduced_if")
_CHOICES = {"kind": ("claim", "statement"), "status": ("ready", "planned", NOT_TESTABLE)}
_EXPRESSIONS = ("figure", "low", "high", "n")
_RULES = ("needs", "reproduced_if", "partly_if")
RULE_WORDS = (("asked", "needs"), (REPRODUCED, "reproduced_if"), (PARTLY, "partly_if"))
_FIELDS = {*_ALWAYS, *_MEASURED, *_EXPRESSIONS, *_RULES, "counted", "instead", "why"}


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
    """Return the rows of claims.yaml, checked, each a dict with its document's title and file name (`seed`).

    Raises
    ------
    UserError
        Naming the row and the field: a field that is missing or not known, an id that is there twice, a rule or an
        expression that is none, see `gluon_wgan.report.rules`.
    """
    try:
        content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        titles = content.get("documents", {})
        rows = [
            {"document": titles.get(seed, seed), "seed": seed, **row}
            for seed, of_seed in content["claims"].items()
            for row in of_seed
        ]
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
    for field in (*_EXPRESSIONS, *_RULES):
        if field in row:
            _asked(row, field, check, row[field])


def _asked(row, field, function, *arguments):
    """Call a function of the rules; a bad rule becomes a UserError that names the row and the rule."""
    try:
        return function(*arguments)
    except BadRuleError as error:
        allowed = f"an expression as in gluon_wgan/report/rules.py ({error})"
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
        return Judged(row, NOT_TESTABLE) if untestable else Judged(row, NOT_YET_TESTED, missing="not measured yet")
    try:
        data = parse_json(file.read_bytes())
    except ValueError as error:
        raise UserError(str(file), error, "JSON") from error

    def measured(field, figure=None):
        return _asked(row, field, value, row[field], data, figure)

    def optional(field):
        try:
            return float(measured(field)) if field in row else None
        except MissingError:
            return None

    def rule(field, figure=None):
        return field in row and bool(measured(field, figure))

    try:
        # before the figure: while a study runs on, the page says the same
        if "needs" in row and (lacking := _asked(row, "needs", waiting, row["needs"], data)):
            raise MissingError("waiting: {:g} of {:g} {}".format(*lacking, row.get("counted", "seeds")))
        figure = float(measured("figure"))
        numbers = {"figure": figure, **{field: optional(field) for field in ("low", "high", "n")}}
        if untestable:
            return Judged(row, NOT_TESTABLE, **numbers)
        verdict = next((word for word, field in RULE_WORDS[1:] if rule(field, figure)), NOT_REPRODUCED)
    except MissingError as error:
        reason = str(error) if str(error).startswith("waiting") else "not measured yet"
        return Judged(row, NOT_TESTABLE if untestable else NOT_YET_TESTED, missing=reason)
    return Judged(row, verdict, **numbers)

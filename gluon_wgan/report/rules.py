"""The rules of claims.yaml: Python expressions on a data file, evaluated by simpleeval, which runs no other code.

A key is a name (`arms.pil.n`), or in brackets where it is none (`arms['cv2-area']`, `data['32x32/16']`); `figure` is
the row's own. `every(table, 'key', name='x')` are the numbers at a key of all entries of a list or an object, or of
those with this name; `one(list, name='x')` is the entry with this name. Beside these: abs, len, max, min.
"""

import ast
import math

from simpleeval import AttributeDoesNotExist, InvalidExpression, NameNotDefined, SimpleEval


class BadRuleError(ValueError):
    """A rule that is no such expression, or that asks for what is no number."""


class MissingError(LookupError):
    """What a rule needs is not in the data (yet); the text says what."""


def _every(table, key, **wanted):
    entries = table.values() if isinstance(table, dict) else table
    found = [entry[key] for entry in _matching(entries, wanted) if key in entry]
    if not found:
        raise MissingError(f"{key} of {wanted or 'any'}")
    return found


def _one(entries, **wanted):
    found = _matching(entries, wanted)
    if len(found) != 1:
        raise MissingError(f"{len(found)} entries with {wanted}")
    return found[0]


def _matching(entries, wanted):
    return [
        entry
        for entry in entries
        if isinstance(entry, dict) and all(entry.get(name) == value for name, value in wanted.items())
    ]


_FUNCTIONS = {"abs": abs, "len": len, "max": max, "min": min, "every": _every, "one": _one}
_MISSING = (AttributeDoesNotExist, NameNotDefined, KeyError, IndexError, ZeroDivisionError, MissingError)


def check(text):
    """Raise BadRuleError unless a text is one Python expression."""
    try:
        ast.parse(str(text).strip(), mode="eval")
    except SyntaxError as error:
        raise BadRuleError(str(error)) from error


def value(text, data, figure=None):
    """Return the number that an expression stands for, or whether a rule holds.

    Both sides of every `and` and `or` are looked at: a rule whose data is not all there has no answer.

    Parameters
    ----------
    text : str
    data : dict
        JSON values.
    figure : float, optional
        The row's.

    Raises
    ------
    MissingError
        If what is asked for is not in the data, or is None or not finite there.
    BadRuleError
        If it is no number, or no expression.
    """
    check(text)
    data = _present(data)
    evaluator = SimpleEval(names={**data, "data": data, "figure": figure}, functions=_FUNCTIONS)

    def both_sides(node):
        sides = [evaluator._eval(side) for side in node.values]
        return all(sides) if isinstance(node.op, ast.And) else any(sides)

    evaluator.nodes[ast.BoolOp] = both_sides
    try:
        found = evaluator.eval(str(text))
    except _MISSING as error:
        raise MissingError(f"nothing at {text}") from error
    except (InvalidExpression, TypeError, ValueError, ArithmeticError) as error:
        raise BadRuleError(f"{text}: {error}") from error
    if not isinstance(found, bool | int | float):
        raise BadRuleError(f"{text} is no number")
    return found


def waiting(text, data):
    """Return (what there is, what is needed) of the first part of a rule that does not hold yet.

    Parameters
    ----------
    text : str
        Comparisons such as `arms.pil.n >= 3`, joined by `and`.
    data : dict

    Returns
    -------
    tuple of float, or None
        None if all hold. What is not there at all counts as 0.

    Raises
    ------
    BadRuleError
        If a part is no comparison with a number.
    """
    tree = ast.parse(text.strip(), mode="eval").body
    for part in tree.values if isinstance(tree, ast.BoolOp) else [tree]:
        if not (isinstance(part, ast.Compare) and isinstance(part.comparators[0], ast.Constant)):
            raise BadRuleError(f"{ast.unparse(part)} is no comparison with a number")
        wanted = value(ast.unparse(part.comparators[0]), data)
        try:
            if value(ast.unparse(part), data):
                continue
            return value(ast.unparse(part.left), data), wanted
        except MissingError:
            return 0, wanted
    return None


def _present(value):
    """Return JSON values without the entries that are None or not finite: they count as missing."""
    if isinstance(value, dict):
        return {key: _present(entry) for key, entry in value.items() if _is_there(entry)}
    if isinstance(value, list):
        return [_present(entry) for entry in value if _is_there(entry)]
    return value


def _is_there(value):
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))

"""A small language for the rules of claims.yaml: comparisons of numbers that paths find in JSON data.

    rule:  both {"or" both}          both: comparison {"and" comparison}
    comparison: [sum] OP sum         OP: < <= > >= = !=; without a left side the row's figure is compared
    sum:   product {+|- product}     product: atom {*|/ atom}
    atom:  number, path, figure, (sum), -atom, abs(sum), max(path), min(path), count(path)
    path:  key.key[name=value][0][key with spaces][*]...

A `-` between letters belongs to a key (`cv2-area`), so subtraction takes blanks. `[name=value]` picks the objects of a
list with that value, `[*]` all of a list or object, `[-1]` the last. Where a path finds several numbers only max, min
and count may take them. Nothing but this is understood: a rule cannot run code.
"""

import math
import operator
import re

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]))"
    r"|(?P<path>(?:[A-Za-z_][\w-]*|\[[^\]]+\])(?:\.[\w-]+|\[[^\]]+\])*)"
    r"|(?P<sign><=|>=|!=|[<>=*/()+-]))"
)
_STEP = re.compile(r"\.?([\w-]+)|\[([^\]]+)\]")
_COMPARISONS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
_OF_ONE = {"abs": abs}
_OF_MANY = {"max": max, "min": min, "count": len}


class BadRuleError(ValueError):
    """A rule or expression that the language does not have, or that asks for what is no number."""


class MissingError(LookupError):
    """What a rule needs is not in the data (yet); the text says what."""


def parse_rule(text):
    """Return the tree of a rule, which `holds` evaluates; raises BadRuleError."""
    return _Parser(text).whole(_Parser.either)


def parse_expression(text):
    """Return the tree of an expression, which `value` evaluates; raises BadRuleError."""
    return _Parser(text).whole(_Parser.sum)


class _Parser:
    """Recursive descent; a tree is a tuple whose first item says what it is."""

    def __init__(self, text):
        self._tokens, place = [], 0
        text = str(text).rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise BadRuleError(f"not understood from {text[place:]!r} on")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self._place = 0

    def _peek(self, ahead=0):
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else ("end", "the end")

    def _take(self, *words):
        """Return the next token's text and go on if it is one of the words, else None."""
        if self._peek()[1] in words and self._peek()[0] != "end":
            self._place += 1
            return self._tokens[self._place - 1][1]
        return None

    def whole(self, part):
        tree = part(self)
        if self._peek()[0] != "end":
            raise BadRuleError(f"{self._peek()[1]!r} is too much")
        return tree

    def either(self):
        tree = self.both()
        while self._take("or"):
            tree = ("or", tree, self.both())
        return tree

    def both(self):
        tree = self.comparison()
        while self._take("and"):
            tree = ("and", tree, self.comparison())
        return tree

    def comparison(self):
        left = ("path", "figure") if self._peek()[1] in _COMPARISONS else self.sum()
        sign = self._take(*_COMPARISONS)
        if sign is None:
            raise BadRuleError(f"a comparison is missing before {self._peek()[1]!r}")
        return ("compare", sign, left, self.sum())

    def sum(self):
        tree = self.product()
        while sign := self._take("+", "-"):
            tree = ("arithmetic", sign, tree, self.product())
        return tree

    def product(self):
        tree = self.atom()
        while sign := self._take("*", "/"):
            tree = ("arithmetic", sign, tree, self.atom())
        return tree

    def atom(self):
        if self._take("-"):
            return ("arithmetic", "-", ("number", 0.0), self.atom())
        if self._take("("):
            return self._closed(self.sum())
        kind, text = self._peek()
        if kind not in ("number", "path") or text in ("and", "or"):
            raise BadRuleError(f"a number or a path is missing before {text!r}")
        self._place += 1
        if kind == "number":
            return ("number", float(text))
        if not self._take("("):
            return ("path", text)
        if text not in (*_OF_ONE, *_OF_MANY):
            raise BadRuleError(f"there is no {text}()")
        return ("call", text, self._closed(self.sum()))

    def _closed(self, tree):
        if not self._take(")"):
            raise BadRuleError(f"a ) is missing before {self._peek()[1]!r}")
        return tree


def holds(tree, data, figure=None):
    """Say whether a rule holds.

    Both sides of every `and` and `or` are looked at: a rule whose data is not all there has no answer.

    Parameters
    ----------
    tree : tuple
        Of `parse_rule`.
    data : dict
        JSON values.
    figure : float, optional
        The row's.

    Raises
    ------
    MissingError, BadRuleError
    """
    if tree[0] == "compare":
        left, right = (value(side, data, figure) for side in tree[2:])
        return _COMPARISONS[tree[1]](left, right)
    left, right = (holds(side, data, figure) for side in tree[1:])
    return (left and right) if tree[0] == "and" else (left or right)


def value(tree, data, figure=None):
    """Return the number that an expression stands for; parameters and errors as for `holds`."""
    numbers = _numbers(tree, data, figure)
    if len(numbers) != 1:
        raise BadRuleError(f"{tree[1]} finds {len(numbers)} numbers, where one is compared")
    return numbers[0]


def _numbers(tree, data, figure):
    kind = tree[0]
    if kind == "number":
        return [tree[1]]
    if kind == "path":
        if tree[1] == "figure":
            if figure is None:
                raise BadRuleError("there is no figure")
            return [figure]
        return [_number(found, tree[1]) for found in find(data, tree[1])]
    if kind == "call":
        inner = _numbers(tree[2], data, figure) if tree[1] in _OF_MANY else [value(tree[2], data, figure)]
        return [float({**_OF_ONE, **_OF_MANY}[tree[1]](inner if tree[1] in _OF_MANY else inner[0]))]
    left, right = (value(side, data, figure) for side in tree[2:])
    if tree[1] == "/" and right == 0:
        raise MissingError("a quotient by 0")
    return [_ARITHMETIC[tree[1]](left, right)]


def _number(found, path):
    if found is None or (isinstance(found, float) and not math.isfinite(found)):
        raise MissingError(f"no number at {path}")
    if not isinstance(found, bool | int | float):
        raise BadRuleError(f"{path} is no number")
    return float(found)


def find(data, path):
    """Return the values that a path finds, one or more; raises MissingError."""
    found = [data]
    for key, inner in _STEP.findall(path):
        step = inner or key
        found = [value for one in found for value in _step(one, step, bool(inner))]
        if not found:
            raise MissingError(f"nothing at {path}")
    return found


def _step(one, step, bracketed):
    if bracketed and step == "*":
        return list(one.values()) if isinstance(one, dict) else one if isinstance(one, list) else []
    if isinstance(one, dict):
        return [one[step]] if step in one else []
    if not isinstance(one, list) or not bracketed:
        return []
    if re.fullmatch(r"-?\d+", step):
        return [one[int(step)]] if -len(one) <= int(step) < len(one) else []
    key, equals, wanted = step.partition("=")
    return [entry for entry in one if equals and isinstance(entry, dict) and str(entry.get(key)) == wanted]

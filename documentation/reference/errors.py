"""Errors and findings: every code, read from the code that raises it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import riskloop
from documentation.reference.writing import code, head, table
from documentation.reference.writing import page as whole
from riskloop import errors as tree
from riskloop.cli import failures
from riskloop.errors import RiskloopError
from riskloop.serve.problems import RequestRefused, status_of

SOURCE = Path(riskloop.__file__).parent
_LEAF = re.compile(r"(?P<name>\w+)\s+exit (?P<exit>\d+)\s+(?P<text>.+)")
Names = dict[str, list[tuple[int, ast.expr]]]
_ROUTER = {"not-found": 404, "method-not-allowed": 405}  # of HTTPException, worded by `serve.problems`


@dataclass(frozen=True)
class Said:
    """A call that names a code.

    Attributes
    ----------
    code : str
    words : tuple of (tuple of str)
        What each further argument can say; what is filled in stands as an ellipsis.
    status : int or None
        Of HTTP, where it is one.
    """

    code: str
    words: tuple[tuple[str, ...], ...]
    status: int | None = None


def page() -> str:
    """The reference of errors and findings."""
    return whole(
        head(
            "Errors and findings",
            "An **error** ends a command or a request; it says what is wrong, where, and the next step. A **finding** is one "
            "thing that is wrong with a table, a model or a release; findings are collected and told together, and those of "
            "severity *error* make a gate say no (exit code 3).",
        ),
        "## Errors",
        'With `--json` an error is `{"error": {"code", "message", "where", "next_step", "details"}}` on stderr. Its '
        "code, the exit code of the command and the status over HTTP:",
        table(
            ("error", "code", "exit code", "HTTP", "means"),
            [
                (code(kind.__name__), code(kind.code), str(kind.exit_code), _status(kind), text)
                for kind, text in kinds()
            ],
        ),
        "## Over HTTP",
        "A refusal is `application/problem+json` (RFC 9457): `type` is `urn:riskloop:problem:CODE`, `title` the status in words, "
        "`detail` what is wrong, `instance` the request's id; and `code`, `next_step` and, where fields are wrong, `errors` with "
        "`field`, `code` and `message` of every one. Beside the codes above:",
        table(("code", "status", "says"), [(code(name), status, text) for name, status, text in problems()]),
        "### Fields",
        "What a value of a request, a cell of a table or a line of a batch may have wrong with it (`errors[].code`; as a finding, "
        "severity *error* where more than a few rows have it):",
        table(("code", "says"), [(code(name), text) for name, text in breaches()]),
        "## Findings",
        table(
            ("code", "severity", "says", "next step"),
            [(code(name), ", ".join(severities), text, step) for name, severities, text, step in findings()],
        ),
    )


def kinds() -> list[tuple[type[RiskloopError], str]]:
    """Every kind of error with its sentence, as the trees on top of their modules tell it."""
    told = {
        found["name"]: found["text"].strip()
        for module in (tree, failures)
        for found in _LEAF.finditer(module.__doc__ or "")
    }
    found: list[type[RiskloopError]] = [RiskloopError]
    for kind in found:
        found += [one for one in kind.__subclasses__() if one not in found and one is not RequestRefused]
    return [(kind, told[kind.__name__]) for kind in found]


def _status(kind: type[RiskloopError]) -> str:
    return "" if kind.__module__ == failures.__name__ else str(status_of(kind("")))


def problems() -> Iterator[tuple[str, str, str]]:
    """Code, status and sentence of what only HTTP refuses."""
    found = {(one.code, one.status): one for one in calls("RequestRefused") if one.status}
    for (name, status), one in sorted(found.items()):
        yield name, str(status), _first(one, 0)
    for name, status in _ROUTER.items():
        yield (
            name,
            str(status),
            "There is no such resource." if status == 404 else "This resource does not know the method.",
        )


def breaches() -> Iterator[tuple[str, str]]:
    """Code and sentence of each rule that a value can break, and of fields of requests."""
    found: dict[str, str] = {}
    for one in (*calls("BrokenRule"), *calls("Breach"), *calls("FieldError")):
        found.setdefault(one.code, _first(one, 0))
    yield from sorted(found.items())


def findings() -> Iterator[tuple[str, list[str], str, str]]:
    """Code, severities, sentence and next step of every finding."""
    by_code: dict[str, list[Said]] = {}
    for one in calls("Finding"):
        by_code.setdefault(one.code, []).append(one)
    for name, ones in sorted(by_code.items()):
        severities = dict.fromkeys(word for one in ones for words in one.words[:1] for word in words)
        fullest = max(ones, key=lambda one: bool(_first(one, 1)) + bool(_first(one, 2)))
        yield name, list(severities), _first(fullest, 1), _first(fullest, 2)


def _first(one: Said, place: int) -> str:
    return one.words[place][0] if len(one.words) > place and one.words[place] else ""


@cache
def calls(of: str) -> tuple[Said, ...]:
    """Calls of a class by name, with a code that is written out."""
    return tuple(said for path in sorted(SOURCE.rglob("*.py")) for said in _in_module(path, of))


def _in_module(path: Path, of: str) -> Iterator[Said]:
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants = _assigned([one for one in module.body if isinstance(one, ast.Assign)])
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            names = constants | _assigned(function.body)
            for call in _calls(function):
                if isinstance(call.func, ast.Name) and call.func.id == of:
                    yield from _said(call, names)


def _calls(function: ast.AST) -> Iterator[ast.Call]:
    """Calls of a function itself, not of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += ast.iter_child_nodes(node)


def _said(call: ast.Call, names: Names) -> Iterator[Said]:
    arguments = [
        *call.args,
        *(one.value for one in call.keywords if one.arg in ("code", "severity", "message", "next_step")),
    ]
    status = next((one.value for one in arguments if isinstance(one, ast.Constant) and type(one.value) is int), None)
    place = 1 if _is_field(call) or (arguments and isinstance(arguments[0], ast.Constant) and status is not None) else 0
    choices = _texts(arguments[place], names) if len(arguments) > place else []
    words = [tuple(_texts(one, names)) for one in arguments[place + 1 :]]
    for name in choices:
        if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
            yield Said(name, tuple(words), status)


def _is_field(call: ast.Call) -> bool:
    """Whether the code comes second: after a field's or a column's name."""
    return isinstance(call.func, ast.Name) and call.func.id in ("FieldError", "Breach")


def _texts(node: ast.expr, names: Names) -> list[str]:
    """The texts that an expression can be."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, names), *_texts(node.orelse, names)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _texts(node.left, names), _texts(node.right, names)
        return [(left or ["…"])[0] + (right or ["…"])[0]]
    if isinstance(node, ast.Name):
        before = [value for line, value in names.get(node.id, ()) if line < node.lineno]
        return _texts(before[-1], {key: values for key, values in names.items() if key != node.id}) if before else []
    return []


def _assigned(body: list[ast.stmt]) -> Names:
    """Expressions by the names they are given anywhere in a body, each with its line."""
    found: Names = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    _name(target, node.value, found)
    return found


def _name(target: ast.expr, value: ast.expr, found: Names) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).append((target.lineno, value))
        found[target.id].sort(key=lambda pair: pair[0])
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, other in zip(target.elts, value.elts, strict=True):
            _name(one, other, found)

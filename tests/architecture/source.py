"""The project's own Python files, and what is in them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("commands", "projections", "archive", "api", "realtime", "web", "config")
EVERYTHING = (*PACKAGES, "bench", "tests", ".ci")

type Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str) -> Iterator[Path]:
    """Every Python file below these folders; migrations are generated."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, Function, ast.AST]]:
    """Every function of a file: where it is, itself, and what it stands in."""
    tree = ast.parse(path.read_text())
    for parent in ast.walk(tree):
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name(path)}:{node.lineno} {node.name}", node, parent


def lines_of_code(function: Function) -> int:
    """From `def` to the end, without the docstring."""
    body = function.body
    said = body[0] if ast.get_docstring(function) is not None else None
    docstring = (said.end_lineno or 0) - said.lineno + 1 if said else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring

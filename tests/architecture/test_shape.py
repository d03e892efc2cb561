"""The house style, where a machine can see it: sizes, names, docstrings."""

import ast
import re

from tests.architecture.source import EVERYTHING, PACKAGES, ROOT, Function, files, functions, lines_of_code, name

MAX_FILE = 250
MAX_TESTS = 300
MAX_FUNCTION = 30
EMPTY_WORDS = {"util", "utils", "helper", "helpers", "manager", "managers", "service", "services", "misc", "common"}


def test_a_file_is_one_idea_of_at_most_250_lines() -> None:
    assert longer_than(MAX_FILE, *PACKAGES, "bench", "docs", ".ci") == {}


def test_a_test_file_is_at_most_300_lines() -> None:
    assert longer_than(MAX_TESTS, "tests") == {}


def longer_than(lines: int, *folders: str) -> dict[str, int]:
    sizes = {name(path): len(path.read_text().splitlines()) for path in files(*folders)}
    return {path: size for path, size in sizes.items() if size > lines}


def test_a_function_is_at_most_30_lines() -> None:
    sizes = {where: lines_of_code(node) for path in files(*EVERYTHING) for where, node, _ in functions(path)}
    assert {where: size for where, size in sizes.items() if size > MAX_FUNCTION} == {}


def test_names_say_what_is_in_them() -> None:
    empty = [name(path) for path in files(*EVERYTHING) if EMPTY_WORDS & set(re.split(r"[_\W]", path.stem.lower()))]
    assert empty == []


def test_folders_are_at_most_three_deep() -> None:
    assert [name(path) for path in files(*PACKAGES) if name(path).count("/") > 3] == []


def test_a_package_is_mapped_by_its_docstring_and_holds_nothing_else() -> None:
    for package in PACKAGES:
        assert ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text())), f"{package} says nothing"
    inits = [path for path in files(*PACKAGES) if path.name == "__init__.py"]
    assert [name(path) for path in inits if len(ast.parse(path.read_text()).body) > 1] == []


def test_what_is_public_and_more_than_one_statement_has_a_docstring() -> None:
    silent = [
        where
        for path in files(*PACKAGES)
        for where, node, parent in functions(path)
        if is_public(node, parent) and len(node.body) > 1 and ast.get_docstring(node) is None
    ]
    assert silent == []


def is_public(function: Function, parent: ast.AST) -> bool:
    """Whether others call it, and its name does not say enough, as that of a property or an override does."""
    inside = isinstance(parent, ast.Module) or (isinstance(parent, ast.ClassDef) and not parent.name.startswith("_"))
    marks = {mark.id for mark in function.decorator_list if isinstance(mark, ast.Name)}
    return inside and not marks & {"override", "property"} and not function.name.startswith("_")

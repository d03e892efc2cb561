"""Who may import whom. The contracts are in pyproject.toml; this holds them, and that they are not empty."""

import subprocess
import sys
from pathlib import Path

from tests.architecture.source import PACKAGES, ROOT, files, name

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def test_dependencies_point_one_way() -> None:
    checked = subprocess.run(
        [LINT_IMPORTS, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_no_file_is_outside_the_packages_that_the_contracts_know() -> None:
    assert [path.name for path in ROOT.glob("*.py")] == ["manage.py"]
    folders = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")}
    assert folders - {"tests", "bench", "docs"} == set(PACKAGES)


def test_only_the_store_knows_the_eventsourcing_library() -> None:
    using = {name(path) for path in files(*PACKAGES) if "eventsourcing" in imports(path)}
    assert {path.removeprefix("commands/").partition("_")[0].partition(".")[0] for path in using} <= {
        "sqlite",
        "postgres",
    }


def imports(path: Path) -> str:
    return "\n".join(line for line in path.read_text().splitlines() if line.lstrip().startswith(("import ", "from ")))

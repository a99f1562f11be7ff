"""The direction of imports and the calls that nowhere stand, held by reading the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import wsnet_cli

ROOT = Path(wsnet_cli.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
PACKAGES = {"bench", "cli", "core", "data", "engine", "bulk", "learn", "models", "report"}

ALLOWED = {
    "core": {"core"},
    "data": {"core", "data"},
    "engine": {"core", "engine"},
    "bulk": {"core", "data", "engine", "bulk"},
    "learn": {"core", "data", "engine", "bulk", "learn"},
    "bench": {"core", "engine", "bench"},
    "models": {"models"},
    "report": {"core", "data", "report"},
    "cli": PACKAGES,
}
"""What each package may import of the others, anywhere in its files."""

HEAVY = {
    *("torch", "librosa", "sklearn", "scipy", "matplotlib", "onnx", "onnxruntime", "ray"),
    *("numba", "jinja2", "markupsafe"),
}
HEAVY_HERE = {"learn", "bench", "report"}
"""Packages that may import these when they are imported, and are themselves imported late."""
UNSAFE_MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "joblib", "marshal", "shelve", "cloudpickle"),
    *("runpy", "code", "codeop", "pty", "imp"),
}
UNSAFE_CALLS = {
    *("eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "torch.load"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load"),
    *("yaml.unsafe_load_all", "os.system", "os.popen", "np.load", "numpy.load", "extractall"),
    *("torch.jit.load", "torch.hub.load", "torch.package.PackageImporter", "torch.export.load"),
    *("shutil.unpack_archive", "importlib.util.spec_from_file_location"),
    *("tempfile.mktemp", "pd.read_pickle", "pandas.read_pickle"),
}
UNSAFE_STARTS = ("os.exec", "os.spawn", "os.posix_spawn", "subprocess.getoutput", "tarfile.")
ARGUMENTS = {
    "shell": ("False",),
    "allow_pickle": ("False",),
    "weights_only": ("True",),
    "Loader": ("yaml.SafeLoader", "yaml.CSafeLoader"),
}
"""Keyword arguments that would let a file or a text run something, and the values that do not."""


def package_of(path: Path) -> str:
    """The sub-package that a file lies in; "" for the files beside them."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def imports(tree: ast.AST, path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every imported module by its full name, and where."""
    here = ("wsnet_cli", *path.relative_to(ROOT).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) - node.level + 1] if node.level else ()
            module = ".".join((*base, *((node.module,) if node.module else ())))
            for alias in node.names:
                yield f"{module}.{alias.name}", node


def runs_on_import(tree: ast.Module) -> Iterator[ast.AST]:
    """All nodes but those within functions and below `if TYPE_CHECKING`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting.extend(node.orelse)
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def name_of(function: ast.expr) -> str:
    return ast.unparse(function) if isinstance(function, ast.Name | ast.Attribute) else ""


def direction_faults(source: str, path: Path) -> list[str]:
    """Imports of wsnet_cli that the file's package may not make."""
    allowed = ALLOWED.get(package_of(path), PACKAGES)
    faults = []
    for name, node in imports(ast.parse(source), path):
        top, _, rest = name.partition(".")
        target = rest.partition(".")[0]
        if top == "wsnet_cli" and target in PACKAGES - allowed:
            faults.append(f"{path.name}:{node.lineno}: {name}")
    return faults


def folder_of(dotted: str) -> str:
    """What a module belongs to within its package: a folder, or itself where it lies in none."""
    return ".".join(dotted.split(".")[:3])


def folders_imported(package: str) -> dict[str, set[str]]:
    """What each folder of a package imports of the package's others, types too."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        if package_of(path) != package or path.name == "__init__.py":
            continue
        parts = path.relative_to(ROOT).with_suffix("").parts
        here = folder_of(".".join(("wsnet_cli", *parts)))
        names = {folder_of(name) for name, _ in imports(ast.parse(path.read_text()), path)}
        ours = {name for name in names if name.startswith(f"wsnet_cli.{package}.")}
        found.setdefault(here, set()).update(ours - {here})
    return found


def start_up_faults(source: str, path: Path) -> list[str]:
    """Heavy packages that are imported when the file is."""
    package = package_of(path)
    tree = ast.parse(source)
    on_import = set(map(id, runs_on_import(tree)))
    faults = []
    for name, node in imports(tree, path):
        if id(node) not in on_import:
            continue
        ours = any(name.startswith(f"wsnet_cli.{heavy}") for heavy in HEAVY_HERE)
        heavy = name.partition(".")[0] in HEAVY or ours
        rich = name.partition(".")[0] == "rich"
        if (heavy and package not in HEAVY_HERE) or rich:
            faults.append(f"{path.name}:{node.lineno}: {name}")
    return faults


def rich_faults(source: str, path: Path) -> list[str]:
    if path == ROOT / "cli" / "showing" / "console.py":
        return []
    return [name for name, _ in imports(ast.parse(source), path) if name.startswith("rich")]


def unsafe_faults(source: str, path: Path) -> list[str]:
    """Imports and calls that could run what is loaded, or hand text to a shell."""
    tree = ast.parse(source)
    faults = []
    for name, node in imports(tree, path):  # `from numpy import load` is a call of another name
        starts = name.startswith(UNSAFE_STARTS)
        if name.partition(".")[0] in UNSAFE_MODULES or name in UNSAFE_CALLS or starts:
            faults.append(f"{path.name}:{node.lineno}: {name}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = name_of(node.func)
        ends = name.endswith((".extractall", ".read_pickle"))
        if name in UNSAFE_CALLS or name.startswith(UNSAFE_STARTS) or ends:
            faults.append(f"{path.name}:{node.lineno}: {name}")
        for keyword in node.keywords:
            good = ARGUMENTS.get(keyword.arg or "")
            if good and ast.unparse(keyword.value) not in good:
                faults.append(f"{path.name}:{node.lineno}: {keyword.arg}")
    return faults


CHECKS = (direction_faults, start_up_faults, rich_faults, unsafe_faults)


def test_the_packages_are_the_known_ones():
    found = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert found - {"configs"} == PACKAGES == set(ALLOWED)
    assert len(FILES) > 60


@pytest.mark.parametrize("package", ["bulk", "cli", "core", "data", "learn"])
def test_folders_within_a_package_import_each_other_one_way(package: str) -> None:
    found = folders_imported(package)
    assert sum(map(len, found.values())) > 5
    tuple(TopologicalSorter(found).static_order())  # raises CycleError


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_file_breaks_the_rule(check):
    faults = [fault for path in FILES for fault in check(path.read_text("utf-8"), path)]
    assert faults == []


@pytest.mark.parametrize(
    ("check", "file", "source"),
    [
        (direction_faults, "core/x.py", "from ..cli import app"),
        (direction_faults, "core/x.py", "from .. import engine"),
        (direction_faults, "core/x.py", "def f():\n    from ..data.packing.cache import pack"),
        (direction_faults, "data/x.py", "from wsnet_cli.engine.session import Classifier"),
        (direction_faults, "engine/x.py", "import wsnet_cli.data.packing.cache"),
        (direction_faults, "bulk/x.py", "from ..learn.run.run import start_run"),
        (direction_faults, "learn/x.py", "from ..cli.showing.console import note"),
        (start_up_faults, "core/x.py", "import torch"),
        (start_up_faults, "cli/x.py", "try:\n    from torch import nn\nexcept ImportError: pass"),
        (start_up_faults, "bulk/x.py", "class A:\n    import scipy.signal"),
        (start_up_faults, "cli/x.py", "from ..learn.run.run import start_run"),
        (start_up_faults, "cli/x.py", "from ..bench.run import run_bench"),
        (start_up_faults, "cli/x.py", "from ..report.page import write_page"),
        (start_up_faults, "data/x.py", "import jinja2"),
        (direction_faults, "data/x.py", "from ..report.page import write_page"),
        (direction_faults, "engine/x.py", "from ..bench.run import run_bench"),
        (start_up_faults, "cli/showing/console.py", "from rich.table import Table"),
        (rich_faults, "cli/x.py", "def f():\n    import rich"),
        (unsafe_faults, "core/x.py", "import pickle"),
        (unsafe_faults, "core/x.py", "from joblib import load"),
        (unsafe_faults, "core/x.py", "eval('1')"),
        (unsafe_faults, "core/x.py", "yaml.load(text)"),
        (unsafe_faults, "core/x.py", "yaml.compose(text, Loader=yaml.Loader)"),
        (unsafe_faults, "core/x.py", "np.load(path)"),
        (unsafe_faults, "core/x.py", "archive.extractall(path)"),
        (unsafe_faults, "core/x.py", "run('ls', shell=True)"),
        (unsafe_faults, "learn/x.py", "torch.load(path, weights_only=False)"),
        (unsafe_faults, "learn/x.py", "torch.load(path)"),
        (unsafe_faults, "learn/x.py", "from torch import load"),
        (unsafe_faults, "core/x.py", "from numpy import load as read"),
        (unsafe_faults, "core/x.py", "reader(path, allow_pickle=True)"),
        (unsafe_faults, "core/x.py", "reader(path, allow_pickle=unsafe)"),
        (unsafe_faults, "core/x.py", "from os import system"),
        (unsafe_faults, "core/x.py", "os.execvp('ls', ['ls'])"),
        (unsafe_faults, "core/x.py", "import tarfile\ntarfile.open(path)"),
        (unsafe_faults, "core/x.py", "shutil.unpack_archive(path)"),
        (unsafe_faults, "core/x.py", "yaml.compose(text, Loader=yaml.UnsafeLoader)"),
        (unsafe_faults, "core/x.py", "__import__(name)"),
        (unsafe_faults, "core/x.py", "def f():\n    exec(compile(text, 'x', 'exec'))"),
    ],
)
def test_each_rule_finds_what_breaks_it(check, file: str, source: str):
    assert check(source, ROOT / file) != []


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("core/x.py", "import numpy as np\nfrom .errors import AudioError"),
        ("cli/x.py", "def f():\n    from ..learn.run.run import start_run\n    import torch"),
        ("cli/x.py", "if TYPE_CHECKING:\n    from ..learn.run.finish import Result"),
        ("cli/showing/console.py", "def f():\n    from rich.table import Table"),
        ("bench/x.py", "import onnxruntime\nfrom ..engine.session import Classifier"),
        ("report/x.py", "import jinja2\nfrom ..data.health.report import build_report"),
        ("learn/x.py", "import torch\nfrom ..engine.session import Classifier"),
        ("core/x.py", "model.eval()\nre.compile('x')\nrun(a, shell=False)"),
    ],
)
def test_no_rule_finds_fault_with_what_is_right(file: str, source: str):
    assert [fault for check in CHECKS for fault in check(source, ROOT / file)] == []

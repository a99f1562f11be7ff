"""What stands in two places says the same in both: presets, requirements, packages, their files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from wsnet_cli.core.locate import shipped_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FULL_ONLY = ("torch", "scikit-learn", "librosa", "jinja2", "matplotlib")


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def preset(name: str) -> dict[str, Any]:
    text = (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
    return {key: value for key, value in yaml.safe_load(text).items() if key != "description"}


def test_the_default_preset_is_half_as_wide_as_esc10_maps():
    default, maps = preset("default"), preset("esc10-maps")
    assert default["network"].pop("width") == 0.5
    assert default["network"] == maps["network"]


def test_the_light_install_wants_the_same_versions(pyproject: dict[str, Any]):
    lines = (ROOT / "requirements" / "light.txt").read_text(encoding="utf-8").splitlines()
    light = [line for line in lines if line and not line.startswith("#")]
    wanted = pyproject["project"]["dependencies"]
    assert light == [name for name in wanted if not name.startswith(FULL_ONLY)]
    assert len(wanted) == len(light) + len(FULL_ONLY)


def test_the_packages_are_those_there_are(pyproject: dict[str, Any]):
    folders = {init.parent for init in (ROOT / "wsnet_cli").rglob("__init__.py")}
    found = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    named = pyproject["tool"]["setuptools"]["packages"]
    assert len(named) == len(set(named))
    assert set(named) == {*found, "wsnet_cli.configs"}
    assert (ROOT / "configs" / "__init__.py").is_file()


def test_every_preset_and_every_other_file_travels(pyproject: dict[str, Any]):
    tool = pyproject["tool"]["setuptools"]
    presets = ROOT / tool["package-dir"]["wsnet_cli.configs"]
    assert set(presets.rglob("*.yaml"))
    assert set(presets.rglob("*.yaml")) == set(files_of(presets, tool, "wsnet_cli.configs"))
    assert [p.name for p in files_of(ROOT / "wsnet_cli", tool, "wsnet_cli")] == ["py.typed"]
    pages = files_of(ROOT / "wsnet_cli" / "report", tool, "wsnet_cli.report")
    names = ["base.html", "evaluation.html", "page.html", "parts.html"]
    assert sorted(p.name for p in pages) == names
    models = ROOT / "wsnet_cli" / "models"
    there = {path for path in models.iterdir() if path.suffix not in (".py", "") and path.is_file()}
    assert there == set(files_of(models, tool, "wsnet_cli.models"))
    assert {path.stem for path in there} == set(shipped_names())


def files_of(folder: Path, tool: dict[str, Any], package: str) -> list[Path]:
    """The files of a package that its patterns match."""
    return [path for pattern in tool["package-data"][package] for path in folder.glob(pattern)]

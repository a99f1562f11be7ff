from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from wsnet_cli.bulk.inputs.globs import deep_matches, has_deep_part


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/1.wav", "a/b/2.wav", "a/b/c/3.wav", "a/.h/4.wav", "a/.5.wav", "d/6.ogg"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    "pattern",
    [
        *("**", "**/*", "a/**", "a/**/*.wav", "**/b/**", "**/b/*.wav", "a/**/c/*", "**/*.ogg"),
        *("a/**/.h/*", "**/.*", "./**/*.wav", "**/**/*.wav", "[ad]/**/*.???"),
    ],
)
def test_matches_are_those_of_glob(pattern: str):
    found = [name for name, _ in deep_matches(pattern)]
    expected = {os.path.normpath(name) for name in glob.glob(pattern, recursive=True) if name}
    assert {os.path.normpath(name) for name in found} - {"."} == expected - {"."}
    assert len(found) == len(set(found))
    assert found == [name for name, _ in deep_matches(pattern)]


def test_what_is_not_there_matches_nothing():
    assert list(deep_matches("no/**")) == []


def test_absolute_patterns(tmp_path: Path):
    found = [name for name, _ in deep_matches(f"{tmp_path}/**/3.wav")]
    assert found == [f"{tmp_path}/a/b/c/3.wav"]


def test_only_parts_that_are_two_stars_are_deep():
    assert has_deep_part("a/**/b")
    assert not has_deep_part("a**/b")


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_lead_back_are_named_and_not_entered():
    for i in range(3):
        Path(f"a/loop{i}").symlink_to(Path.cwd())
    found = dict(deep_matches("a/**/*"))
    assert {name for name, is_link in found.items() if is_link} == {f"a/loop{i}" for i in range(3)}
    assert [name for name in found if name.endswith("1.wav")] == ["a/1.wav"]

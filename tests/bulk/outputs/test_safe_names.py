from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.bulk.outputs.safe_names import MirroredNames, safe_part

NASTY = st.text(st.characters() | st.sampled_from('./\\:% _\0\n"*?<>|~$'), max_size=300)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("dog bark", "dog bark"),
        ("é 音 😀", "é 音 😀"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("", "%"),
        ("%", "%25"),
        ("../x", "%2E.%2Fx"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("C:", "C%3A"),
        ("x\n", "x%0A"),
        ("a ", "a%20"),
        ("CON", "%43ON"),
        ("nul.txt", "%6Eul.txt"),
        ("console", "console"),
        ("\udcff", "%FF"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_parts_by_hand(text: str, part: str):
    assert safe_part(text) == part


@given(text=NASTY)
def test_a_part_is_one_part_that_every_system_takes(text: str):
    part = safe_part(text)
    assert PurePath(part).parts == (part,)
    assert not set(part) & set('<>:"/\\|?*\0')
    assert part.isprintable()
    assert part not in (".", "..")
    assert part[-1] not in ". "
    assert 0 < len(part.encode()) <= 200


@given(texts=st.lists(NASTY, max_size=8, unique=True))
def test_different_texts_have_different_parts(texts: list[str]):
    assert len({safe_part(text) for text in texts}) == len(texts)


def test_long_texts_that_differ_at_their_end_stay_different():
    assert safe_part("x" * 1_000 + "a") != safe_part("x" * 1_000 + "b")


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["a.wav"], ["a.wav"]),
        (["rec/a.wav", "rec/b/c.wav"], ["a.wav", "b/c.wav"]),
        (["/data/x/a.wav", "/data/y/a.wav"], ["x/a.wav", "y/a.wav"]),
        (["../a.wav", "b.wav"], ["%2E%2E/a.wav", "b.wav"]),
        (["/a.wav", "a.wav"], ["%2F/a.wav", "a.wav"]),
        (["x/a.wav", "xy/a.wav"], ["x/a.wav", "xy/a.wav"]),
        ([], []),
    ],
)
def test_names_are_mirrored_without_what_all_share(names: list[str], places: list[str]):
    mirrored = MirroredNames(names)
    assert [mirrored.place(name).as_posix() for name in names] == places


@given(
    names=st.lists(
        st.text(st.sampled_from("ab./\n"), min_size=1, max_size=12)
        .map(lambda name: str(PurePath(name)))
        .filter(lambda name: PurePath(name).name != ""),
        unique=True,
        max_size=9,
    )
)
def test_mirrored_names_stay_inside_and_apart(names: list[str]):
    mirrored = MirroredNames(names)
    places = [mirrored.place(name) for name in names]
    assert len(set(places)) == len(names)
    root = Path("/root/of/all")
    for place in places:
        assert not place.is_absolute()
        assert (root / place).is_relative_to(root)
        assert ".." not in place.parts

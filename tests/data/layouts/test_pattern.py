from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import DataError, UsageError
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.pattern import parse_pattern


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


@pytest.mark.parametrize(
    ("pattern", "name", "values"),
    [
        ("{label}_{group}_{i}", "7_jackson_32.wav", {"label": "7", "group": "jackson", "i": "32"}),
        ("{label}_{group}_{i}", "deep/er/7_jackson_32.WAV", {"label": "7", "group": "jackson"}),
        ("{fold}-{src}-{take}-{label}", "1-100032-A-0.ogg", {"fold": "1", "label": "0"}),
        ("{label}", "x.y.wav", {"label": "x.y"}),
        ("rec-{label}.raw", "rec-dog.raw.wav", {"label": "dog"}),
        ("{split}/{label}/{x}", "train/dog/a b.wav", {"split": "train", "label": "dog"}),
        ("set/{label}s/{x}", "set/dogs/1.wav", {"label": "dog", "x": "1"}),
        ("{label}.*{x}", "a.*b.wav", {"label": "a", "x": "b"}),
        ("{label}__{x}", "a__b.wav", {"label": "a", "x": "b"}),
        (r"{label}\{x}", "a/b.wav", {"label": "a", "x": "b"}),
    ],
)
def test_fields_are_read_from_a_name(pattern: str, name: str, values: dict[str, str]) -> None:
    assert parse_pattern(pattern).read(name).items() >= values.items()


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{label}_{x}", "dog.wav"),
        ("{label}_{x}", "_dog.wav"),
        ("{label}_{x}", "dog_.wav"),
        ("a{label}a", "aa.wav"),
        ("{label}-{x}", "dog_1.wav"),
        ("{label}/{x}", "dog.wav"),
        ("{label}/{x}", "deep/dog/1.wav"),
        ("x{label}", "dog.wav"),
        ("{label}x", "dog.wav"),
        ("(.*){label}", "dog.wav"),
    ],
)
def test_a_name_that_does_not_fit_is_refused(pattern: str, name: str) -> None:
    with pytest.raises(DataError, match="does not fit the pattern"):
        parse_pattern(pattern).read(name)


def test_a_name_that_fits_in_more_than_one_way_is_refused() -> None:
    message = "more than one way: label is 'street' or 'street_traffic'"
    with pytest.raises(DataError, match=message):
        parse_pattern("{label}_{city}").read("street_traffic_lyon.wav")
    read = parse_pattern("{label}-{city}").read("street_traffic-lyon.wav")
    assert read == {"label": "street_traffic", "city": "lyon"}


def _all_ways(texts: list[str], name: str) -> list[list[str]]:
    """Every way to cut a name into values between texts, by trying all."""
    if not name.startswith(texts[0]):
        return []
    rest = name[len(texts[0]) :]
    if len(texts) == 1:
        return [[]] if not rest else []
    return [
        [rest[:n], *more]
        for n in range(1, len(rest) + 1)
        for more in _all_ways(texts[1:], rest[n:])
    ]


@given(
    st.lists(st.text("_-a", min_size=1, max_size=2), min_size=0, max_size=3),
    st.text("_-a", max_size=1),
    st.text("_-a", max_size=1),
    st.text("_-ab", min_size=1, max_size=9),
)
def test_the_only_way_is_found_and_several_are_refused(
    between: list[str], before: str, after: str, name: str
) -> None:
    fields = ["label", "n1", "n2", "n3"][: len(between) + 1]
    pattern = before + "".join(
        f"{{{field}}}{text}" for field, text in zip(fields, [*between, after], strict=True)
    )
    ways = _all_ways([before, *between, after], name)
    if len(ways) == 1:
        assert list(parse_pattern(pattern).read(f"{name}.wav").values()) == ways[0]
        return
    with pytest.raises(DataError, match="more than one way" if ways else "does not fit"):
        parse_pattern(pattern).read(f"{name}.wav")


def test_a_long_name_takes_no_time() -> None:
    pattern = parse_pattern("_".join(["{label}", *(f"{{x{i}}}" for i in range(20))]))
    with pytest.raises(DataError, match="more than one way"):
        pattern.read("_" * 4000 + "a.wav")


@pytest.mark.parametrize(
    ("value", "split"),
    [
        ("0", "test"),
        ("4", "test"),
        ("04", "test"),
        ("5", "validation"),
        ("005", "validation"),
        ("ann", "validation"),
        ("10", "train"),
        ("40", "train"),
        ("x", "train"),
        ("0-4", "test"),
        ("4" * 40, "train"),
        ("\u0664", "train"),
    ],
)
def test_a_field_may_choose_parts(value: str, split: str) -> None:
    pattern = parse_pattern("{label}_{n:test=0-4; val = 5, ann}")
    assert pattern.read(f"dog_{value}.wav")["split"] == split


PROBLEMS = {
    "{group}_{n}": r"no field \{label\}; an example: '\{label\}_\{group\}_\{index\}'",
    "": "no field|empty part",
    "{label}{n}": "two fields without text between them",
    "{label}_{label}": r"field \{label\} stands there twice",
    "{label}_{a}/{a}": r"field \{a\} stands there twice",
    "{label}_{n": "a brace without its other one at '_{n'",
    "{label}}": "a brace without its other one",
    "{label}_{}": "field '': expected letters",
    "{label}_{n!r}": "field 'n!r'",
    "{label}_{n.__class__}": "field 'n.__class__'",
    "{lable}_{label}": r"unknown field \{lable\}; did you mean \{label\}\?",
    "{label}//{n}": "an empty part between slashes",
    "{label}_{fold}_{split}": "both folds and parts",
    "{label}_{fold}_{n:test=1}": "both folds and parts",
    "{label}_{split}_{n:test=1}": r"\{split\} and a field that chooses parts",
    "{label}_{n:test=1}_{m:test=1}": "only one field",
    "{label:test=1}": "only one field, with a name of its own",
    "{label}_{n:test}": "'test'; expected values for test or validation",
    "{label}_{n:test=}": "'test='; expected values",
    "{label}_{n:train=1}": "'train=1'; expected values",
    "{label}_{n:tset=1}": "split 'tset'; expected train, validation or test",
}


@pytest.mark.parametrize("pattern", PROBLEMS)
def test_a_pattern_that_makes_no_sense_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match=PROBLEMS[pattern]) as caught:
        parse_pattern(pattern)
    assert "\n" not in str(caught.value)


def test_a_folder_is_read_by_a_pattern(tmp_path: Path) -> None:
    names = [f"rec/{d}_{who}_{i}.wav" for d in "01" for who in ("ann", "bob") for i in range(3)]
    touch(tmp_path, *names, "rec/notes.txt", "rec/.hidden_x_1.wav")
    dataset = load_dataset(tmp_path, pattern="{label}_{group}_{index}")
    assert dataset.layout == "pattern"
    assert [clip.name for clip in dataset.clips] == sorted(names)
    assert dataset.labels == ("0", "1")
    assert {clip.group for clip in dataset.clips} == {"ann", "bob"}
    assert (dataset.skipped, dataset.notes) == ((), ())
    official = load_dataset(tmp_path, "pattern", "{label}_{speaker}_{index:test=0}")
    assert {clip.name[-5]: clip.split for clip in official.clips} == {
        "0": "test",
        "1": "train",
        "2": "train",
    }


def test_what_does_not_fit_is_listed(tmp_path: Path) -> None:
    touch(tmp_path, "a_1.wav", "b_1.wav", "c.wav", "d_e_1.wav", "\x07_1.wav", "_x_.wav")
    dataset = load_dataset(tmp_path, pattern="{label}_{n}")
    assert dataset.labels == ("a", "b")
    reasons = {failure.name: failure.reason for failure in dataset.skipped}
    assert list(reasons) == ["\x07_1.wav", "_x_.wav", "c.wav", "d_e_1.wav"]
    assert "characters that cannot be printed" in reasons["\x07_1.wav"]
    assert "more than one way" in reasons["d_e_1.wav"]
    assert dataset.notes == ("4 of 6 audio files cannot be read by the pattern",)


def test_splits_and_folds_of_names_are_checked(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.wav", "Testing/b/1.wav", "other/a/1.wav")
    dataset = load_dataset(tmp_path, pattern="{split}/{label}/{n}")
    assert [clip.split for clip in dataset.clips] == ["test", "train"]
    (skipped,) = dataset.skipped
    assert skipped.reason == "split 'other'; expected train, validation or test"
    by_fold = load_dataset(tmp_path, pattern="{fold}/{label}/{n}")
    assert by_fold.folds == ("Testing", "other", "train")


def test_where_nothing_fits_an_example_is_given(tmp_path: Path) -> None:
    touch(tmp_path, "b.wav", "deep/a.wav", "c.wav")
    message = (
        r"none of 3 audio files can be read by the pattern '\{label\}_\{n\}': b\.wav does not fit"
    )
    with pytest.raises(DataError, match=message):
        load_dataset(tmp_path, pattern="{label}_{n}")
    with pytest.raises(DataError, match="no audio found"):
        load_dataset(touch(tmp_path / "none", "x.txt"), pattern="{label}_{n}")


@pytest.mark.shared
def test_the_real_fsdd_is_read_by_its_names() -> None:
    root = Path(__file__).resolve().parents[4] / "shared" / "data" / "fsdd"
    if not root.is_dir():
        pytest.skip("the recordings ../shared/data/fsdd are not beside this checkout")
    official = load_dataset(root, pattern="{label}_{speaker}_{index:test=0-4}")
    assert Counter((clip.label, clip.split) for clip in official.clips) == {
        **{(str(digit), "train"): 270 for digit in range(10)},
        **{(str(digit), "test"): 30 for digit in range(10)},
    }
    by_voice = load_dataset(root, pattern="{label}_{group}_{index}")
    assert len({clip.group for clip in by_voice.clips}) == 6

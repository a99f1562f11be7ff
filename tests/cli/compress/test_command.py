from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from wsnet_cli.core import locate
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import load_model, save_model

KEYS = {
    *("model", "out", "bytes", "bits", "bits_chosen_by", "fine_tuned", "layers"),
    *(
        "comparison",
        "not_measured",
        "gate",
        "ledger",
        "released_soundnet8_ratio",
        "of_released_soundnet8",
    ),
}


def test_the_ledger_adds_up(wsnet, model: str, tone_model: Model):
    outcome = wsnet("compress", model, "--json")
    assert outcome.code == 0
    document = outcome.document
    assert set(document) == KEYS
    assert (document["model"], document["out"]) == (model, "tone.q8.wsnet")
    rows = {row["part"]: row["bytes"] for row in document["ledger"]}
    network = tone_model.network
    file = Path("tone.q8.wsnet")
    dense_bytes = 4 * network.n_dense_parameters
    n_real = network.n_weights + network.n_constants
    assert (rows["dense"], rows["sampled"]) == (dense_bytes, 4 * n_real)
    parts = rows["weights"] + rows["constants"] + rows["rest"]
    assert rows["file"] == parts == file.stat().st_size == document["bytes"]
    assert set(rows) == {"dense", "sampled", "weights", "constants", "rest", "file", "zipped"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.write(file)
    assert rows["zipped"] == pytest.approx(len(archive.getvalue()), abs=20)
    for row in document["ledger"]:
        assert row["ratio"] == pytest.approx(dense_bytes / row["bytes"])
    assert document["released_soundnet8_ratio"] == pytest.approx(4 * 14_345_216 / rows["file"])
    assert document["of_released_soundnet8"] is False


def test_what_people_see(wsnet, model: str):
    rows = wsnet("compress", model, "--json", "-o", "a.wsnet").document["ledger"]
    outcome = wsnet("compress", model, "-o", "b.wsnet")
    assert outcome.code == 0
    for row in rows:
        (line,) = [
            told for told in outcome.stdout.splitlines() if told.startswith(f" {row['what']} ")
        ]
        is_part = row["part"] in ("weights", "constants", "places", "rest")
        said = [f"{row['bytes']:,}"] if is_part else [f"{row['bytes']:,}", f"{row['ratio']:.1f}x"]
        assert line.removeprefix(f" {row['what']} ").split() == said
    assert outcome.stderr.splitlines() == [
        "accuracy before and after is not measured: there is no data to measure on; name it with "
        "--data",
        f"written: {Path('b.wsnet').absolute()}",
    ]


def test_the_8_bit_file_is_one_and_works(wsnet, model: str, tones: Path):
    before = Path(model).read_bytes()
    assert wsnet("compress", model).code == 0
    assert Path(model).read_bytes() == before
    assert load_model(Path("tone.q8.wsnet")).bits == 8
    for command in (("evaluate", "tone.q8.wsnet", tones), ("predict", tones, "-m", model)):
        assert wsnet(*command, "--json").code == 0
    whole, small = (
        wsnet("predict", tones, "-m", name, "--json", "--top-k", 3).document["results"]
        for name in (model, "tone.q8.wsnet")
    )
    scores = [
        [{p["label"]: p["score"] for p in r["predictions"]} for r in results]
        for results in (whole, small)
    ]
    assert scores[0] != scores[1]
    for one, other in zip(*scores, strict=True):
        assert one == pytest.approx(other, abs=0.05)


def test_compressing_twice_gives_the_same_bytes(wsnet, model: str):
    assert wsnet("compress", model, "-o", "once.wsnet").code == 0
    assert wsnet("compress", model, "-o", "again.wsnet").code == 0
    assert wsnet("compress", "once.wsnet", "-o", "twice.wsnet").code == 0
    once = Path("once.wsnet").read_bytes()
    assert once == Path("again.wsnet").read_bytes() == Path("twice.wsnet").read_bytes()


def test_a_run_is_compressed_beside_its_model(wsnet, trained):
    outcome = wsnet("compress", trained.run, "--json")
    assert outcome.code == 0
    assert Path(outcome.document["out"]) == trained.run / "model.q8.wsnet"
    dense, *_ = outcome.document["ledger"]
    parts = [row["part"] for row in outcome.document["ledger"]]
    assert parts == ["dense", "weights", "constants", "rest", "file", "zipped"]
    assert dense["ratio"] == 1


def test_a_model_that_ships_is_compressed_into_the_current_folder(
    wsnet, tone_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "package" / "models"
    save_model(folder / "esc10.wsnet", tone_model)
    monkeypatch.setattr(locate, "shipped_folder", lambda: folder)
    outcome = wsnet("compress", "esc10", "--json")
    assert outcome.document["out"] == "esc10.q8.wsnet"
    assert Path("esc10.q8.wsnet").is_file()
    assert [path.name for path in folder.iterdir()] == ["esc10.wsnet"]


def test_an_existing_target_is_kept_unless_forced(wsnet, model: str):
    Path("tone.q8.wsnet").write_text("mine")
    refused = wsnet("compress", model, "--json")
    assert (refused.code, refused.stdout) == (2, "")
    assert refused.error == "tone.q8.wsnet: exists; give another name with -o, or --force"
    assert Path("tone.q8.wsnet").read_text() == "mine"
    assert wsnet("compress", model, "--force").code == 0
    assert load_model(Path("tone.q8.wsnet")).bits == 8


def test_a_compressed_model_is_not_written_over_by_default(wsnet, model: str):
    assert wsnet("compress", model).code == 0
    outcome = wsnet("compress", "tone.q8.wsnet")
    assert outcome.code == 2
    assert outcome.error.startswith("tone.q8.wsnet: exists; ")


@pytest.mark.parametrize("options", [(), ("--force",)])
def test_a_folder_is_no_target(wsnet, model: str, options: tuple[str, ...]):
    outcome = wsnet("compress", model, "-o", ".", *options)
    assert (outcome.code, outcome.error) == (2, "-o .: is a folder; expected a file's name")


@pytest.mark.parametrize("name", ["missing.wsnet", "no-model.wsnet"])
def test_what_is_no_model_is_refused_and_nothing_is_written(wsnet, name: str):
    Path("no-model.wsnet").write_text("text")
    outcome = wsnet("compress", name, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(f"{name}: ")
    assert not list(Path().glob("*.q8.wsnet"))

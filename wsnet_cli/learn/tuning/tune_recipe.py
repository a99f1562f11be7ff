"""How a model is fine-tuned: what may be set, and the configuration that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...core.configuration.config import AudioConfig, Config
from ...core.configuration.config_file import load_config
from ...core.configuration.presets import DEFAULT_PRESET
from ...core.model import Model
from ..run.from_data import LONGEST_WINDOW_S, WHOLE_CLIPS

CLIP_NORM = 1.0
WARMUP_EPOCHS = 1


@dataclass(frozen=True)
class FineTuning:
    """How to fine-tune; what each default is worth: docs/compression.md.

    Attributes:
        epochs: over the training part.
        rate: peak learning rate, as a share of the root mean square of each layer's weights,
            multipliers or biases.
        teacher_share: of the model as it was before in the loss; the labels have the rest. 0: none.
        temperature: by which its logits and the new ones are divided.
        seed: of batches and dropout.
    """

    epochs: int = 30
    rate: float = 0.003
    teacher_share: float = 0.9
    temperature: float = 2.0
    seed: int = 0


def recipe(model: Model, run: Config | None, settings: FineTuning) -> Config:
    """The configuration of fine-tuning: how clips are varied, the batch size, the schedule.

    Args:
        model: whose audio settings are taken.
        run: of the run that made it, whose `augment`, `balance`, batch size, label smoothing and
            validation part are taken; None: those of the default preset, where a
            window shorter than its own, which is taken to hold most clips whole, is shifted and
            stretched but little.
        settings: of fine-tuning.
    """
    base = run or load_config(DEFAULT_PRESET)
    augment = base.augment
    if run is None and model.audio.window_s < LONGEST_WINDOW_S:
        augment = augment.model_copy(update=WHOLE_CLIPS)
    train = base.train.model_copy(
        update={
            "epochs": settings.epochs,
            "lr": settings.rate,
            "warmup_epochs": WARMUP_EPOCHS,
            "schedule": "cosine",
            "weight_decay": 0.0,
            "clip_norm": CLIP_NORM,
            "precision": "float32",  # fewer bits would round what is rounded already
            "patience": 0,
            "keep": "last",
            "distill": None,
            "seed": settings.seed,
        }
    )
    parts = {
        "audio": AudioConfig(**asdict(model.audio)),
        "network": base.network.model_copy(update={"dropout": 0.0}),  # the teacher drops nothing
        "augment": augment,
        "train": train,
    }
    return base.model_copy(update={**parts, "from_data": (), "start": None})

"""The schema of a preset or run configuration: every key, its range and its reason.

An unknown key, a wrong type or a value out of range is refused by `config_file.load_config`, which
names the file, the key, the value and what is allowed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)

PositiveInt = Annotated[int, Field(ge=1)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if pair[0] > pair[1]:
        raise ValueError("the least first, then the most")
    return pair


Range = Annotated[tuple[Finite, Finite], Field(strict=False), AfterValidator(_rising)]
"""The least and the most of what is drawn."""


def _each_once(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))


FROM_DATA = {
    "rate": ("audio.sample_rate",),
    "window": ("audio.window_s",),
    "crops": ("augment.rescale", "augment.shift"),
    "pooling": ("network.pooling",),
    "epochs": ("train.epochs",),
}
"""What `from_data` may name, and the keys that it stands for."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class AudioConfig(_Section):
    """What the network hears; it becomes part of the model."""

    sample_rate: Annotated[int, Field(ge=1_000, le=192_000)] = 20_000
    """Hz."""
    window_s: Positive = 1.51125
    """Seconds of audio the network sees at once (30,225 samples at 20 kHz, as ACDNet)."""
    hop_s: Positive | None = None
    """Seconds between windows of a clip when it is evaluated or predicted; null: half a window."""
    normalise: Literal["rms", "none"] = "rms"
    """`rms`: every window is brought to the same loudness; `none`: as recorded."""
    trim_below: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    """Quieter samples at either end of a clip are digital silence and are cut; 0 keeps all."""


class SamplingConfig(_Section):
    """Weight sampling of one convolution: S, C and D of the method."""

    stride: PositiveInt
    """S: rows of the condensed filter between neighbouring filters; at most the filter length."""
    channel_factor: PositiveInt = 1
    """C: groups of input channels that share weights; divides the input channels."""
    denser: PositiveInt = 1
    """D: filters sampled per output, mapped back by a 1x1 convolution; divides S."""
    offsets: Literal["regular", "random", "learned"] = "regular"
    """Where filters begin: every S/D rows, at places drawn once, or at places that are learned."""
    group_offset: NonNegativeInt = 0
    """Rows by which each group of channels begins later than the one before; ends folding."""
    signs: bool = False
    """Fixed signs of the input channels, so that groups differ in more than their order."""


class NetworkSamplingConfig(SamplingConfig):
    """Weight sampling of all convolutions, with exceptions by layer."""

    layers: dict[str, SamplingConfig | Literal["dense"]] = {}
    """Layer name to its own sampling, or `dense`. The first layer has one input channel: C is 1."""


class NetworkConfig(_Section):
    """Which network, how wide, and what of it is sampled."""

    architecture: Literal["soundnet8", "baseline1", "mapnet"] = "soundnet8"
    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    """Factor on the channels of every convolution, of mapnet on its maps; 0.25 makes the narrow
    control."""
    frame: PositiveInt = 50
    """Outputs of mapnet's front end that are pooled to one step of the map: 10 ms at 20 kHz."""
    pooling: Literal["released", "every-layer"] = "released"
    """`released`: the pools of the released SoundNet-8; `every-layer`: after each convolution, as
    in the WSNet paper; the last ones are left out where the window is too short for them."""
    head: Literal["mean-linear", "conv8", "fully-connected"] = "mean-linear"
    """Mean over time and one linear layer; the released conv8; or Baseline-1's three layers."""
    head_sampling_stride: PositiveInt | None = None
    """S of the head's linear layers (SC-dagger in the paper); null: dense."""
    head_scales: bool | None = None
    """A learned multiplier for each output of the head's layers; null: where they are sampled."""
    sampling: NetworkSamplingConfig | None = None
    """null: a dense network."""
    dropout: Fraction = 0.2
    """Share of the inputs of each linear layer that is dropped while training."""


class AugmentConfig(_Section):
    """How clips are varied while training. Source of each: docs/training.md."""

    mixing: Literal["between-class", "mixup", "none"] = "between-class"
    """`between-class`: two clips of different classes at a random ratio, as they are heard, which
    is also the label; `mixup`: any two, their samples added at a ratio from a beta distribution."""
    mixup_alpha: Positive = 0.2
    """Both parameters of mixup's beta distribution."""
    mixing_share: Share = 0.5
    """Share of the windows that are mixed; the others are clips as they are."""
    mixing_until: Share = 0.6
    """Share of the epochs in which windows are mixed; the last epochs see clips as they are."""
    rescale: Annotated[float, Field(ge=1, le=4)] = 1.25
    """Stretch time and pitch together by up to this factor either way; 1: off."""
    gain_db: NonNegative = 6.0
    """Change the level by up to this many dB either way; 0: off."""
    filter_db: Annotated[float, Field(ge=0, le=40)] = 0.0
    """Change the level of random bands of frequencies by up to so many dB either way; 0: off."""
    polarity: bool = True
    """Turn half of the clips upside down."""
    shift: Share = 0.5
    """Silence put at either end before cropping, as a share of the window."""
    noise_snr_db: Range | None = None
    """White noise so many dB below a window's level, [least, most]; null: none."""
    noise_share: Share = 0.5
    """Share of the windows that get noise."""
    background: str | None = None
    """A folder of recordings that are mixed in; null: none."""
    background_snr_db: Range = (0.0, 20.0)
    """So many dB below a window's level, [least, most]."""
    background_share: Share = 0.5
    """Share of the windows that get a background."""
    stretch: Annotated[float, Field(ge=1, le=2)] = 1.0
    """Stretch time, at the same pitch, by up to this factor either way; 1: off."""
    pitch_semitones: Annotated[float, Field(ge=0, le=12)] = 0.0
    """Shift the pitch, at the same speed, by up to so many semitones either way; 0: off."""
    variants: PositiveInt = 4
    """Versions of each clip that are stretched or shifted once and kept in the cache, where
    `stretch` or `pitch_semitones` asks for it; crops are cut from these and the clip itself."""


class DistillConfig(_Section):
    """Learning from models that are trained already."""

    teachers: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Model files, run folders or names of models; several are averaged."""
    temperature: Positive = 2.0
    """Both sides' logits are divided by it."""
    share: Share = 0.9
    """Of the teachers in the loss; the labels have the rest."""


class TrainConfig(_Section):
    """The recipe of optimization. Source of each default: docs/training.md."""

    epochs: PositiveInt = 300
    batch_size: Annotated[int, Field(ge=2)] = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """`sgd`: with Nesterov's momentum of 0.9, a rate of its own (0.1 is usual) and less decay."""
    lr: Positive = 1e-3
    """Peak learning rate; rises linearly over the warm-up, then falls to 0 along a cosine."""
    warmup_epochs: NonNegativeInt = 5
    weight_decay: NonNegative = 0.02
    """Of weights; multipliers and biases have none."""
    schedule: Literal["cosine", "linear", "drops", "constant"] = "cosine"
    """What the learning rate does after the warm-up."""
    drops: Annotated[tuple[Share, ...], Field(strict=False)] = (0.5, 0.75)
    """Shares of the epochs after which `drops` divides the learning rate by 10."""
    clip_norm: Positive | None = None
    """Longest gradient, over all weights together; null: as it is."""
    label_smoothing: Fraction = 0.0
    """Share of each target that is spread over all classes."""
    balance: Literal["none", "sampling", "weights"] = "none"
    """`sampling`: every class is drawn equally often; `weights`: rare classes weigh more."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Of the arithmetic of layers; auto: bfloat16 on a GPU that has it, else float32."""
    average: Literal["exponential", "equal"] = "exponential"
    """Of weights over steps, which is what is kept: the latest most, or all alike."""
    average_decay: Fraction = 0.999
    """Decay of the exponential average; 0: the last weights."""
    average_from: Fraction = 0.75
    """Share of the steps after which the equal average begins."""
    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training clips that are kept from training, to choose the epoch by; 0: none."""
    patience: NonNegativeInt = 0
    """Epochs without a better validation after which training ends; 0: it runs to its end."""
    keep: Literal["last", "best"] = "last"
    """The model of which epoch; `best` by the validation part."""
    distill: DistillConfig | None = None
    """null: labels alone."""
    repeats: PositiveInt = 1
    """Crops of each clip per epoch."""
    evaluate_every: NonNegativeInt = 10
    """Epochs between looks at the held-out part, for the log alone; 0: only after the last."""
    seed: NonNegativeInt = 0


class Config(_Section):
    """All that a run needs besides the data."""

    description: str = ""
    from_data: Annotated[
        tuple[Literal["rate", "window", "crops", "pooling", "epochs"], ...],
        Field(strict=False),
        AfterValidator(_each_once),
    ] = ()
    """What is chosen from the data when a run starts, where it is not set: `audio.sample_rate`,
    `audio.window_s`, `augment.rescale` and `augment.shift`, `network.pooling`, `train.epochs`."""
    start: str | None = None
    """A model file, run folder or name of a model to start from: its network and audio are taken,
    and its weights; null: random weights."""
    audio: AudioConfig = AudioConfig()
    network: NetworkConfig = NetworkConfig()
    augment: AugmentConfig = AugmentConfig()
    train: TrainConfig = TrainConfig()

    @model_serializer(mode="wrap")
    def _without_defaults_of_no_network(
        self, serialize: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Of the network of a run that starts from a model no defaults are true: only what is set.

        So what comes back from text has set no more than what went there.
        """
        values: dict[str, Any] = serialize(self)
        if self.start is not None and "network" in values:
            chosen = self.network.model_fields_set
            values["network"] = {k: v for k, v in values["network"].items() if k in chosen}
        return values

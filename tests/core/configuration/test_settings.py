from __future__ import annotations

import pytest

from wsnet_cli.core.configuration.config import AudioConfig
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.sound.audio import AudioSettings


def test_every_value_is_taken_over():
    config = AudioConfig(
        sample_rate=16_000, window_s=2.0, hop_s=0.5, normalise="none", trim_below=0.0
    )
    assert audio_settings(config) == AudioSettings(16_000, 2.0, 0.5, "none", 0.0)


def test_no_hop_means_half_a_window():
    assert audio_settings(AudioConfig(window_s=3.0)).hop_s == 1.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"window_s": 1.0, "hop_s": 1.5}, r"audio\.hop_s = 1\.5; expected .* <= window_s = 1\.0"),
        ({"window_s": 4_000.0}, r"audio\.window_s = 4000\.0; expected seconds > 0 and <= 3600"),
    ],
)
def test_values_that_do_not_fit_each_other_name_their_keys(values: dict[str, float], message: str):
    with pytest.raises(ConfigError, match=message):
        audio_settings(AudioConfig.model_validate(values))

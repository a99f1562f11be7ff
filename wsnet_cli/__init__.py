"""wsnet: train audio classifiers on raw waveforms, shrink them to kilobytes, run them fast."""

__version__ = "0.1.0"

"""What everything else rests on: files, audio, sampling, quantization, metrics. No torch."""

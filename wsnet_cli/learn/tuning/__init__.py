"""Fine-tuning of a compressed model."""

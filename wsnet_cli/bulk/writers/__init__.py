"""One module per output format. Columns and keys are documented in docs/outputs.md and stable."""

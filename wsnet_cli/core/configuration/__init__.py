"""Presets and configuration files: their schema, reading and writing."""

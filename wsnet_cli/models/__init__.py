"""The small trained model files that ship, each with a card."""

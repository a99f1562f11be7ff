"""From logits to scores and decisions, and how both are fitted."""

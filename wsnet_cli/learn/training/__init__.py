"""The training loop: steps, schedule, looks at clips, and the state that resuming needs."""

"""Temperature and thresholds on clips and background sounds, and what they leave."""

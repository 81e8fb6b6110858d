"""Training: one run a seed, found by its content, resumed where it stopped, or begun."""

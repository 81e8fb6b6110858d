"""Figures: one module a chapter, pure functions from data to a matplotlib figure; `style` saves them."""

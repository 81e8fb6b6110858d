"""Chapter 01: the images, their shortcuts and duplicates, and what a leaking split would pay."""

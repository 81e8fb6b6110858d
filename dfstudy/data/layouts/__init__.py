"""Known ways in which sets of images lie in folders, and what is read from each (docs/layouts.md)."""

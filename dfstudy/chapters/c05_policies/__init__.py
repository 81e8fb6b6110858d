"""Chapter 05: augmentation policies compared, with controls."""

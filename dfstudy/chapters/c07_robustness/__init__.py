"""Chapter 07: corrupted images."""

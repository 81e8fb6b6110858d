"""Chapter 10: every question with its answer, and the abstract."""

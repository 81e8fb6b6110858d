"""Chapter 09: every question with its answer, and the abstract."""

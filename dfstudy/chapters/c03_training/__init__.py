"""Chapter 03: the training curves, and whether the network has learned."""

"""Chapter 02: what the policy does to an image, and what it costs."""

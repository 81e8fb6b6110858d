"""Chapter 09: what the pretrained network knows, and what has to be trained."""

"""Chapter 04: the test, calibration, decisions, videos, explanations and the model card."""

"""The sample: rendered portraits of people who do not exist, and forgeries of them."""

"""Images: what there is, what it is called, what it looks like as an array, and who trains on it."""

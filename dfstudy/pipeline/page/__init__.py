"""One HTML page of the chapters' notebooks."""

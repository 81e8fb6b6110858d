"""Files that are whole or not there, locks, processes that end with their parent, fingerprints of content."""

"""The report's chapters: a folder each, of what it measures, draws and says."""

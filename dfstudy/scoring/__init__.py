"""Scores outside of a report: a detector of finished runs, tables that other tools made, export."""

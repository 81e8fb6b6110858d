"""Faces of videos and photographs: found, followed, cropped."""

"""Policies that vary training images: name and key in, uint8 [size, size, 3] out."""

"""A finished report as one archive for others: packed, described, checked, and made again."""

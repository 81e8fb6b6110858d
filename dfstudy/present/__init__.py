"""What every chapter writes with: figure style, numbers, tables, answers."""

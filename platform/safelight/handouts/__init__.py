"""Pages that stand for themselves: one HTML file that asks nobody for anything, to be mailed and kept."""

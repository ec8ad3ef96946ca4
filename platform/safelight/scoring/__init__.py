"""From images to signals and sketches."""

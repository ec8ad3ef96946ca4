"""Fixed prompts and seeds, made again and again on every engine and held against what they gave before."""

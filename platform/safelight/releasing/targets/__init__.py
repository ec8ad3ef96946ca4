"""Services that others run: told what should serve, and believed by what they are seen to serve."""

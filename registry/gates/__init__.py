"""Gates: what a version has to show before it may serve. Pure functions of evidence; each answers with its reason."""

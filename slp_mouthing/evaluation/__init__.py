"""How good a face that speaks is: the papers' metrics, closures, rest, and whether the lips can be read."""

"""A layer graph -> numbers: cost, receptive fields, roles, folding, kernel replication."""

"""The command line ``repartee``."""

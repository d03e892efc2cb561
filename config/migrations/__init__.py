"""Changes of the tables that are not read models."""

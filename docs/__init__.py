"""The documents, and what generates a part of them."""

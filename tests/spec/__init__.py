"""The specification against the code: quotes, vocabularies, numbers, vectors."""

"""The victim's case: what it says in public, who answers it, and how it lies on disk."""

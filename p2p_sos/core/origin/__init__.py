"""How the messages of a victim reach the mesh without telling whose they are."""

"""The local API: HTTP/1.1 and JSON over a Unix socket that the owner alone may open."""

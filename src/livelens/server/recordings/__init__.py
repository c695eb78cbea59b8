"""Recordings that are started and played from the page: files, retention, HTTP."""

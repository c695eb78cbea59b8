"""Who may use the server: the password, sessions, tokens and links."""

"""HTTPS: certificates, the port that speaks it, and who knocks by plain HTTP."""

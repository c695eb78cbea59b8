"""What authors of plug-ins use: a package to begin with, and a test of the contract."""

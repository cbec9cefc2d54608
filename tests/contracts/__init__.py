"""Contract suites: run by every implementation of a port; importable by plugin authors."""

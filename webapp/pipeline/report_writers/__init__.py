"""One module for each kind of report: numbers of a scope into a file."""

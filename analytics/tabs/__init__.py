"""The dashboard's further pages: area, place, sources, drift, growth, people. One module each, and its queries."""

"""What goes in and out, one module per noun. Field names are part of the public contract."""

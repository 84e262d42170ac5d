"""What a worker does: claim, compute with no transaction open, save in one short transaction."""

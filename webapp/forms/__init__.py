"""What people type in, checked before an action sees it."""

"""The embedded PostgreSQL and Redis (Valkey), and the processes of `make run`. Imports no Django."""

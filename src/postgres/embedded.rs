//! An embedded PostgreSQL server.

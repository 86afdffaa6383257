//! The real binary on a free port with a database of its own; what it stored is read with SQLite itself.

mod command_line;
mod durability;
mod files;
mod ingest;
mod neighbours;
mod origins;
mod query;
mod running;

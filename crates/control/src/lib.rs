//! Configuration and routing to published snapshots.

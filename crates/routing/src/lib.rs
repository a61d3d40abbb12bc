//! Kernel routes, neighbours and links over netlink.

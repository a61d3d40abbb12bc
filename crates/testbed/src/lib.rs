//! The lab of network namespaces, and the runner of golden captures; not shipped.

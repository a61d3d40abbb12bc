//! The same walk from capture to capture, on virtual time.

//! Live frames: UMEM, rings, queues and the XDP steering program.

//! Ids: numbers that index the tables of a snapshot, one type each.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub $inner);

        impl $name {
            /// The id as an index.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A network interface of the box. It keeps its number as long as it is in use; at the start that is its place in
    /// the configuration.
    PortId(u16)
);
id!(
    /// A service.
    ServiceId(u16)
);
id!(
    /// A group.
    GroupId(u16)
);
id!(
    /// A server: address and interface. Its adjacency and liveness are the same in every group.
    NexthopId(u32)
);
id!(
    /// A nexthop's membership of one group. Flows hold this id; it is not used again while one does.
    MemberId(u32)
);

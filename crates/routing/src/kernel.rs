//! Questions to the kernel, one netlink request each.

use crate::error::{RoutingError, refusal};
use crate::link::Link;
use crate::neighbour::{Neighbour, NeighbourKey, OUR_PROTOCOL};
use crate::route::Route;
use crate::routing::Keeping;
use crate::standing::{OwnAddress, Standing};
use futures::TryStreamExt;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::link::{LinkExtentMask, LinkMessage};
use rtnetlink::packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage};
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// A netlink socket for requests.
pub(crate) struct Kernel {
    handle: rtnetlink::Handle,
    connection: JoinHandle<()>,
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Kernel {
    /// Needs a tokio runtime with I/O.
    pub(crate) fn open() -> Result<Self, RoutingError> {
        let (connection, handle, _) = rtnetlink::new_connection().map_err(RoutingError::Socket)?;
        Ok(Self { handle, connection: tokio::spawn(connection) })
    }

    /// All interfaces.
    pub(crate) async fn links(&self) -> Result<Vec<Link>, RoutingError> {
        self.every_link(Link::of).await
    }

    async fn every_link<T>(&self, read: impl Fn(&LinkMessage) -> T) -> Result<Vec<T>, RoutingError> {
        let request = self.handle.link().get();
        let request = request.set_filter_mask(AddressFamily::Unspec, vec![LinkExtentMask::SkipStats]);
        let links = request.execute().map_ok(|message| read(&message)).try_collect().await;
        links.map_err(|error| RoutingError::of("interfaces", &error))
    }

    /// All addresses of all interfaces.
    async fn addresses(&self) -> Result<Vec<OwnAddress>, RoutingError> {
        let messages = self.handle.address().get().execute();
        let addresses = messages.map_ok(|message| OwnAddress::of(&message)).try_collect::<Vec<_>>().await;
        addresses
            .map(|addresses| addresses.into_iter().flatten().collect())
            .map_err(|error| RoutingError::of("addresses", &error))
    }

    /// One interface; none if there is no such one.
    pub(crate) async fn link(&self, ifindex: u32) -> Result<Option<Link>, RoutingError> {
        let request = self.handle.link().get().match_index(ifindex);
        let request = request.set_filter_mask(AddressFamily::Unspec, vec![LinkExtentMask::SkipStats]);
        match pin!(request.execute()).try_next().await {
            Ok(message) => Ok(message.map(|message| Link::of(&message))),
            Err(error) if refusal(&error) == Some(libc::ENODEV) => Ok(None),
            Err(error) => Err(RoutingError::of("an interface", &error)),
        }
    }

    /// The way to an address that the kernel itself would take. A refusal is no way.
    pub(crate) async fn route(&self, address: IpAddr) -> Result<Route, RoutingError> {
        let mut message = RouteMessage::default();
        (message.header.address_family, message.header.destination_prefix_length) = match address {
            IpAddr::V4(_) => (AddressFamily::Inet, 32),
            IpAddr::V6(_) => (AddressFamily::Inet6, 128),
        };
        message.attributes.push(RouteAttribute::Destination(RouteAddress::from(address)));
        match pin!(self.handle.route().get(message).execute()).try_next().await {
            Ok(answer) => Ok(answer.map_or(Route::None, |answer| Route::of(&answer, address))),
            Err(error) if refusal(&error).is_some() => Ok(Route::None),
            Err(error) => Err(RoutingError::of("a route", &error)),
        }
    }

    /// All neighbours on interfaces that `is_listed` takes.
    pub(crate) async fn neighbours(
        &self,
        is_listed: impl Fn(u32) -> bool,
    ) -> Result<HashMap<NeighbourKey, Neighbour>, RoutingError> {
        let mut stream = pin!(self.handle.neighbours().get().execute());
        let mut neighbours = HashMap::new();
        while let Some(message) =
            stream.try_next().await.map_err(|error| RoutingError::of("neighbours", &error))?
        {
            neighbours.extend(Neighbour::of(&message).filter(|((ifindex, _), _)| is_listed(*ifindex)));
        }
        Ok(neighbours)
    }

    /// Has the kernel resolve a neighbour, and keep it so if it can. An errno is its refusal.
    pub(crate) async fn ask(
        &self,
        key: NeighbourKey,
        keeping: Keeping,
    ) -> Result<Result<(), i32>, RoutingError> {
        let (ifindex, address) = key;
        let request = self.handle.neighbours().add(ifindex, address).replace();
        let mut request = request.state(NeighbourState::None).flags(NeighbourFlags::Use);
        let attributes = &mut request.message_mut().attributes;
        attributes.push(NeighbourAttribute::Protocol(OUR_PROTOCOL));
        if keeping == Keeping::Managed {
            attributes.push(NeighbourAttribute::ExtFlags(NeighbourExtFlags::Managed));
        }
        match request.execute().await {
            Ok(()) => Ok(Ok(())),
            Err(error) => refusal(&error).map(Err).ok_or_else(|| RoutingError::of("a neighbour", &error)),
        }
    }

    /// Removes a neighbour entry; one that has gone is no error, nor one whose interface has.
    pub(crate) async fn remove(&self, (ifindex, address): NeighbourKey) -> Result<(), RoutingError> {
        let mut message = NeighbourMessage::default();
        message.header.ifindex = ifindex;
        let (family, destination) = match address {
            IpAddr::V4(v4) => (AddressFamily::Inet, NeighbourAddress::Inet(v4)),
            IpAddr::V6(v6) => (AddressFamily::Inet6, NeighbourAddress::Inet6(v6)),
        };
        message.header.family = family;
        message.attributes.push(NeighbourAttribute::Destination(destination));
        match self.handle.neighbours().del(message).execute().await {
            Err(error) if !matches!(refusal(&error), Some(libc::ENOENT | libc::ENODEV)) => {
                Err(RoutingError::of("removing a neighbour", &error))
            }
            _ => Ok(()),
        }
    }
}

/// All network interfaces of this network namespace, read once.
///
/// # Errors
/// [`RoutingError`] if the kernel can't be asked.
///
/// # Panics
/// In an asynchronous context: this waits.
pub fn read_links() -> Result<Vec<Link>, RoutingError> {
    waiting()?.block_on(async { Kernel::open()?.links().await })
}

/// How each network interface of this network namespace stands to others, read once.
///
/// # Errors
/// As [`read_links`].
///
/// # Panics
/// As [`read_links`].
pub fn read_standings() -> Result<Vec<Standing>, RoutingError> {
    waiting()?.block_on(async { Kernel::open()?.every_link(Standing::of).await })
}

/// All addresses of this network namespace, read once.
///
/// # Errors
/// As [`read_links`].
///
/// # Panics
/// As [`read_links`].
pub fn read_addresses() -> Result<Vec<OwnAddress>, RoutingError> {
    waiting()?.block_on(async { Kernel::open()?.addresses().await })
}

/// Whether the kernel knows a way to each of these addresses, to itself or to others.
///
/// # Errors
/// As [`read_links`].
///
/// # Panics
/// As [`read_links`].
pub fn has_routes(addresses: &[IpAddr]) -> Result<Vec<bool>, RoutingError> {
    waiting()?.block_on(async {
        let kernel = Kernel::open()?;
        let mut known = Vec::new();
        for address in addresses {
            known.push(kernel.route(*address).await? != Route::None);
        }
        Ok(known)
    })
}

fn waiting() -> Result<Runtime, RoutingError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.map_err(RoutingError::Socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_loopback_interface_stands_alone_and_has_its_address() {
        let standings = read_standings().unwrap();
        assert!(standings.contains(&Standing { ifindex: 1, master: None, other: None }), "{standings:?}");
        let own = OwnAddress { address: Ipv4Addr::LOCALHOST.into(), len: 8, ifindex: 1 };
        assert!(read_addresses().unwrap().contains(&own));
        assert_eq!(has_routes(&[Ipv4Addr::LOCALHOST.into()]).unwrap(), [true]);
    }
}

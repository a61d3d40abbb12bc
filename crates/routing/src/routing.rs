//! The watch: targets in, answers out, followed as the kernel's state changes.

use crate::decision::Picture;
use crate::error::RoutingError;
use crate::hints::{Hint, Hints};
use crate::keep::{Keeper, Step};
use crate::kernel::Kernel;
use crate::link::Link;
use crate::pace::Pace;
use crate::reach::{Change, Reach, Target};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

/// How neighbours are kept resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeping {
    /// By the kernel (`NTF_EXT_MANAGED`, Linux 5.16), and by asking again where it can't.
    #[default]
    Managed,
    /// By asking again every few seconds.
    Solicited,
}

/// How targets are reached over the listed interfaces, followed as it changes.
///
/// The way of a target without a given interface is the kernel's route to its address (rules and policy routing
/// included). It has to be on link there: frames for a VIP that go to a router come back. Its MAC is what the kernel's
/// neighbour table says; the entry is kept resolved as long as the target is asked for, and is marked as ours (protocol
/// 201), so that it is removed afterwards, by the next start if this process is killed. Permanent entries are used as
/// they are and stay untouched, and so do entries that somebody else has the kernel manage.
///
/// Lives on one thread with a tokio runtime (I/O and time), in the network namespace in which it was opened.
pub struct Routing {
    kernel: Kernel,
    hints: Hints,
    keeping: Keeping,
    pace: Pace,
    keeper: Keeper,
    targets: BTreeSet<Target>,
    picture: Picture,
    reaches: BTreeMap<Target, Reach>,
    /// Interfaces that are no longer listed and may still have neighbour entries of ours.
    left: BTreeSet<u32>,
    /// Found and not told yet: a read that fails half-way keeps what it has found for the next.
    untold: Vec<Change>,
}

impl Routing {
    /// Opens the sockets. Nothing is read before the first [`refresh`](Self::refresh). `listed` are the numbers of the
    /// interfaces over which targets may be reached.
    ///
    /// # Errors
    /// [`RoutingError::Socket`].
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time.
    pub fn open(listed: &[u32], keeping: Keeping) -> Result<Self, RoutingError> {
        let hints = Hints::listen().map_err(RoutingError::Socket)?;
        let picture = Picture { links: listed.iter().map(|i| (*i, None)).collect(), ..Picture::default() };
        Ok(Self {
            kernel: Kernel::open()?,
            hints,
            keeping,
            pace: Pace::new(Instant::now()),
            keeper: Keeper::default(),
            targets: BTreeSet::new(),
            picture,
            reaches: BTreeMap::new(),
            left: BTreeSet::new(),
            untold: Vec::new(),
        })
    }

    /// Opens the sockets anew after an error; what is known stays until the next [`refresh`](Self::refresh).
    ///
    /// # Errors
    /// [`RoutingError::Socket`]; nothing has changed then.
    pub fn reopen(&mut self) -> Result<(), RoutingError> {
        let hints = Hints::listen().map_err(RoutingError::Socket)?;
        self.kernel = Kernel::open()?;
        self.hints = hints;
        self.pace = Pace::new(Instant::now());
        Ok(())
    }

    /// Replaces the targets; new ones are answered by the next [`refresh`](Self::refresh), which is due at once.
    pub fn set_targets(&mut self, targets: BTreeSet<Target>) {
        self.reaches.retain(|target, _| targets.contains(target));
        self.targets = targets;
        self.pace.hint(Hint::Anything);
    }

    /// Replaces the listed interfaces; of those that stay, what is known stays. The next [`refresh`](Self::refresh), which
    /// is due at once, reads those that come and removes our neighbour entries on those that left.
    pub fn set_listed(&mut self, listed: &[u32]) {
        let mut before = std::mem::take(&mut self.picture.links);
        self.picture.links = listed.iter().map(|i| (*i, before.remove(i).flatten())).collect();
        self.left.extend(before.into_keys());
        self.left.retain(|ifindex| !listed.contains(ifindex));
        self.pace.hint(Hint::Anything);
    }

    /// Waits until a [`refresh`](Self::refresh) is worth it. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`RoutingError::Socket`]; then [`reopen`](Self::reopen).
    pub async fn due(&mut self) -> Result<(), RoutingError> {
        loop {
            let due = tokio::time::Instant::from_std(self.pace.due());
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => return Ok(()),
                hint = self.hints.next() => self.pace.hint(hint.map_err(RoutingError::Socket)?),
            }
        }
    }

    /// Reads the kernel's state, sees to the neighbour entries, and says what is new. After dropping the future, a
    /// refresh is due at once.
    ///
    /// # Errors
    /// The kernel could not be asked; what was known stays. Then [`reopen`](Self::reopen).
    pub async fn refresh(&mut self) -> Result<Vec<Change>, RoutingError> {
        let began = Instant::now();
        let mut what = self.pace.what(began);
        if self.read_links().await? {
            what = Hint::Anything;
        }
        if what == Hint::Anything {
            self.read_routes().await?;
        }
        if what >= Hint::Neighbours {
            self.picture.neighbours = self.kernel.neighbours(|ifindex| self.had_listed(ifindex)).await?;
        }
        let reading = began.elapsed();
        if what >= Hint::Neighbours {
            let look_again = self.keep_neighbours().await?;
            self.left.clear();
            self.pace.look_again(look_again);
            self.decide();
        }
        self.pace.end(what, reading, Instant::now());
        Ok(std::mem::take(&mut self.untold))
    }

    /// The last answer to a target.
    #[must_use]
    pub fn reach(&self, target: &Target) -> Option<&Reach> {
        self.reaches.get(target)
    }

    /// A listed interface as it was read last.
    #[must_use]
    pub fn link(&self, ifindex: u32) -> Option<&Link> {
        self.picture.links.get(&ifindex)?.as_ref()
    }

    /// Removes the neighbour entries that are ours.
    ///
    /// # Errors
    /// The kernel could not be asked; entries may be left.
    pub async fn close(self) -> Result<(), RoutingError> {
        let neighbours = self.kernel.neighbours(|ifindex| self.had_listed(ifindex)).await?;
        for (key, _) in neighbours.into_iter().filter(|(_, neighbour)| neighbour.is_ours) {
            self.kernel.remove(key).await?;
        }
        Ok(())
    }

    /// True if our neighbour entries can be there.
    fn had_listed(&self, ifindex: u32) -> bool {
        self.picture.links.contains_key(&ifindex) || self.left.contains(&ifindex)
    }

    /// True if one has changed that was not told yet.
    async fn read_links(&mut self) -> Result<bool, RoutingError> {
        for (&ifindex, known) in &mut self.picture.links {
            let after = self.kernel.link(ifindex).await?;
            if *known != after {
                let before = std::mem::replace(known, after.clone());
                self.untold.push(Change::Link { ifindex, before, after });
            }
        }
        Ok(!self.untold.is_empty())
    }

    async fn read_routes(&mut self) -> Result<(), RoutingError> {
        let (mut routes, mut unlisted) = (HashMap::new(), HashMap::new());
        for target in self.targets.iter().filter(|target| target.ifindex.is_none()) {
            if routes.contains_key(&target.address) {
                continue;
            }
            let route = self.kernel.route(target.address).await?;
            routes.insert(target.address, route);
            let Some(ifindex) = route.ifindex().filter(|i| !self.picture.links.contains_key(i)) else {
                continue;
            };
            if !unlisted.contains_key(&ifindex)
                && let Some(link) = self.kernel.link(ifindex).await?
            {
                unlisted.insert(ifindex, link.name);
            }
        }
        (self.picture.routes, self.picture.unlisted) = (routes, unlisted);
        Ok(())
    }

    async fn keep_neighbours(&mut self) -> Result<Option<Instant>, RoutingError> {
        let needed = self.targets.iter().filter_map(|target| self.picture.needed_neighbour(target)).collect();
        let (steps, look_again) = self.keeper.steps(&needed, &self.picture.neighbours, Instant::now());
        self.picture.refused.retain(|key, _| needed.contains(key));
        for step in steps {
            match step {
                Step::Ask(key) => match self.kernel.ask(key, self.keeping).await? {
                    Ok(()) => drop(self.picture.refused.remove(&key)),
                    Err(errno) => drop(self.picture.refused.insert(key, errno)),
                },
                Step::Remove(key) => self.kernel.remove(key).await?,
            }
        }
        Ok(look_again)
    }

    fn decide(&mut self) {
        for target in &self.targets {
            let before = self.reaches.get(target);
            let reach = self.picture.reach(target, before);
            if before != Some(&reach) {
                self.reaches.insert(*target, reach.clone());
                self.untold.push(Change::Reach { target: *target, reach });
            }
        }
    }
}

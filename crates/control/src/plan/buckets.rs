//! The bucket tables of two snapshots beside each other.

use crate::api::model::{BucketMove, GroupPlan, PlanShare};
use evenkeel_nexthop::{Desired, GroupTable, MemberId, MemberInfo, Share, Snapshot};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A state and what workers see of it.
type Side<'s> = (&'s Desired, &'s Snapshot);

/// Groups of either state: those before in their order, then those that come.
pub(super) fn group_plans(before: Side<'_>, after: Side<'_>) -> Vec<GroupPlan> {
    let mut names: Vec<&str> = configured(before.0).collect();
    let known: HashSet<&str> = names.iter().copied().collect();
    names.extend(configured(after.0).filter(|name| !known.contains(name)));
    let (tables_before, tables_after) = (tables(before), tables(after));
    let labels = Labels::of(before.0, after.0);
    let plan = |name: &str| {
        let (before, after) = (tables_before.get(name).copied(), tables_after.get(name).copied());
        group_plan(name, before, after, &labels)
    };
    names.into_iter().map(plan).collect()
}

fn configured(desired: &Desired) -> impl Iterator<Item = &str> {
    desired.configured_groups().iter().map(|group| group.name.as_str())
}

/// The tables of the groups that the configuration has.
fn tables<'s>((desired, snapshot): Side<'s>) -> HashMap<&'s str, &'s GroupTable> {
    let configured: HashSet<&str> = configured(desired).collect();
    let tables = snapshot.groups().map(|(_, table)| (&*table.name, table));
    tables.filter(|(name, _)| configured.contains(name)).collect()
}

fn group_plan(
    name: &str,
    before: Option<&GroupTable>,
    after: Option<&GroupTable>,
    labels: &Labels<'_>,
) -> GroupPlan {
    let serving = |table: Option<&GroupTable>| table.map_or_else(Vec::new, |table| table.buckets().collect());
    let (mut old, mut new) = (serving(before), serving(after));
    let (buckets_before, buckets_after) = (old.len() as u32, new.len() as u32);
    // a group that comes or goes has nobody on the other side
    if old.is_empty() || new.is_empty() {
        old.resize(new.len().max(old.len()), None);
        new.resize(old.len(), None);
    }
    let is_resized = old.len() != new.len();
    let moves = if is_resized { BTreeMap::new() } else { counted(&old, &new) };
    let moved = |((from, to), buckets): (&(Option<MemberId>, Option<MemberId>), &u32)| BucketMove {
        from: from.map(|member| labels.of_member(member)),
        to: to.map(|member| labels.of_member(member)),
        buckets: *buckets,
    };
    GroupPlan {
        name: name.to_owned(),
        buckets_before,
        buckets_after,
        buckets_moved: if is_resized { buckets_after } else { moves.values().sum() },
        moves: moves.iter().map(moved).collect(),
        shares: shares(before, after, labels),
    }
}

/// How many buckets go from whom to whom.
fn counted(
    old: &[Option<MemberId>],
    new: &[Option<MemberId>],
) -> BTreeMap<(Option<MemberId>, Option<MemberId>), u32> {
    let mut moves = BTreeMap::new();
    for pair in old.iter().copied().zip(new.iter().copied()).filter(|(from, to)| from != to) {
        *moves.entry(pair).or_default() += 1;
    }
    moves
}

/// Shares of all that have one on either side, in the order of the configuration before, then those that come.
fn shares(before: Option<&GroupTable>, after: Option<&GroupTable>, labels: &Labels<'_>) -> Vec<PlanShare> {
    let of = |table: Option<&GroupTable>| table.map_or_else(Vec::new, GroupTable::shares);
    let (old, new) = (of(before), of(after));
    let by_member =
        |shares: &[Share]| shares.iter().map(|share| (share.member, *share)).collect::<HashMap<_, _>>();
    let (in_old, in_new) = (by_member(&old), by_member(&new));
    let come = new.iter().filter(|share| !in_old.contains_key(&share.member));
    let share = |share: &Share| PlanShare {
        nexthop: labels.of_member(share.member),
        before: in_old.get(&share.member).map_or(0, |share| share.buckets),
        after: in_new.get(&share.member).map_or(0, |share| share.buckets),
        want: in_new.get(&share.member).map_or(0.0, |share| share.want),
    };
    old.iter().chain(come).map(share).collect()
}

/// What members are called: by name, and by address too where a group has two of one name on either side.
struct Labels<'d> {
    members: HashMap<MemberId, MemberInfo<'d>>,
    shared: HashSet<(&'d str, &'d str)>,
}

impl<'d> Labels<'d> {
    fn of(before: &Desired, after: &'d Desired) -> Self {
        let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
        let members: HashMap<_, _> = after.members().map(|member| (member.id, member)).collect();
        let was_gone = |id| before.member(id).is_some_and(|member| member.gone);
        for member in members.values().filter(|member| !was_gone(member.id)) {
            if !seen.insert((member.group, member.name)) {
                shared.insert((member.group, member.name));
            }
        }
        Self { members, shared }
    }

    fn of_member(&self, id: MemberId) -> String {
        match self.members.get(&id) {
            Some(member) if self.shared.contains(&(member.group, member.name)) => {
                format!("{} ({})", member.name, member.address)
            }
            Some(member) => member.name.to_owned(),
            None => String::new(),
        }
    }
}

//! Another box that heard the same news in another order, and some more, must have the same buckets.

use crate::model::{Model, Phase, group_number};
use crate::rig::{self, Rig};
use crate::world::{self, PORTS, SERVERS};
use evenkeel_nexthop::{Change, Desired, GroupSpec, Liveness, Verb};
use fastrand::Rng;

/// Builds the other box out of what is configured and present, and compares.
pub(crate) fn check(random: &mut Rng, model: &Model, rig: &Rig) {
    for configured in &model.configured {
        let mut news = news(random, model, configured);
        let (name, buckets) = (configured.name.clone(), configured.buckets);
        let before = configured.nexthops.iter().filter(|_| random.bool()).cloned().collect();
        let group = GroupSpec { name, buckets, nexthops: before };
        // its members leave again, so that it ends with those of the model alone
        let mut desired =
            Desired::new(model.seed, PORTS.to_vec(), Vec::new(), vec![group.clone()]).expect("it is good");
        let liveness = Liveness::new();
        for nexthop in group.nexthops {
            let change = Change {
                group: group.name.clone(),
                nexthop: nexthop.name,
                verb: Verb::Remove { deadline_ms: Some(0) },
            };
            desired.apply(&change, 0, &liveness).expect("it is there");
        }
        while !news.is_empty() {
            let some = random.usize(0..news.len());
            let change = news[some].remove(0);
            desired.apply(&change, 0, &liveness).expect("it makes sense");
            news.retain(|changes| !changes.is_empty());
            if random.u8(0..4) == 0 {
                desired.snapshot(&liveness);
            }
        }
        let owners = rig::owners(&desired.snapshot(&liveness), &desired, &group.name);
        assert!(
            owners == rig.buckets(&group.name).0,
            "another order of changes, other buckets of {}",
            group.name
        );
    }
}

/// For each server what the other box hears of it, in order; strangers come and go.
fn news(random: &mut Rng, model: &Model, group: &GroupSpec) -> Vec<Vec<Change>> {
    let members: Vec<_> = model.present(group_number(&group.name)).map(|(_, member)| member).collect();
    let news = (0..SERVERS).map(|server| {
        let address = world::address(server);
        let add = Verb::Add { address, weight: random.u16(0..=1000), port: None, mac: None };
        let mut verbs = vec![add];
        match members.iter().find(|member| member.address == address) {
            Some(member) => {
                verbs.extend((member.phase != Phase::Active).then_some(Verb::Drain));
                verbs.insert(random.usize(1..=verbs.len()), Verb::Weight(member.weight));
            }
            None => verbs.push(Verb::Remove { deadline_ms: Some(0) }),
        }
        let (group, nexthop) = (group.name.clone(), format!("server{server}"));
        let change = |verb| Change { group: group.clone(), nexthop: nexthop.clone(), verb };
        verbs.into_iter().map(change).collect()
    });
    news.collect()
}

//! What a plan says of live flows is what a reload then does.

use super::flows::{daemon, path, wait};
use super::{CONFIG, Daemon};
use evenkeel_control::api::model::Plan;
use evenkeel_control::live::{ConfigSource, Refusal};
use evenkeel_control::path::Fate;

fn plan(daemon: &Daemon, text: &str) -> Result<Plan, Refusal> {
    let source = ConfigSource::Text { name: "next.toml".to_owned(), text: text.to_owned() };
    // where the API asks: on the control thread
    let (answer, answered) = std::sync::mpsc::channel();
    let client = daemon.handle.client();
    daemon.handle.spawn(async move { answer.send(client.plan(source).await).unwrap() });
    answered.recv().unwrap()
}

/// Group dns with another server in the place of the only one, which is removed within `deadline`.
fn replaced(deadline: &str) -> String {
    let other = CONFIG.replace(
        "{ name = \"a\", address = \"198.51.100.1\", interface = \"lo\", mac = \"02:00:00:00:02:01\" }",
        "{ name = \"b\", address = \"198.51.100.7\", interface = \"lo\", mac = \"02:00:00:00:02:07\" }",
    );
    assert!(other.contains("\"b\""));
    format!("timeouts.remove = \"{deadline}\"\n{other}")
}

#[test]
fn flows_move_as_the_plan_said() {
    let daemon = daemon(30);
    let (before, generation) = (daemon.seen(), daemon.generation());
    let planned = plan(&daemon, &replaced("0s")).unwrap();
    assert_eq!((daemon.seen(), daemon.generation()), (before, generation), "a plan changes nothing");
    let flows = planned.flows.unwrap();
    assert_eq!((flows.live, flows.move_now, flows.stay), (30, 30, 0));
    assert!(flows.moves.iter().all(|one| one.from == "dns/a" && one.to.as_deref() == Some("dns/b")));
    let dns = planned.groups.iter().find(|group| group.name == "dns").unwrap();
    assert_eq!((dns.buckets_moved, dns.moves.len()), (64, 1));
    let said: Vec<_> = planned.differences.iter().map(|one| (one.what.as_str(), one.key.as_str())).collect();
    assert_eq!(said, [("nexthop dns/a", "state"), ("nexthop dns/b", "added"), ("timeout remove", "timeout")]);

    daemon.reload(&replaced("0s"), false).unwrap();
    assert_eq!(daemon.handle.initial_resolution(std::time::Duration::from_secs(10)), []);
    for client in 1..=30 {
        let now = path(&daemon, client, [192, 0, 2, 10], 53, 17).path;
        assert_eq!((now.fate, now.nexthop.as_deref()), (Fate::Forward, Some("b")));
    }
}

#[test]
fn flows_of_a_nexthop_with_a_deadline_stay_until_then() {
    let daemon = daemon(5);
    let flows = plan(&daemon, &replaced("300s")).unwrap().flows.unwrap();
    assert_eq!((flows.live, flows.move_at_deadline, flows.move_now), (5, 5, 0));
    daemon.reload(&replaced("300s"), false).unwrap();
    assert_eq!(path(&daemon, 1, [192, 0, 2, 10], 53, 17).path.nexthop.as_deref(), Some("a"));
}

#[test]
fn a_plan_is_refused_for_what_the_reload_would_be() {
    let daemon = daemon(1);
    assert!(matches!(plan(&daemon, "nonsense"), Err(Refusal::Config(_))));
    let restart = format!("dataplane.burst = 7\n{CONFIG}");
    assert!(matches!(plan(&daemon, &restart), Err(Refusal::Fixed(_))));
    *daemon.plant.refuses.lock().unwrap() = Some("check");
    assert!(matches!(plan(&daemon, CONFIG), Err(Refusal::Plant(_))));
    let client = daemon.handle.client();
    assert_eq!(wait(client.services()).unwrap().len(), 2);
}

use super::*;
use evenkeel_nexthop::{PortId, Verb};
use evenkeel_packet::Mac;

const CONFIG: &str = include_str!("../../corpus/good/whole.toml");

fn parse_events(text: &str) -> Result<Vec<TimedChange>, String> {
    let config = Config::parse(Path::new("config.toml"), CONFIG).unwrap();
    parse(Path::new("events.toml"), text, &config).map_err(|mistakes| mistakes.to_string())
}

fn event(at: &str, action: &str, more: &str) -> String {
    format!("[[event]]\nat = \"{at}\"\naction = \"{action}\"\ngroup = \"web\"\nnexthop = \"s1\"\n{more}\n")
}

fn verb(action: &str, more: &str) -> Verb {
    let mut changes = parse_events(&event("0s", action, more)).unwrap();
    changes.remove(0).change.verb
}

#[test]
fn each_action_reaches_its_verb() {
    assert_eq!(verb("drain", ""), Verb::Drain);
    assert_eq!(verb("activate", ""), Verb::Activate);
    assert_eq!(verb("down", ""), Verb::Down);
    assert_eq!(verb("up", ""), Verb::Up);
    assert_eq!(verb("remove", ""), Verb::Remove { deadline_ms: None });
    assert_eq!(verb("remove", "deadline = \"1.5s\""), Verb::Remove { deadline_ms: Some(1500) });
    assert_eq!(verb("remove", "deadline = \"0s\""), Verb::Remove { deadline_ms: Some(0) });
    assert_eq!(verb("weight", "weight = 0"), Verb::Weight(0));
}

#[test]
fn an_added_nexthop_is_written_as_in_the_configuration() {
    let text = "[[event]]\nat = \"0s\"\naction = \"add\"\ngroup = \"web\"\nnexthop = \"s9\"\naddress = \"198.51.100.9\"\n\
                interface = \"eth2\"\nmac = \"02:00:00:00:02:09\"\nweight = 7\n";
    let added = |text: &str| parse_events(text).unwrap().remove(0).change.verb;
    let address = "198.51.100.9".parse().unwrap();
    let (port, mac) = (Some(PortId(1)), Some(Mac([2, 0, 0, 0, 2, 9])));
    assert_eq!(added(text), Verb::Add { address, weight: 7, port, mac });
    assert_eq!(added(&text.replace("weight = 7", "")), Verb::Add { address, weight: 1, port, mac });
    let of_web = text.replace("web", "dns").replace("198.51.100.9", "2001:db8:1::2").replace("mac = ", "# ");
    let Verb::Add { mac, .. } = added(&of_web) else { panic!("an added nexthop") };
    assert_eq!(mac, Some(Mac([2, 0, 0, 0, 2, 2])), "said in the configuration, in another group");
}

#[test]
fn events_come_in_order_of_time_and_then_of_the_file() {
    let text = [
        event("1.5s", "drain", ""),
        event("0.2ms", "activate", ""),
        event("1500ms", "up", ""),
        event("0s", "down", ""),
    ];
    let changes = parse_events(&text.concat()).unwrap();
    let in_order: Vec<_> = changes.iter().map(|event| (event.at_ns, &event.change.verb)).collect();
    let expected = [
        (0, &Verb::Down),
        (200_000, &Verb::Activate),
        (1_500_000_000, &Verb::Drain),
        (1_500_000_000, &Verb::Up),
    ];
    assert_eq!(in_order, expected);
    assert_eq!(parse_events("").unwrap(), []);
}

#[test]
fn a_removed_nexthop_can_be_added_again_at_once() {
    let remove = event("1s", "remove", "deadline = \"0s\"");
    let add = event("1s", "add", "address = \"198.51.100.1\"\ninterface = \"eth2\"");
    assert_eq!(parse_events(&format!("{remove}{add}")).unwrap().len(), 2);
    let mistakes = parse_events(&format!("{add}{remove}")).unwrap_err();
    assert!(mistakes.starts_with("events.toml:5:11: `nexthop = \"s1\"` is refused at 1s"), "{mistakes}");
}

use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use std::io::Write;

const V4: &str = "192.0.2.10:5001";
const V6: &str = "[2001:db8::10]:5001";

fn sources(cidr: &str, address: &str, seed: u64) -> Sources {
    Sources::new(&SourceSpec::cidr(cidr).unwrap(), address.parse().unwrap(), seed).unwrap()
}

fn draw(sources: &mut Sources, count: usize) -> Vec<SocketAddr> {
    (0..count).map(|_| sources.draw()).collect()
}

fn listed(text: &str) -> Result<SourceSpec, SourceError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    SourceSpec::file(file.path())
}

#[test]
fn a_round_visits_every_host_of_an_ipv4_prefix_once() {
    let round: HashSet<_> =
        draw(&mut sources("198.18.7.0/24", V4, 1), 254).iter().map(SocketAddr::ip).collect();
    assert_eq!(round.len(), 254);
    assert!(
        !round.contains(&"198.18.7.0".parse().unwrap()) && !round.contains(&"198.18.7.255".parse().unwrap())
    );
}

#[test]
fn a_round_visits_every_host_of_an_ipv6_prefix_once() {
    let round: HashSet<_> =
        draw(&mut sources("2001:db8:1::/120", V6, 1), 255).iter().map(SocketAddr::ip).collect();
    assert_eq!(round.len(), 255);
    assert!(!round.contains(&"2001:db8:1::".parse().unwrap()));
}

#[test]
fn point_to_point_prefixes_have_two_hosts_and_host_prefixes_one() {
    let addresses = |cidr: &str, address: &str| {
        draw(&mut sources(cidr, address, 3), 10).iter().map(SocketAddr::ip).collect::<HashSet<_>>().len()
    };
    assert_eq!(addresses("198.18.0.0/31", V4), 2);
    assert_eq!(addresses("198.18.0.9/32", V4), 1);
    assert_eq!(addresses("2001:db8::/127", V6), 2);
    assert_eq!(addresses("198.18.0.0/30", V4), 2);
}

proptest! {
    #[test]
    fn the_seed_alone_determines_the_walk(seed: u64, length in 8u8..=30) {
        let cidr = format!("198.18.0.0/{length}");
        let walk = draw(&mut sources(&cidr, V4, seed), 300);
        prop_assert_eq!(&walk, &draw(&mut sources(&cidr, V4, seed), 300));
        let net: IpNet = cidr.parse().unwrap();
        prop_assert!(walk.iter().all(|source| net.contains(&source.ip()) && source.port() >= FIRST_PORT));
        prop_assert_eq!(walk.iter().collect::<HashSet<_>>().len(), 300);
    }

    #[test]
    fn wide_ipv6_prefixes_are_walked(seed: u64, length in 0u8..=112) {
        let walk = draw(&mut sources(&format!("2001:db8::/{length}"), V6, seed), 300);
        prop_assert_eq!(walk.iter().map(SocketAddr::ip).collect::<HashSet<_>>().len(), 300);
    }
}

#[test]
fn ports_come_once_in_a_round_when_there_is_one_address() {
    let address = V4.parse().unwrap();
    let mut sources = Sources::new(&SourceSpec::Any, address, 5).unwrap();
    let round: HashSet<_> = draw(&mut sources, 1 << PORT_BITS).iter().map(SocketAddr::port).collect();
    assert_eq!(round.len(), 1 << PORT_BITS);
    assert_eq!((round.iter().min(), round.iter().max()), (Some(&16384), Some(&32767)));
}

#[test]
fn a_list_is_taken_in_its_order_and_again_from_the_front() {
    let spec = listed("198.18.0.1:7000\n\n# a comment\n198.18.0.2\n").unwrap();
    let drawn = draw(&mut Sources::new(&spec, V4.parse().unwrap(), 1).unwrap(), 4);
    assert_eq!(drawn[0], "198.18.0.1:7000".parse().unwrap());
    assert_eq!(drawn[1].ip(), "198.18.0.2".parse::<IpAddr>().unwrap());
    assert_eq!(drawn[2], drawn[0]);
    assert_ne!(drawn[3].port(), drawn[1].port());
}

#[test]
fn lines_are_addresses_with_or_without_a_port() {
    let spec = listed("[2001:db8::1]:7000\n[2001:db8::2]\n2001:db8::3 # third\n").unwrap();
    let SourceSpec::List(list) = spec else { panic!("{spec:?}") };
    assert_eq!(list.iter().map(|(_, port)| *port).collect::<Vec<_>>(), [Some(7000), None, None]);
    assert_eq!(list[2].0, "2001:db8::3".parse::<IpAddr>().unwrap());
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let text = |result: Result<SourceSpec, SourceError>| result.unwrap_err().to_string();
    assert!(
        text(listed("198.18.0.1\n198.18.0.1:70000\n")).contains(":2:1: \"198.18.0.1:70000\" is no source")
    );
    assert!(text(listed("# nothing\n")).contains("there is no source in it"));
    assert!(text(SourceSpec::cidr("198.18.0.0/33")).contains("\"198.18.0.0/33\" is no prefix"));
    assert!(text(SourceSpec::file(Path::new("/nonexistent"))).starts_with("/nonexistent: "));
    let spec = SourceSpec::cidr("198.18.0.0/24").unwrap();
    let error = Sources::new(&spec, V6.parse().unwrap(), 1).unwrap_err().to_string();
    assert!(error.contains("198.18.0.0") && error.contains("not of one family"), "{error}");
}

#[test]
fn a_seed_of_zero_is_taken_from_the_clock() {
    assert_eq!(seed_or_clock(7), 7);
    let seed = seed_or_clock(0);
    assert!(seed > 0 && seed < 1 << 53);
}

use super::*;
use evenkeel_nexthop::{AdminState, Protocol};

const WHOLE: &str = include_str!("../../corpus/good/whole.toml");
const EXTREMES: &str = include_str!("../../corpus/good/extremes.toml");
const MINIMAL: &str = "[[interface]]\nname = \"eth1\"\n";

fn parse(text: &str) -> Config {
    Config::parse(Path::new("test.toml"), text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn replayed(text: &str) -> Result<Config, String> {
    resolve(Path::new("test.toml"), text, Purpose::Replay).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn every_key_reaches_its_value() {
    let config = parse(WHOLE);
    assert_eq!(config.dataplane.cores, Some(vec![2, 3]));
    assert_eq!(config.interfaces[0].mac, Some(Mac([2, 0, 0, 0, 1, 1])));
    assert_eq!([config.interfaces[0].mode, config.interfaces[1].mode], [Mode::Auto, Mode::ZeroCopy]);
    let web = &config.services[0];
    assert_eq!(
        (web.name.as_str(), web.protocol, web.ports.as_slice()),
        ("web", Protocol::Tcp, &[80, 443][..])
    );
    assert_eq!((web.vip.address, web.vip.len), ("192.0.2.10".parse().unwrap(), 32));
    assert_eq!(config.services[1].vip.len, 128);
    assert_eq!((config.services[2].protocol, config.services[2].vip.len), (Protocol::Udp, 24));
    let dns = Timeouts { udp_ms: 5000, tcp_established_ms: 3_600_000, ..config.timeouts };
    assert_eq!([config.services[0].timeouts, config.services[2].timeouts], [config.timeouts, dns]);
    let [s1, s2] = config.groups[0].nexthops.as_slice() else { panic!("two nexthops") };
    assert_eq!((s1.weight, s1.state, s1.port), (1, AdminState::Active, Some(PortId(1))));
    assert_eq!((s2.weight, s2.state, s2.mac), (1000, AdminState::Draining, Some(Mac([2, 0, 0, 0, 2, 2]))));
    assert_eq!(config.groups[1].buckets, 64);
    let api = config.api.as_ref().unwrap();
    assert_eq!(api.listen, "127.0.0.1:8080".parse().unwrap());
    let files =
        [&api.read_token_file, &api.write_token_file].map(|file| file.as_ref().unwrap().to_str().unwrap());
    assert_eq!(files, ["/etc/evenkeel/read.token", "/etc/evenkeel/write.token"]);
    assert_eq!((config.port("eth2"), config.port("eth3")), (Some(PortId(1)), None));
}

#[test]
fn defaults_are_those_that_the_whole_file_says() {
    let (whole, minimal) = (parse(WHOLE), parse(MINIMAL));
    assert_eq!(DataplaneConfig { cores: None, ..whole.dataplane }, minimal.dataplane);
    assert_eq!((whole.timeouts, whole.remove_ms), (minimal.timeouts, minimal.remove_ms));
    assert_eq!(
        minimal.interfaces[0],
        InterfaceConfig { name: "eth1".to_owned(), mac: None, mode: Mode::Auto }
    );
    let group = parse(&format!(
        "{MINIMAL}[[group]]\nname = \"g\"\n[[group.nexthop]]\nname = \"n\"\naddress = \"198.51.100.1\"\n"
    ));
    let nexthop = &group.groups[0].nexthops[0];
    assert_eq!(group.groups[0].buckets, 65_536);
    assert_eq!(
        (nexthop.weight, nexthop.state, nexthop.port, nexthop.mac),
        (1, AdminState::Active, None, None)
    );
}

#[test]
fn the_ends_of_ranges_are_within() {
    let config = parse(EXTREMES);
    assert_eq!((config.dataplane.hash_seed, config.dataplane.idle), (u64::MAX, Idle::Spin));
    assert_eq!((config.dataplane.flow_capacity, config.dataplane.burst), (1, 256));
    assert_eq!((config.timeouts.tcp_syn_ms, config.timeouts.tcp_closing_ms), (1, 1));
    assert_eq!((config.timeouts.tcp_established_ms, config.timeouts.udp_ms), (2_073_600_000, 5_400_000));
    assert_eq!(config.remove_ms, 0);
    assert_eq!(config.services[1].ports, [1, 65535]);
}

#[test]
fn one_nexthop_has_one_mac_in_all_groups() {
    let config = parse(WHOLE);
    assert_eq!(
        config.groups[1].nexthops[0].mac, config.groups[0].nexthops[0].mac,
        "said once, true for both"
    );
}

#[test]
fn a_replay_has_no_kernel_to_ask() {
    assert_eq!(replayed(WHOLE).unwrap(), parse(WHOLE));
    let without_macs = WHOLE.replace("mac = ", "# ");
    let mistakes = replayed(&without_macs).unwrap_err();
    let lines: Vec<_> = mistakes.lines().collect();
    assert_eq!(lines.len(), 4, "eth2, both nexthops of web, that of dns; nothing leaves by eth1: {mistakes}");
    assert!(lines[0].starts_with("test.toml:22:1: [[interface]] has no `mac`"), "{mistakes}");
    assert!(lines[1].starts_with("test.toml:53:1: [[group.nexthop]] has no `mac`"), "{mistakes}");
    let nowhere = WHOLE.replace("interface = \"eth2\"", "");
    assert!(replayed(&nowhere).unwrap_err().contains("[[group.nexthop]] has no `interface`"));
    let reserved = replayed(&MINIMAL.replace("eth1", "punt")).unwrap_err();
    assert!(reserved.starts_with("test.toml:2:8: `name = \"punt\"`"), "{reserved}");
}

#[test]
fn a_replay_over_one_interface_needs_no_egress() {
    let text = "[[interface]]\nname = \"eth1\"\nmac = \"02:00:00:00:01:01\"\n\
                [[service]]\nname = \"s\"\nvip = \"192.0.2.10\"\nprotocol = \"tcp\"\ngroup = \"g\"\n\
                [[group]]\nname = \"g\"\n\
                [[group.nexthop]]\nname = \"n\"\naddress = \"198.51.100.1\"\nmac = \"02:00:00:00:02:01\"\n";
    assert_eq!(replayed(text).unwrap().groups[0].nexthops[0].port, Some(PortId(0)));
    assert_eq!(parse(text).groups[0].nexthops[0].port, None, "run asks the kernel");
}

#[test]
fn files_that_cannot_be_read_have_one_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let missing = Config::read(&directory.path().join("missing.toml")).unwrap_err();
    assert_eq!(missing.list().len(), 1);
    assert!(missing.to_string().contains("missing.toml: cannot be read: No such file"), "{missing}");
    let of_directory = Config::read(directory.path()).unwrap_err();
    assert!(of_directory.to_string().contains(": cannot be read: Is a directory"), "{of_directory}");
    let file = directory.path().join("latin1.toml");
    std::fs::write(&file, b"# x\nname = \"\xe9\"\n").unwrap();
    let latin1 = Config::read(&file).unwrap_err();
    assert!(
        latin1.to_string().ends_with(":2:9: not TOML: byte 0xe9 is not UTF-8; allowed: text in UTF-8"),
        "{latin1}"
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bom.toml");
    std::fs::write(&file, format!("\u{feff}{WHOLE}")).unwrap();
    assert_eq!(Config::read(&file).unwrap(), parse(WHOLE));
}

#[test]
fn many_services_and_nexthops_are_checked_in_linear_time() {
    use std::fmt::Write;
    let mut text = MINIMAL.to_owned();
    for index in 0..2000 {
        let (high, low) = (index / 250, index % 250 + 1);
        write!(text, "[[service]]\nname = \"s{index}\"\nvip = \"192.0.2.1\"\nprotocol = \"udp\"\n").unwrap();
        write!(text, "ports = [{}]\ngroup = \"g{index}\"\n", index + 1).unwrap();
        write!(text, "[[group]]\nname = \"g{index}\"\n[[group.nexthop]]\nname = \"n\"\n").unwrap();
        writeln!(text, "address = \"10.0.{high}.{low}\"").unwrap();
    }
    assert_eq!(parse(&text).services.len(), 2000);
    let mistakes = Config::parse(Path::new("x"), &text.replace("192.0.2.1", "192.0.2.999")).unwrap_err();
    assert_eq!(mistakes.list().len(), 2000);
}

#[test]
fn there_are_not_more_of_a_kind_than_ids() {
    let interfaces = |count: usize| -> String {
        (0..count).map(|index| format!("[[interface]]\nname = \"e{index}\"\n")).collect()
    };
    let mistakes = Config::parse(Path::new("x"), &interfaces(65_536)).unwrap_err();
    assert_eq!(mistakes.to_string(), "x:1:1: the file has 65536 interfaces; allowed: at most 65535");
    let services: String = (0..257)
        .map(|n| {
            let vip = format!("vip = \"192.0.2.1\"\nprotocol = \"tcp\"\nports = [{}]\ngroup = \"g\"", n + 1);
            format!("[[service]]\nname = \"s{n}\"\n{vip}\ntimeouts.udp = \"{}ms\"\n", n + 1)
        })
        .collect();
    let text = |services: &str| format!("{MINIMAL}[[group]]\nname = \"g\"\n{services}");
    let mistakes = Config::parse(Path::new("x"), &text(&services)).unwrap_err();
    let want = "x:1:1: the file has 257 different sets of timeouts; allowed: at most 256";
    assert_eq!(mistakes.to_string(), want);
    assert_eq!(parse(&text(&services.replace("\"257ms\"", "\"1ms\""))).services.len(), 257);
    assert_eq!(parse(&interfaces(65_535)).port("e65534"), Some(PortId(65_534)));
}

//! The simulator: one seed, one outcome, and the rules of the count in it.

use std::process::Command;

use keyward::simulate::{self, Plan, chart};

fn plan() -> Plan {
    Plan {
        clients: 40,
        servers: 6,
        days: 45,
        rollout: 3,
        clone_rate: 0.1,
        needed_by_clients: 25,
        needed_by_servers: 5,
        lease_days: 180,
        outage: None,
        step: 30,
        seed: 7,
    }
}

/// ITP: 24 machines wait and the 25th doesn't; each is activated at its own next request.
#[tokio::test]
async fn itp_twenty_four_machines_wait_and_the_twenty_fifth_does_not() {
    let plan = Plan { clients: 25, servers: 0, clone_rate: 0.0, days: 3, rollout: 1, step: 1, ..plan() };
    let outcome = simulate::run(&plan, |_| ()).await.unwrap();
    let threshold = &outcome.thresholds[0];
    let (_, _, count, had_waited) = threshold.first.clone().unwrap();
    assert_eq!((threshold.waited.len(), threshold.most_refused), (24, 24));
    assert_eq!((count, had_waited), (25, false), "the 25th, at its first request");
    assert_eq!(threshold.caught_up.0, 24);
    assert!(outcome.report().contains("24 machines waited"), "{}", outcome.report());
}

#[tokio::test]
async fn one_seed_makes_one_outcome_and_clones_are_seen() {
    let outcome = simulate::run(&plan(), |_| ()).await.unwrap();
    let again = simulate::run(&plan(), |_| ()).await.unwrap();
    assert_eq!((&outcome.samples, &outcome.thresholds), (&again.samples, &again.thresholds));
    let (machines, clones) = outcome.machines;
    assert_eq!(machines, 46);
    assert!(clones > 0 && outcome.clones_seen > 0, "{clones} cloned, {} seen", outcome.clones_seen);
    let (count, expected) = outcome.counts;
    assert_eq!(usize::try_from(count).unwrap(), expected);
    assert_eq!(expected, machines - clones, "clones are one client");
    assert_eq!(outcome.samples.last().unwrap().licensed, 46);
    insta::assert_snapshot!(format!("{}{}", outcome.report(), chart::terminal(&outcome)));
}

/// ff793403: a host that stays away: leases end, then 30 days of grace, then notification.
#[tokio::test]
async fn ff793403_an_outage_longer_than_the_lease_shows_every_state() {
    let plan = Plan { days: 80, lease_days: 20, outage: Some((10, 75)), ..plan() };
    let outcome = simulate::run(&plan, |_| ()).await.unwrap();
    let at = |day: usize| outcome.samples[day];
    assert_eq!(at(9).licensed, 46);
    assert_eq!((at(35).licensed, at(35).grace), (0, 46));
    assert_eq!(at(74).notification, 46);
    assert_eq!(at(74).count, 0, "nobody asked for 30 days");
    assert_eq!(at(80).licensed, 46, "the host is back");
    let svg = chart::svg(&outcome).unwrap();
    assert!(svg.starts_with("<svg") && svg.matches("<polygon").count() == 4, "{svg}");
}

#[test]
fn the_program_draws_and_refuses_nonsense() {
    let dir = tempfile::tempdir().unwrap();
    let svg = dir.path().join("out.svg");
    let run = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_keyward")).arg("simulate").args(args).output().unwrap();
    let output =
        run(&["--clients", "30", "--servers", "0", "--days", "4", "--rollout", "1", "--svg", svg.to_str().unwrap()]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("The count") && said.contains("█") && said.contains("day 4"), "{said}");
    assert!(std::fs::read_to_string(svg).unwrap().contains("30 clients"));
    for bad in [["--clone-rate", "2"], ["--days", "0"], ["--outage", "9-3"], ["--step", "500"], ["--lease-days", "181"]]
    {
        assert_eq!(run(&bad).status.code(), Some(2), "{bad:?}");
    }
}

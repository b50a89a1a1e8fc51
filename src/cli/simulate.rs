//! `keyward simulate`.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    activation::lease,
    config::BadSetting,
    simulate::{self, Plan, chart},
};

const EXAMPLES: &str = "\
Examples:
  keyward simulate
  24 machines wait and the 25th doesn't:
    keyward simulate --clients 25 --servers 0 --days 2 --rollout 1 --step 1
  What a host that is away for six weeks does:
    keyward simulate --clients 500 --servers 20 --outage 60-102

It starts a throw-away PostgreSQL and a real responder, and turns their clock. It costs about one request for each machine
and week, plus twelve for each machine and day below the threshold, each a signature and a row: the default makes some
290,000, reckoned to be a minute or two for a release build on two idle cores; a debug build takes many times as long.
Smaller steps take longer: each step with a request in it is a transaction or more. Every machine's first lease is verified; of
later ones only the result is looked at.";

/// What to simulate.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Machines with the client edition
    #[arg(long, default_value_t = 10_000)]
    clients: u32,
    /// Machines with the server edition
    #[arg(long, default_value_t = 200)]
    servers: u32,
    /// Days to simulate
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Days over which the machines are installed
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rollout: u32,
    /// The share of machines that were cloned and have the id of another one, 0 to 1
    #[arg(long, default_value_t = 0.01)]
    clone_rate: f64,
    /// Machines that the client edition needs
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    client_threshold: u32,
    /// Machines that the server edition needs
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    server_threshold: u32,
    /// Days that a lease lasts
    #[arg(long, default_value_t = 180, value_parser = clap::value_parser!(u32).range(1..=lease::DAYS))]
    lease_days: u32,
    /// First and last day on which no host is reached
    #[arg(long, value_parser = outage, value_name = "FROM-TO")]
    outage: Option<(u32, u32)>,
    /// Minutes that the clock advances at once
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=120), value_name = "MINUTES")]
    step: u32,
    /// What chance is made of: one seed, one outcome
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Draw count and states to this file too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

fn outage(text: &str) -> Result<(u32, u32), String> {
    let days = text.split_once('-').and_then(|(from, to)| Some((from.trim().parse().ok()?, to.trim().parse().ok()?)));
    days.filter(|(from, to)| from <= to)
        .ok_or_else(|| "write the first and the last day, for example 60-102".to_owned())
}

/// Simulates and draws.
///
/// # Errors
/// A rate that is none, no machine, or a database that can't be started.
pub async fn run(args: &Args) -> Result<ExitCode> {
    if !(0.0..=1.0).contains(&args.clone_rate) {
        return Err(BadSetting::new("--clone-rate", "a share lies between 0 and 1, for example 0.01").into());
    }
    if args.clients.saturating_add(args.servers) == 0 || args.clients.saturating_add(args.servers) > 1_000_000 {
        return Err(BadSetting::new("--clients", "1 to 1,000,000 machines can be simulated").into());
    }
    let plan = Plan {
        clients: args.clients,
        servers: args.servers,
        days: args.days,
        rollout: args.rollout,
        clone_rate: args.clone_rate,
        needed_by_clients: args.client_threshold,
        needed_by_servers: args.server_threshold,
        lease_days: args.lease_days,
        outage: args.outage,
        step: args.step,
        seed: args.seed,
    };
    let bar = ProgressBar::new(u64::from(plan.days));
    bar.set_style(ProgressStyle::with_template("day {pos} of {len} {wide_bar} {elapsed} (still {eta})")?);
    let began = Instant::now();
    let outcome = simulate::run(&plan, |day| bar.set_position(u64::from(day))).await?;
    bar.finish_and_clear();
    print!("{}{}", outcome.report(), chart::terminal(&outcome));
    let seconds = began.elapsed().as_secs_f64();
    println!("\n{} requests in {seconds:.0} s.", outcome.requests);
    if let Some(path) = &args.svg {
        std::fs::write(path, chart::svg(&outcome)?).with_context(|| format!("{} can't be written", path.display()))?;
        println!("Drew {}.", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

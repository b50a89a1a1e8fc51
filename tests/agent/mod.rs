//! The client's side against a real responder: the library by a clock that is turned, and the program as a process.

mod carried;
mod counted;
mod hosts;
mod keyed;
mod program;
mod simulated;

use std::path::Path;

use keyward::{
    activation::hardware::Hardware,
    agent::{Agent, HostName, Machine, Product, state::State},
};

use crate::responder::site::Site;

/// A machine that is told by a number.
fn machine(number: u16) -> Machine {
    let part = |name: u16| Some(format!("{:04x}", number.wrapping_mul(8) + name));
    Machine {
        name: format!("PC-{number:04}"),
        is_virtual: false,
        hardware: Hardware {
            board: format!("{number:016x}"),
            cpu: part(1),
            disk: part(2),
            network: part(3),
            ..Hardware::default()
        },
    }
}

/// An agent of the client edition, by the site's clock, pointed at its responder.
async fn agent(site: &Site, dir: &Path, number: u16) -> Agent {
    let agent = Agent::new(dir.join(format!("{number}.json")))
        .of(Product { application: site.application, sku: site.client })
        .on(machine(number))
        .by(site.estate.db.clock().clone());
    agent.set_host(Some(host(site))).await.unwrap();
    agent
}

fn host(site: &Site) -> HostName {
    site.responder.at.to_string().parse().unwrap()
}

fn state(agent: &Agent) -> State {
    agent.state().unwrap().unwrap()
}

/// Lets so many machines be counted.
async fn count(site: &Site, machines: u128) {
    let mut line = site.connect().await;
    for number in 0..machines {
        line.ask(&site.activate(1000 + number)).await;
    }
}

//! `keyward agent`: the client's side on the command line, with the verbs that administrators know.

mod show;

use std::{io::Read, net::SocketAddr, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{
    activation::{
        hardware::{COMPONENTS, Hardware},
        wire::{Outcome, Site},
    },
    agent::{Agent, Asked, Dns, HostName, Machine, Product, Trouble},
    config::{BadSetting, default_data_dir},
    lifecycle::Lifecycle,
};

const EXAMPLES: &str = "\
Examples:
  By count, the host found in DNS:
    keyward agent activate --application ID --sku ID
  By a key, on a host that is named:
    keyward agent set-host activation.example.org --application ID --sku ID
    keyward agent install-key XXXXX-XXXXX-XXXXX-XXXXX-XXXXX
    keyward agent activate
  How it stands, and until when:
    keyward agent /dlv
    keyward agent /xpr
  As a service that renews by itself:
    keyward agent run
  On a machine without any connection:
    keyward agent trust site.json
    keyward agent request --output request.txt     (carry it to the portal's /activation/offline)
    keyward agent confirm confirmations.txt

--application and --sku are needed once; the state file remembers them. Exit codes: 0 done, 1 failed or refused,
2 usage. The settings of the server, listed below, don't concern the agent.";

/// What to do, and for what.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    of: Of,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Name the activation host instead of looking for it in DNS
    #[command(visible_alias = "/skms")]
    SetHost {
        /// NAME, NAME:PORT or [ADDRESS]:PORT; the port is 1688 unless given
        host: HostName,
    },
    /// Look for the host in DNS again
    #[command(visible_alias = "/ckms")]
    ClearHost,
    /// Install a product key
    #[command(visible_alias = "/ipk")]
    InstallKey {
        /// The key, or - to read it from the standard input, where no list of processes shows it
        #[arg(allow_hyphen_values = true)]
        key: String,
    },
    /// Activate now: by the key where one is installed, else by count; renewing is activating again
    #[command(visible_alias = "/ato")]
    Activate,
    /// Show how it stands
    #[command(visible_alias = "/dli")]
    Show,
    /// Show all that is known
    #[command(visible_alias = "/dlv")]
    ShowAll,
    /// Say until when it is activated
    #[command(visible_alias = "/xpr")]
    Expiry,
    /// Remove the product key and what it activated
    #[command(visible_alias = "/upk")]
    UninstallKey,
    /// Give this machine a new client id: for one that was cloned
    #[command(visible_alias = "/rearm")]
    NewId,
    /// Make this device's key known where an application takes enrolled devices only
    Enrol {
        /// The code that an administrator handed out
        code: String,
    },
    /// Trust a site's keys from its site file, instead of those of the first host that is met
    Trust {
        /// The file that `site` made
        file: PathBuf,
    },
    /// Print the site's keys as this machine knows them, for `trust` on another one
    Site,
    /// Write a request for somebody to carry to the portal
    Request {
        /// File to write; without it, the standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Show a code to type instead; applications that take enrolled devices only take files
        #[arg(long, conflicts_with_all = ["output", "enrol"])]
        code: bool,
        /// Enrol this device with the same file, by the code that an administrator handed out
        #[arg(long, value_name = "CODE")]
        enrol: Option<String>,
    },
    /// Take the confirmation that came back
    Confirm {
        /// The confirmation file
        #[arg(required_unless_present = "code")]
        file: Option<PathBuf>,
        /// The confirmation code, or - to read it from the standard input
        #[arg(long, conflicts_with = "file", allow_hyphen_values = true, value_name = "CODE")]
        code: Option<String>,
    },
    /// Renew as a service until SIGTERM
    Run,
}

/// What it is about.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Agent")]
struct Of {
    /// The state file; each application has its own [default: agent.json in /var/lib/keyward-agent for root, else ~/.local/share/keyward-agent]
    #[arg(long, env = "KEYWARD_AGENT_STATE", global = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// The application, as the publisher told
    #[arg(long, global = true, requires = "sku", value_name = "ID")]
    application: Option<Uuid>,
    /// The edition's activation id, as the publisher told
    #[arg(long, global = true, requires = "application", value_name = "ID")]
    sku: Option<Uuid>,
    /// The weight of hardware changes that the site tolerates for the application, where it isn't 7
    #[arg(long, global = true, value_name = "WEIGHT")]
    tolerance: Option<u8>,
    /// The DNS domain to find hosts in [default: the system's]
    #[arg(long, global = true)]
    domain: Option<String>,
    /// The DNS server to ask [default: the system's]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    dns: Option<SocketAddr>,
    /// This machine's name [default: the system's]
    #[arg(long, global = true, value_name = "NAME")]
    machine: Option<String>,
    /// Whether it is a virtual machine [default: as the system tells]
    #[arg(long = "virtual", global = true, value_name = "true|false")]
    is_virtual: Option<bool>,
    /// Its components instead of those that the system tells: board=…,cpu=…
    #[arg(long, global = true, value_parser = hardware, value_name = "NAME=TEXT,…")]
    hardware: Option<Hardware>,
}

fn hardware(text: &str) -> Result<Hardware, String> {
    let mut parts: [Option<String>; 6] = Default::default();
    for pair in text.split(',') {
        let (name, digest) = pair.split_once('=').ok_or("write NAME=TEXT, separated by commas")?;
        let place = COMPONENTS.iter().position(|component| component.name == name.trim());
        let names = || COMPONENTS.map(|component| component.name).join(", ");
        let place = place.ok_or_else(|| format!("“{name}” isn't one of {}", names()))?;
        if !(1..=64).contains(&digest.len()) || !digest.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("“{name}” isn't 1 to 64 printable ASCII characters without spaces"));
        }
        parts[place] = Some(digest.to_owned());
    }
    Hardware::from_parts(parts).ok_or_else(|| "board=… is missing: it has to be there".to_owned())
}

/// Does it.
///
/// # Errors
/// A sentence each: refused by the host, no host, a damaged state file, …
pub async fn run(args: &Args) -> Result<ExitCode> {
    let agent = agent(&args.of)?;
    match act(&agent, &args.verb).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(fault) => match fault.downcast_ref() {
            Some(Trouble::NoProduct(_)) => Err(BadSetting::new("--application", fault).into()),
            _ => Err(fault),
        },
    }
}

fn agent(of: &Of) -> Result<Agent> {
    let state = match &of.state {
        Some(state) => state.clone(),
        None => default_data_dir("keyward-agent")
            .map_err(|_| {
                BadSetting::new(
                    "--state (KEYWARD_AGENT_STATE)",
                    "there is no home directory to put the state in: name a file",
                )
            })?
            .join("agent.json"),
    };
    let mut agent = Agent::new(state).asking(Dns { server: of.dns, domain: of.domain.clone() });
    if let (Some(application), Some(sku)) = (of.application, of.sku) {
        agent = agent.of(Product { application, sku });
    }
    if let Some(tolerance) = of.tolerance {
        agent = agent.tolerating(tolerance);
    }
    if of.machine.is_some() || of.is_virtual.is_some() || of.hardware.is_some() {
        agent = agent.clone().on(machine(&agent, of)?);
    }
    Ok(agent)
}

/// This machine, with what the command line says otherwise.
fn machine(agent: &Agent, of: &Of) -> Result<Machine> {
    let known = agent.state()?.map(|state| state.application);
    let application = known.or(of.application).ok_or_else(|| Trouble::NoProduct(agent.path().to_owned()))?;
    let mut machine = match (Machine::this(application), &of.hardware) {
        (Ok(machine), None) => machine,
        (Ok(machine), Some(hardware)) => Machine { hardware: hardware.clone(), ..machine },
        (Err(_), Some(hardware)) => Machine { name: "unnamed".into(), is_virtual: false, hardware: hardware.clone() },
        (Err(fault), None) => return Err(fault.into()),
    };
    if let Some(name) = &of.machine {
        if !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            bail!(BadSetting::new("--machine", "a name has 1 to 64 characters, no control characters"));
        }
        machine.name.clone_from(name);
    }
    machine.is_virtual = of.is_virtual.unwrap_or(machine.is_virtual);
    Ok(machine)
}

async fn act(agent: &Agent, verb: &Verb) -> Result<()> {
    match verb {
        Verb::SetHost { host } => {
            agent.set_host(Some(host.clone())).await?;
            println!("The activation host is {host}.");
        }
        Verb::ClearHost => {
            agent.set_host(None).await?;
            println!("The activation host is looked for in DNS.");
        }
        Verb::InstallKey { key } => {
            let key = typed(key)?;
            agent.install_key(key.trim()).await?;
            println!("Installed the key ending in {}. Activate now: keyward agent activate", show::key(agent)?);
        }
        Verb::UninstallKey => {
            agent.uninstall_key().await?;
            println!("Removed the key, and what it activated. {}", show::expiry(agent)?);
        }
        Verb::Activate => done(agent, &agent.activate().await?)?,
        Verb::Show => print!("{}", show::brief(agent)?),
        Verb::ShowAll => print!("{}", show::all(agent)?),
        Verb::Expiry => println!("{}", show::expiry(agent)?),
        Verb::NewId => {
            agent.renew_id().await?;
            println!("This machine has a new client id. Activate now: keyward agent activate");
        }
        Verb::Enrol { code } => {
            let asked = agent.enrol(code).await?;
            refused(&asked)?;
            println!("This device is enrolled; its requests are signed from now on.");
        }
        Verb::Trust { file } => trust(agent, file).await?,
        Verb::Site => println!("{}", show::site(agent)?),
        Verb::Request { output, code, enrol } => request(agent, output.as_deref(), *code, enrol.as_deref()).await?,
        Verb::Confirm { file, code } => confirm(agent, file.as_deref(), code.as_deref()).await?,
        Verb::Run => serve(agent).await?,
    }
    Ok(())
}

/// A refusal is a failure: its code and its sentence.
fn refused(asked: &Asked) -> Result<()> {
    if asked.answer.result == Outcome::Done {
        return Ok(());
    }
    bail!("{}: {}", asked.answer.result.code(), asked.answer.message)
}

fn done(agent: &Agent, asked: &Asked) -> Result<()> {
    refused(asked)?;
    if let (Some(count), Some(needed)) = (asked.answer.count, asked.answer.needed) {
        println!("The count is {count}, {needed} are needed.");
    }
    println!("{}", show::expiry(agent)?);
    Ok(())
}

/// What was typed as an argument, or comes on the standard input.
fn typed(text: &str) -> Result<Zeroizing<String>> {
    let mut typed = Zeroizing::new(text.to_owned());
    if text == "-" {
        typed.clear();
        std::io::stdin().read_to_string(&mut typed).context("the standard input can't be read")?;
    }
    Ok(typed)
}

async fn trust(agent: &Agent, file: &std::path::Path) -> Result<()> {
    let text = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
    let site: Site = serde_json::from_slice(&text)
        .ok()
        .filter(|site: &Site| crate::activation::lease::Verifier::new(&site.keys).knows_all_of(&site.keys))
        .ok_or_else(|| Trouble::NoSiteFile(file.to_owned()))?;
    let iss = site.iss.clone();
    agent.trust(site.iss, site.keys).await?;
    println!("Leases of {iss} are trusted, and no others.");
    Ok(())
}

async fn request(agent: &Agent, output: Option<&std::path::Path>, code: bool, enrol: Option<&str>) -> Result<()> {
    if code {
        let code = agent.request_code().await?;
        println!("Type this at the portal's /activation/offline, then come back with the confirmation code:\n");
        println!("{}", show::in_lines(&code));
        println!("\nThen: keyward agent confirm --code CODE");
        return Ok(());
    }
    let text = match enrol {
        Some(code) => agent.enrolling_request_file(code).await?,
        None => agent.request_file().await?,
    };
    match output {
        None => print!("{text}"),
        Some(path) => {
            write_private(path, &text).with_context(|| format!("{} can't be written", path.display()))?;
            println!(
                "Wrote {}. It holds the product key: carry it to the portal's /activation/offline, then delete it.",
                path.display()
            );
        }
    }
    Ok(())
}

/// Whole or not at all, for the owner alone: the request holds a product key.
fn write_private(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let mut draft = tempfile::NamedTempFile::new_in(dir)?;
    std::io::Write::write_all(&mut draft, text.as_bytes())?;
    draft.as_file().sync_all()?;
    draft.persist(path)?;
    Ok(())
}

async fn confirm(agent: &Agent, file: Option<&std::path::Path>, code: Option<&str>) -> Result<()> {
    let asked = match (file, code) {
        (_, Some(code)) => agent.confirm_code(&typed(code)?).await?,
        (Some(file), None) => {
            let bytes = std::fs::read(file).with_context(|| format!("{} can't be read", file.display()))?;
            agent.confirm_file(&bytes).await?
        }
        (None, None) => bail!("name a confirmation file, or give --code"),
    };
    done(agent, &asked)
}

async fn serve(agent: &Agent) -> Result<()> {
    agent.begin().await?;
    let mut lifecycle = Lifecycle::new()?;
    tracing::info!(state = %agent.path().display(), "the agent runs");
    let (agent, ending) = (agent.clone(), lifecycle.ending());
    lifecycle.task("agent", async move { Ok(agent.run(ending).await?) });
    lifecycle.run().await
}

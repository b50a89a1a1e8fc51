//! Asking a host: which one, with which request, and what becomes of its answer.

use ed25519_dalek::SigningKey;
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::{
    Agent, HostName, Machine, NotTaken, Standing, Trouble,
    connection::Connection,
    state::{Kind, Last, State, Trust, whole},
    store::Lock,
};
use crate::{
    activation::{
        hardware::Hardware,
        jws,
        lease::NoLease,
        wire::{Answer, Ask, Enrol, ErrorLine, Op, Outcome, Reply, Request, VERSION},
    },
    vault::envelope::Key32,
};

/// What a host said, and how the software stands now.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The host; none of a confirmation that was carried.
    pub host: Option<HostName>,
    /// Its answer.
    pub answer: Answer,
    /// How it stands.
    pub standing: Standing,
}

impl Agent {
    /// Asks to be activated, or renews: by the key where one is installed, which may spend one of its
    /// activations, else by count. A request that wasn't answered before is the same request again.
    ///
    /// # Errors
    /// Nobody answered, or what came isn't to be believed. A refusal is an [`Asked`] with its outcome.
    pub async fn activate(&self) -> Result<Asked, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        if machine.hardware.board != state.board {
            // The file was copied, or the mainboard is another one: another machine in any case.
            tracing::info!(
                "this is another machine than the one that {} was made on: it gets an id of its own",
                self.path().display()
            );
            state.renew_cmid(&machine.hardware.board, false);
        }
        let kind = if state.key.is_some() { Kind::Mak } else { Kind::Activate };
        self.spend_or_count(&lock, &mut state, &machine, kind).await
    }

    /// Renews as a service does: as [`Agent::activate`], but a machine that a key activated spends no second
    /// activation without being told to.
    ///
    /// # Errors
    /// As [`Agent::activate`].
    pub async fn renew(&self) -> Result<Asked, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        match state.kind() {
            Kind::Activate => {
                if machine.hardware.board != state.board {
                    state.renew_cmid(&machine.hardware.board, false);
                }
                self.spend_or_count(&lock, &mut state, &machine, Kind::Activate).await
            }
            Kind::Mak if state.held().is_none() => self.spend_or_count(&lock, &mut state, &machine, Kind::Mak).await,
            Kind::Mak => self.confirm_again(&lock, &mut state, &machine).await,
        }
    }

    /// Makes this device's key known by the code that an administrator handed out, and signs with it from now on.
    ///
    /// # Errors
    /// As [`Agent::activate`]; the code isn't taken.
    pub async fn enrol(&self, code: &str) -> Result<Asked, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        let request = enrolling(&mut state, &machine, code);
        self.store.save(&lock, &state)?;
        let (host, answer) = self.ask(&lock, &mut state, &request).await?;
        self.store.save(&lock, &state)?;
        Ok(self.asked(Some(host), answer, &state, &machine))
    }

    async fn spend_or_count(
        &self,
        lock: &Lock,
        state: &mut State,
        machine: &Machine,
        kind: Kind,
    ) -> Result<Asked, Trouble> {
        let pending = state.request(kind, self.clock.now());
        // Before it is sent: killed between here and the answer, the same request is sent again.
        self.store.save(lock, state)?;
        let request = self.request(state, machine, kind, pending.id)?;
        let (host, answer) = self.ask(lock, state, &request).await?;
        let taken = self.believe(state, &machine.hardware, &host, &answer);
        self.store.save(lock, state)?;
        taken?;
        Ok(self.asked(Some(host), answer, state, machine))
    }

    /// Asks how a machine stands that a key activated; only where that brings no later lease, the key's
    /// confirmation is asked for again, which spends nothing on the same machine.
    async fn confirm_again(&self, lock: &Lock, state: &mut State, machine: &Machine) -> Result<Asked, Trouble> {
        let op = Op::Status { ask: self.who(state, machine), hardware: Some(machine.hardware.clone()) };
        let request = Request { v: VERSION, op, id: Uuid::new_v4() };
        let (host, answer) = self.ask(lock, state, &request).await?;
        if answer.result == Outcome::HardwareBeyondTolerance {
            state.beyond_since.get_or_insert(whole(state.present(self.clock.now())));
        }
        let ends = |state: &State| state.held().map(|claims| claims.exp);
        let before = ends(state);
        let taken = self.believe(state, &machine.hardware, &host, &answer);
        self.store.save(lock, state)?;
        taken?;
        if answer.result == Outcome::Done && ends(state) <= before && state.key.is_some() {
            return self.spend_or_count(lock, state, machine, Kind::Mak).await;
        }
        Ok(self.asked(Some(host), answer, state, machine))
    }

    /// The request with this id. Its clock is the present, also when it is sent again: the id alone says that it
    /// is the same.
    pub(super) fn request(&self, state: &State, machine: &Machine, kind: Kind, id: Uuid) -> Result<Request, Trouble> {
        let ask = self.who(state, machine);
        let op = match kind {
            Kind::Activate => Op::Activate(ask),
            Kind::Mak => {
                let key = state.key.as_ref().ok_or(Trouble::NoKey)?;
                Op::Mak { ask, key: key.expose().to_owned(), hardware: machine.hardware.clone() }
            }
        };
        Ok(Request { v: VERSION, op, id })
    }

    fn who(&self, state: &State, machine: &Machine) -> Ask {
        Ask {
            application: state.application,
            sku: state.sku,
            cmid: state.cmid,
            previous_cmid: state.previous_cmid,
            machine: machine.name.clone(),
            r#virtual: machine.is_virtual,
            time: whole(self.clock.now()).to_offset(UtcOffset::UTC),
        }
    }

    /// Asks one host after the other until one answers.
    async fn ask(&self, lock: &Lock, state: &mut State, request: &Request) -> Result<(HostName, Answer), Trouble> {
        let asked = self.ask_each(state, request).await;
        if let Err(fault @ (Trouble::Unreachable { .. } | Trouble::NoHost(_) | Trouble::Refused { .. })) = &asked {
            state.failures = state.failures.saturating_add(1);
            state.last = Some(Last::failed(state.last.as_ref(), fault.to_string(), self.clock.now()));
            self.store.save(lock, state)?;
        }
        asked
    }

    async fn ask_each(&self, state: &mut State, request: &Request) -> Result<(HostName, Answer), Trouble> {
        let line = line(state, request);
        let mut tried: Vec<(HostName, String)> = Vec::new();
        let mut poor = None;
        let mut looked_up = state.host.is_some();
        let mut hosts: Vec<HostName> = state.host.iter().chain(&state.cached_host).take(1).cloned().collect();
        loop {
            let Some(host) = (if hosts.is_empty() { None } else { Some(hosts.remove(0)) }) else {
                if looked_up {
                    break;
                }
                looked_up = true;
                match self.dns.hosts().await {
                    Ok(found) => {
                        hosts = found.into_iter().filter(|host| tried.iter().all(|(known, _)| known != host)).collect();
                    }
                    // The cached host was asked; that DNS fails too is the lesser news.
                    Err(fault) if tried.is_empty() => return Err(fault),
                    Err(_) => {}
                }
                continue;
            };
            match self.ask_one(state, &host, &line).await {
                Ok(Reply::Answer(answer)) if answer.result == Outcome::HostNotActivated => poor = Some((host, *answer)),
                Ok(Reply::Answer(answer)) if answer.id == request.id => return Ok((host, *answer)),
                Ok(Reply::Answer(_)) => tried.push((host, "it answered another request".into())),
                Ok(Reply::Error(error)) if passing(&error) => tried.push((host, error.message)),
                Ok(Reply::Error(ErrorLine { error, message, .. })) => {
                    return Err(Trouble::Refused { host, word: error, message });
                }
                Err(Unasked::Silent(why)) => tried.push((host, why)),
                Err(Unasked::Other) => return Err(Trouble::OtherSite { host }),
            }
        }
        poor.ok_or(Trouble::Unreachable { tried })
    }

    /// Asks one host. The first host ever met tells the site's keys, unless they were given.
    async fn ask_one(&self, state: &mut State, host: &HostName, line: &str) -> Result<Reply, Unasked> {
        let mut connection = Connection::open(&self.dns, host).await?;
        if state.site.is_none() {
            let hello = Request { v: VERSION, op: Op::Hello { enrol: None }, id: Uuid::new_v4() };
            let hello = serde_json::to_string(&hello).unwrap_or_default();
            match connection.ask(&hello).await? {
                Reply::Answer(answer) => {
                    let site = answer.site.ok_or_else(|| Unasked::Silent("it doesn't tell its site".into()))?;
                    state.site = Some(Trust { iss: site.iss, keys: site.keys, given: false });
                }
                Reply::Error(error) => return Ok(Reply::Error(error)),
            }
        }
        let reply = connection.ask(line).await?;
        if let Reply::Answer(answer) = &reply
            && let (Some(site), Some(known)) = (&answer.site, &state.site)
            && (site.iss != known.iss || !site.keys.iter().any(|key| known.keys.contains(key)))
        {
            return Err(Unasked::Other);
        }
        Ok(reply)
    }

    /// Remembers an answer, and takes its lease where it is to be believed.
    fn believe(&self, state: &mut State, hardware: &Hardware, host: &HostName, answer: &Answer) -> Result<(), Trouble> {
        let now = self.clock.now();
        remember(state, answer, now);
        if state.host.is_none() {
            state.cached_host = Some(host.clone());
        }
        let Some(lease) = &answer.lease else { return Ok(()) };
        let fault = match state.take(lease.clone(), hardware, now) {
            Ok(()) => {
                // A host looked at the clock: what was seen before may have been a slip.
                state.seen = whole(now);
                return Ok(());
            }
            Err(NotTaken::NoLease(NoLease::Untrusted(_)) | NotTaken::Another("site")) => {
                Trouble::OtherSite { host: host.clone() }
            }
            Err(fault) => fault.into(),
        };
        state.last = Some(Last::failed(state.last.as_ref(), fault.to_string(), now));
        Err(fault)
    }

    pub(super) fn asked(&self, host: Option<HostName>, answer: Answer, state: &State, machine: &Machine) -> Asked {
        Asked { host, answer, standing: state.standing(&machine.hardware, self.clock.now()) }
    }
}

/// Keeps what an answer says besides its lease.
pub(super) fn remember(state: &mut State, answer: &Answer, now: OffsetDateTime) {
    state.last = Some(Last {
        at: whole(now),
        result: Some(answer.result),
        message: answer.message.clone(),
        count: answer.count,
        needed: answer.needed,
        activation_interval: answer.activation_interval,
        renewal_interval: answer.renewal_interval,
    });
    state.failures = 0;
    if state.pending.is_some_and(|pending| pending.id == answer.id) {
        (state.pending, state.previous_cmid) = (None, None);
    }
}

/// The request that enrols this device, whose key is made where it has none.
pub(super) fn enrolling(state: &mut State, machine: &Machine, code: &str) -> Request {
    state.device.get_or_insert_with(Key32::random);
    let enrol = Enrol {
        application: state.application,
        cmid: state.cmid,
        machine: machine.name.clone(),
        code: code.trim().to_owned(),
    };
    Request { v: VERSION, op: Op::Hello { enrol: Some(enrol) }, id: Uuid::new_v4() }
}

/// The request as it travels: signed where this device has a key.
pub(super) fn line(state: &State, request: &Request) -> String {
    let text = serde_json::to_string(request).unwrap_or_default();
    match &state.device {
        Some(seed) => {
            let jws = jws::sign_device(&SigningKey::from_bytes(seed.expose()), text.as_bytes());
            format!(r#"{{"v":{VERSION},"jws":"{jws}"}}"#)
        }
        None => text,
    }
}

/// Whether another host, or the same one later, may take the same request.
fn passing(error: &ErrorLine) -> bool {
    matches!(error.error.as_str(), "busy" | "unavailable" | "too-slow")
}

/// Why a host wasn't heard.
enum Unasked {
    /// It didn't answer.
    Silent(String),
    /// It is of another site.
    Other,
}

impl From<String> for Unasked {
    fn from(why: String) -> Self {
        Self::Silent(why)
    }
}

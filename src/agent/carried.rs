//! Activation without any connection: a request is written to a file or as a code to type, somebody carries it
//! to the portal, and brings the confirmation back.

use super::{
    Agent, Asked, Trouble,
    exchange::{enrolling, line, remember},
    last_five,
    state::{Kind, State, whole},
};
use crate::activation::{
    code::{CodedConfirmation, CodedRequest},
    offline,
    wire::{Answer, Outcome, Reply},
};

impl Agent {
    /// Writes the request file; the same request each time until it is confirmed.
    ///
    /// # Errors
    /// [`Trouble::NoKey`], or the state file.
    pub async fn request_file(&self) -> Result<String, Trouble> {
        self.write_requests(None).await
    }

    /// The same of a device that was never enrolled: the file enrols it first, by the code that an administrator handed
    /// out.
    ///
    /// # Errors
    /// As [`Agent::request_file`].
    pub async fn enrolling_request_file(&self, code: &str) -> Result<String, Trouble> {
        self.write_requests(Some(code)).await
    }

    async fn write_requests(&self, code: Option<&str>) -> Result<String, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        let pending = state.request(Kind::Mak, self.clock.now());
        let request = self.request(&state, &machine, Kind::Mak, pending.id)?;
        let enrols = code.map(|code| enrolling(&mut state, &machine, code));
        self.store.save(&lock, &state)?;
        let lines: Vec<String> = enrols.iter().chain([&request]).map(|request| line(&state, request)).collect();
        Ok(offline::write(offline::REQUESTS, lines.iter().map(String::as_str)))
    }

    /// The request as a code to type. It tells the last five characters of the key.
    ///
    /// # Errors
    /// As [`Agent::request_file`]; [`Trouble::Signed`] of an enrolled device; and where a code can't say it.
    pub async fn request_code(&self) -> Result<String, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        let key = state.key.as_ref().ok_or(Trouble::NoKey)?;
        if state.device.is_some() {
            return Err(Trouble::Signed);
        }
        let request = CodedRequest {
            last_five: last_five(key).to_string(),
            cmid: state.cmid,
            is_virtual: machine.is_virtual,
            time: whole(self.clock.now()),
            hardware: machine.hardware,
        };
        let code = request.write()?;
        state.pending = Some(super::state::Pending { id: request.id()?, op: Kind::Mak, at: request.time });
        self.store.save(&lock, &state)?;
        Ok(code)
    }

    /// Takes the answer to this machine's request from a confirmation file.
    ///
    /// # Errors
    /// No answer for this machine, a refused request, or a lease that isn't to be believed.
    pub async fn confirm_file(&self, file: &[u8]) -> Result<Asked, Trouble> {
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        let id = state.pending.ok_or(Trouble::NoAnswer)?.id;
        let replies = offline::confirmations(file)?;
        let ours = replies.iter().filter_map(|line| serde_json::from_str(line).ok()).find_map(|reply| match reply {
            Reply::Answer(answer) if answer.id == id => Some(Ok(*answer)),
            Reply::Error(error) if error.id == Some(id) => Some(Err(error)),
            _ => None,
        });
        let answer = match ours.ok_or(Trouble::NoAnswer)? {
            Ok(answer) => answer,
            Err(error) => return Err(Trouble::NotServed(error.message)),
        };
        if let Some(lease) = &answer.lease {
            self.take_carried(&mut state, lease)?;
        }
        remember(&mut state, &answer, self.clock.now());
        self.store.save(&lock, &state)?;
        Ok(self.asked(None, answer, &state, &machine))
    }

    /// Takes a confirmation that was typed.
    ///
    /// # Errors
    /// A group that isn't right, or a code that isn't the site's answer to this machine.
    pub async fn confirm_code(&self, text: &str) -> Result<Asked, Trouble> {
        let code = CodedConfirmation::read(text)?;
        let (lock, mut state) = self.locked().await?;
        let machine = self.machine(&state)?;
        let site = state.site.clone().ok_or(Trouble::NoSite)?;
        let leases = site
            .keys
            .iter()
            .map(|key| code.lease(&site.iss, &key.kid, state.application, state.sku, state.cmid, &machine.hardware));
        let mut refused = None;
        let taken = leases
            .into_iter()
            .collect::<Vec<_>>()
            .into_iter()
            .any(|lease| self.take_carried(&mut state, &lease).map_err(|fault| refused = Some(fault)).is_ok());
        if !taken {
            return Err(refused.unwrap_or(Trouble::NoSite));
        }
        let id = state.pending.map_or(state.cmid, |pending| pending.id);
        let answer = Answer::new(id, Outcome::Done);
        remember(&mut state, &answer, self.clock.now());
        self.store.save(&lock, &state)?;
        Ok(self.asked(None, answer, &state, &machine))
    }

    /// Nobody looked at this machine's clock: what it has seen before holds.
    fn take_carried(&self, state: &mut State, lease: &str) -> Result<(), Trouble> {
        let machine = self.machine(state)?;
        if state.site.is_none() {
            return Err(Trouble::NoSite);
        }
        let now = state.present(self.clock.now());
        state.take(lease.to_owned(), &machine.hardware, now)?;
        state.seen = whole(now);
        Ok(())
    }
}

//! The client side: what `keyward agent` uses, and what own software written in Rust embeds.
//!
//! An [`Agent`] looks after the activation of one application on one machine. Its state is one file. Whether
//! the software is activated is answered without any connection, by a lease that the site signed:
//!
//! ```no_run
//! use keyward::agent::{Agent, Product};
//! # use uuid::Uuid;
//! # async fn f(application: Uuid, sku: Uuid) -> Result<(), keyward::agent::Trouble> {
//! let agent = Agent::new("/var/lib/example/activation.json").of(Product { application, sku });
//! if !agent.standing()?.is_licensed() {
//!     agent.activate().await?; // asks a host: by the key if one is installed, else to be counted
//! }
//! println!("{}", agent.standing()?.name());
//! # Ok(()) }
//! ```
//!
//! `Agent::run` renews by itself until it is told to end. `examples/embed.rs` is a whole program. The protocol and the
//! form of the state file are in `docs/protocol.md`.

mod carried;
mod connection;
mod discovery;
mod exchange;
mod machine;
pub mod schedule;
mod service;
pub mod standing;
pub mod state;
mod store;
mod trouble;

use std::path::{Path, PathBuf};

use uuid::Uuid;
use zeroize::Zeroizing;

pub use discovery::{Dns, HostName, PORT, SERVICE};
pub use exchange::Asked;
pub use machine::Machine;
pub use standing::Standing;
pub use trouble::{NotTaken, Trouble};

use crate::{activation::product_key, clock::Clock, keys::ProductKey};
use state::{State, Trust};
use store::{Lock, Store};

/// What is to be activated, as the publisher told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// The pool of one count.
    pub application: Uuid,
    /// The edition.
    pub sku: Uuid,
}

/// Looks after one application's activation on this machine.
#[derive(Clone, Debug)]
pub struct Agent {
    store: Store,
    product: Option<Product>,
    machine: Option<Machine>,
    tolerance: Option<u8>,
    dns: Dns,
    clock: Clock,
}

impl Agent {
    /// With its state in this file, which needn't be there yet.
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            store: Store::at(state),
            product: None,
            machine: None,
            tolerance: None,
            dns: Dns::default(),
            clock: Clock::System,
        }
    }

    /// For this product; needed until the state file knows it.
    #[must_use]
    pub fn of(self, product: Product) -> Self {
        Self { product: Some(product), ..self }
    }

    /// As this machine instead of the one that it runs on.
    #[must_use]
    pub fn on(self, machine: Machine) -> Self {
        Self { machine: Some(machine), ..self }
    }

    /// With the tolerance that the site set for the application, where it isn't the usual one.
    #[must_use]
    pub fn tolerating(self, weight: u8) -> Self {
        Self { tolerance: Some(weight), ..self }
    }

    /// Looks for hosts there.
    #[must_use]
    pub fn asking(self, dns: Dns) -> Self {
        Self { dns, ..self }
    }

    /// By this clock.
    #[must_use]
    pub fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The state file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// What the state file says; none before anything was done.
    ///
    /// # Errors
    /// The file can't be read or is damaged.
    pub fn state(&self) -> Result<Option<State>, Trouble> {
        self.store.load()
    }

    /// How the software stands. Asks nobody.
    ///
    /// # Errors
    /// As [`Agent::state`]; and when nothing was set up.
    pub fn standing(&self) -> Result<Standing, Trouble> {
        let state = self.known_or_new()?;
        Ok(state.standing(&self.machine(&state)?.hardware, self.clock.now()))
    }

    /// The machine, as its application is told of it.
    ///
    /// # Errors
    /// [`Trouble::NoHardware`].
    pub fn machine(&self, state: &State) -> Result<Machine, Trouble> {
        self.machine.clone().map_or_else(|| Machine::this(state.application), Ok)
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Begins: writes the state file, from which the initial grace runs. Does nothing where there is one.
    ///
    /// # Errors
    /// Nothing to set up, or the file can't be written.
    pub async fn begin(&self) -> Result<(), Trouble> {
        self.change(|_| Ok(())).await
    }

    /// Names the host, or none: then DNS tells. Forgets the host that answered last.
    ///
    /// # Errors
    /// The state file.
    pub async fn set_host(&self, host: Option<HostName>) -> Result<(), Trouble> {
        self.change(|state| {
            (state.host, state.cached_host) = (host, None);
            // A service that waits for the old host asks the new one soon.
            state.failures = state.failures.min(1);
            Ok(())
        })
        .await
    }

    /// Installs a key; it is sent by the next [`Agent::activate`].
    ///
    /// # Errors
    /// [`Trouble::Key`] says where a character is wrong, without telling one of the key.
    pub async fn install_key(&self, text: &str) -> Result<(), Trouble> {
        let key = ProductKey::parse(text).map_err(|fault| Trouble::Key(fault.to_string()))?;
        product_key::check(&key).map_err(|fault| Trouble::Key(format!("isn't right: {fault}")))?;
        self.change(|state| {
            if state.key.as_ref().is_none_or(|known| known.expose() != key.expose()) {
                state.pending = None;
            }
            state.key = Some(key);
            Ok(())
        })
        .await
    }

    /// Removes the key, and the lease that it brought. What was spent stays spent: the same machine gets it again.
    ///
    /// # Errors
    /// [`Trouble::NoKey`], or the state file.
    pub async fn uninstall_key(&self) -> Result<(), Trouble> {
        self.change(|state| {
            let key = state.key.take().ok_or(Trouble::NoKey)?;
            drop(key);
            (state.lease, state.pending, state.beyond_since, state.last) = (None, None, None, None);
            Ok(())
        })
        .await
    }

    /// Takes the site's name and keys as given, in place of those of the first host that is met.
    ///
    /// # Errors
    /// The state file.
    pub async fn trust(&self, iss: String, keys: Vec<crate::activation::wire::PublicKey>) -> Result<(), Trouble> {
        self.change(|state| {
            state.site = Some(Trust { iss, keys, given: true });
            Ok(())
        })
        .await
    }

    /// Gives this machine a new id, because it is a copy of another one or another one is a copy of it.
    ///
    /// # Errors
    /// The state file.
    pub async fn renew_id(&self) -> Result<(), Trouble> {
        let machine = self.machine(&self.known_or_new()?)?;
        self.change(|state| {
            state.renew_cmid(&machine.hardware.board, true);
            Ok(())
        })
        .await
    }

    async fn change(&self, change: impl FnOnce(&mut State) -> Result<(), Trouble>) -> Result<(), Trouble> {
        let (lock, mut state) = self.locked().await?;
        change(&mut state)?;
        self.store.save(&lock, &state)
    }

    /// The state, for whoever changes it.
    async fn locked(&self) -> Result<(Lock, State), Trouble> {
        let lock = self.store.lock().await?;
        Ok((lock, self.known_or_new()?))
    }

    fn known_or_new(&self) -> Result<State, Trouble> {
        let mut state = match self.store.load()? {
            Some(state) => state,
            None => {
                let product = self.product.ok_or_else(|| Trouble::NoProduct(self.path().to_owned()))?;
                let machine = self.machine.clone().map_or_else(|| Machine::this(product.application), Ok)?;
                State::new(product, &machine.hardware.board, self.clock.now())
            }
        };
        if let Some(product) = self.product {
            if product.application != state.application {
                return Err(Trouble::OtherProduct(self.path().to_owned()));
            }
            if product.sku != state.sku {
                // Another edition of the same application: what it holds is for the other one.
                state.sku = product.sku;
                (state.lease, state.pending, state.beyond_since, state.last) = (None, None, None, None);
            }
        }
        state.tolerance = self.tolerance.unwrap_or(state.tolerance);
        Ok(state)
    }
}

/// The last group of a key: all that is ever shown of it.
pub fn last_five(key: &ProductKey) -> Zeroizing<String> {
    Zeroizing::new(key.expose().chars().skip(24).collect())
}

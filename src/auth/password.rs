//! Passwords: argon2id under a semaphore, a minimum length, and a strength estimate.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Minimum length in characters where there is no second factor (SECURITY 9).
pub const MINIMUM: usize = 15;
/// Maximum length in bytes: bounds the work that a stranger can ask for.
pub const MAXIMUM: usize = 1024;
/// Sign-ins that may wait for a core before the next is told to come back.
const QUEUE: usize = 64;

/// Why a new password isn't taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too short.
    #[error("Use at least {MINIMUM} characters; this one has {0}. A few unrelated words make a good one.")]
    Short(usize),
    /// Too long.
    #[error("Use at most {MAXIMUM} bytes.")]
    Long,
    /// Guessable.
    #[error("This one would be guessed soon. {0}")]
    Weak(String),
}

/// Too many are waiting for a core.
#[derive(Debug, thiserror::Error)]
#[error("too many sign-ins at once")]
pub struct Busy;

/// Hashes and verifies, at most as many at once as there are cores.
pub struct Passwords {
    cores: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// Verified against when the person is unknown, so that the answer takes as long.
    dummy: String,
}

impl Passwords {
    /// Prepares the semaphores; hashes one dummy.
    ///
    /// # Panics
    /// When the system has no randomness.
    #[allow(clippy::expect_used)]
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash(&SecretString::from("no one's password")).expect("constant parameters hash");
        Self { cores: Arc::new(Semaphore::new(cores)), queue: Arc::new(Semaphore::new(cores + QUEUE)), dummy }
    }

    /// Whether `password` is the one behind `stored`; false for an unknown person, after the same work.
    ///
    /// # Errors
    /// [`Busy`] when the queue is full.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, Busy> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.dummy.clone());
        self.on_a_core(move || {
            password.expose_secret().len() <= MAXIMUM
                && PasswordHash::new(&stored).is_ok_and(|parsed| {
                    argon2id().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok()
                })
        })
        .await
        .map(|right| right && known)
    }

    /// The hash to store, as a PHC string.
    ///
    /// # Errors
    /// [`Busy`] when the queue is full.
    pub async fn hash(&self, password: SecretString) -> Result<String, Busy> {
        self.on_a_core(move || hash(&password)).await?.ok_or(Busy)
    }

    async fn on_a_core<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = self.queue.clone().try_acquire_owned().map_err(|_| Busy)?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| Busy)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(core);
            done
        })
        .await
        .map_err(|_| Busy)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

/// argon2id with m = 19 MiB, t = 2, p = 1: the OWASP minimum that SECURITY 9 names.
fn argon2id() -> Argon2<'static> {
    #[allow(clippy::expect_used)]
    let params = Params::new(19 * 1024, 2, 1, None).expect("constant parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &SecretString) -> Option<String> {
    argon2id().hash_password(password.expose_secret().as_bytes()).ok().map(|hash| hash.to_string())
}

/// Whether a new password may be used: long enough and not soon guessed. No composition rules.
///
/// # Errors
/// [`Unfit`] with a sentence for the person.
pub fn check(password: &SecretString, about: &[&str]) -> Result<(), Unfit> {
    let text = password.expose_secret();
    let length = text.chars().count();
    if length < MINIMUM {
        return Err(Unfit::Short(length));
    }
    if text.len() > MAXIMUM {
        return Err(Unfit::Long);
    }
    // The estimate looks at the first 100 characters: longer ones take it quadratic time.
    let head: String = text.chars().take(100).collect();
    let estimate = zxcvbn::zxcvbn(&head, about);
    // Below 10^6 guesses: what a patient guesser gets through even against argon2id. Length does the rest.
    if estimate.score() < zxcvbn::Score::Two {
        let why = estimate
            .feedback()
            .and_then(zxcvbn::feedback::Feedback::warning)
            .map_or_else(|| "Add another word or two.".to_owned(), |warning| warning.to_string());
        return Err(Unfit::Weak(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn short_long_and_guessable_ones_are_refused_with_a_way_out() {
        assert_eq!(check(&secret("fourteen chars"), &[]), Err(Unfit::Short(14)));
        assert_eq!(check(&secret(&"ab".repeat(600)), &[]), Err(Unfit::Long));
        assert!(matches!(check(&secret("aaaaaaaaaaaaaaaaaaaa"), &[]), Err(Unfit::Weak(_))));
        assert_eq!(check(&secret("violet anchor drizzle seven"), &[]), Ok(()));
    }

    #[tokio::test]
    async fn verifies_the_right_one_only_and_no_one_unknown() {
        let passwords = Passwords::new();
        let stored = passwords.hash(secret("violet anchor drizzle")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.verify(secret("violet anchor drizzle"), Some(stored.clone())).await.unwrap());
        assert!(!passwords.verify(secret("violet anchor drizzlE"), Some(stored)).await.unwrap());
        assert!(!passwords.verify(secret("no one's password"), None).await.unwrap());
    }
}

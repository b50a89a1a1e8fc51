//! Who somebody is: signing in, confirming, the own account.
pub mod account;
pub mod confirm;
pub mod sign_in;

//! The responder: a TCP service that answers the organisation's own software, by the protocol of
//! `docs/protocol.md` and no other.

pub mod codec;

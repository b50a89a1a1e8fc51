//! Notices: what is put, when, and how it leaves, against a real mail server and a real receiver of webhooks.

mod mail;
mod pages;
mod planner;
mod program;
mod smtp;
mod webhook;

use keyward::{
    auth::roles::Role,
    notices::{self, Kind, Notice, To},
    people::model::{Named, Target},
};
use uuid::Uuid;

use crate::support::people::World;

/// Puts a request's notice for these people, in a transaction of the program itself.
async fn put(world: &World, about: &str, sentence: &str, people: &[&Named], contract: Option<Uuid>) {
    let mut tx = world.system().await;
    let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
    let notice = Notice {
        kind: Kind::RequestApproved,
        about: about.to_owned(),
        subject: format!("Request {about}"),
        sentence: sentence.to_owned(),
        link: format!("/requests/{about}"),
        contract_id: contract,
    };
    notices::put(&mut tx, &notice, To::People(&ids)).await.unwrap();
    tx.commit().await.unwrap();
}

/// A License ID that ends on a day, with its one Administrator.
async fn ending(world: &World, license_id: &str, ends_on: &str) -> (Uuid, Named) {
    let organization = world.organization(&format!("Holder of {license_id}"), None).await;
    let contract = world.contract(license_id, organization, None).await;
    let mut tx = world.system().await;
    sqlx::query("UPDATE contracts SET ends_on = $2::date WHERE id = $1")
        .bind(contract)
        .bind(ends_on)
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let administrator = world.person(&format!("admin.{license_id}")).await;
    let _ = world.give(&administrator, Role::Administrator, Target::Contract(contract), None).await;
    (contract, administrator)
}

/// What a query of one column finds, as the program itself.
async fn texts(world: &World, query: &'static str) -> Vec<String> {
    let mut tx = world.system().await;
    sqlx::query_scalar(query).fetch_all(&mut *tx).await.unwrap()
}

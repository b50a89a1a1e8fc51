//! A small estate with people, made through the program's own functions where they exist.

use keyward::{
    auth::roles::Role,
    clock::Clock,
    people::{
        accounts, db,
        grants::{self, GrantError, Granted, Revoked},
        model::{Grant, Named, Target},
    },
    postgres::{Db, Scope, Scoped},
};
use time::{Date, macros::datetime};
use uuid::Uuid;

use super::database::TestDb;

/// A database of its own, at noon of 22 November 2026 until the clock is turned.
pub struct World {
    /// The database.
    pub test: TestDb,
    /// As the server reaches it.
    pub db: Db,
    /// Its clock.
    pub clock: Clock,
}

impl World {
    /// An empty one.
    pub async fn new() -> Self {
        let test = TestDb::new().await;
        let clock = Clock::standing_at(datetime!(2026-11-22 12:00 UTC));
        let db = Db::connect(test.app.clone(), 4, clock.clone()).await.unwrap();
        Self { test, db, clock }
    }

    /// Removes it.
    pub async fn done(self) {
        self.db.close().await;
        self.test.done().await;
    }

    /// A transaction of the program itself.
    pub async fn system(&self) -> Scoped {
        self.db.begin(Scope::System).await.unwrap()
    }

    /// A transaction of a person.
    pub async fn as_person(&self, person: &Named) -> Scoped {
        self.db.begin(Scope::Person(person.id)).await.unwrap()
    }

    /// An account.
    pub async fn person(&self, name: &str) -> Named {
        self.account(name, false, false).await
    }

    /// An account with site roles.
    pub async fn account(&self, name: &str, site_operator: bool, auditor: bool) -> Named {
        let mut tx = self.system().await;
        let email = format!("{name}@northwind.example");
        accounts::add_person(&mut tx, &email, name, site_operator, auditor).await.unwrap();
        let person = db::find_by_email(&mut tx, &email).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        person
    }

    /// An organisation.
    pub async fn organization(&self, name: &str, parent: Option<Uuid>) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.system().await;
        sqlx::query("INSERT INTO organizations (id, name, parent_id) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(name)
            .bind(parent)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A parent agreement.
    pub async fn agreement(&self, number: &str) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.system().await;
        sqlx::query("INSERT INTO agreements (id, number) VALUES ($1, $2)")
            .bind(id)
            .bind(number)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A License ID of an organisation.
    pub async fn contract(&self, license_id: &str, organization: Uuid, agreement: Option<Uuid>) -> Uuid {
        let id = Uuid::now_v7();
        let mut tx = self.system().await;
        let now = tx.now();
        sqlx::query("INSERT INTO contracts (id, license_id, organization_id, agreement_id, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(id)
            .bind(license_id)
            .bind(organization)
            .bind(agreement)
            .bind(now)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Runs a statement with one id in it as the program itself.
    pub async fn run(&self, statement: &'static str, id: Uuid) {
        let mut tx = self.system().await;
        sqlx::query(statement).bind(id).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Gives a role as the command line does.
    pub async fn give(&self, person: &Named, role: Role, on: Target, until: Option<Date>) -> Granted {
        let mut tx = self.system().await;
        let granted = grants::grant(&mut tx, Grant { person, role, on, until, by: None }).await.unwrap();
        tx.commit().await.unwrap();
        granted
    }

    /// Takes a role away as the command line does.
    pub async fn take(&self, person: &Named, role: Role, contract: Uuid) -> Revoked {
        let mut tx = self.system().await;
        let revoked = grants::revoke(&mut tx, person, role, contract, None).await.unwrap();
        tx.commit().await.unwrap();
        revoked
    }

    /// Gives a role as a signed-in person does.
    pub async fn give_as(&self, by: &Named, person: &Named, role: Role, contract: Uuid) -> Result<Granted, GrantError> {
        let mut tx = self.as_person(by).await;
        let on = Target::Contract(contract);
        let granted = grants::grant(&mut tx, Grant { person, role, on, until: None, by: Some(by.id) }).await?;
        tx.commit().await?;
        Ok(granted)
    }

    /// The License IDs that a person sees, by row-level security alone.
    pub async fn sees(&self, person: &Named) -> Vec<String> {
        let mut tx = self.as_person(person).await;
        sqlx::query_scalar("SELECT license_id FROM contracts ORDER BY 1").fetch_all(&mut *tx).await.unwrap()
    }
}

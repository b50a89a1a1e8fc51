//! What only Select Plus tells of an order line, in the forms: Up for Renewal and Step-up (decision 45).

use uuid::Uuid;

use super::{input::Draft, model::Thing};
use crate::{contracts::model::is_select_plus, error::Result, postgres::Scoped, web::view::Field};

/// Columns of an order line that only Select Plus tells (DOMAIN §1, "Orders").
const OF_SELECT_PLUS: [&str; 2] = ["up_for_renewal", "step_up"];

/// Refuses what only Select Plus tells of an order under another programme, which `statement` finds for `id`. A programme
/// that isn't known yet may be Select Plus.
///
/// # Errors
/// When the database fails.
pub(super) async fn check(tx: &mut Scoped, statement: &'static str, id: Option<Uuid>, draft: &mut Draft) -> Result<()> {
    let said = |column: &&str| draft.row.get(*column).is_some_and(|value| !value.is_null());
    let said: Vec<&str> = OF_SELECT_PLUS.into_iter().filter(said).collect();
    if said.is_empty() {
        return Ok(());
    }
    let program: Option<String> = sqlx::query_scalar(statement).bind(id).fetch_optional(&mut **tx).await?;
    let Some(program) = program.filter(|program| !tells(program)) else { return Ok(()) };
    let sentence =
        format!("Only orders under Select Plus have this, and this License ID is under {program}. Choose “Not said”.");
    for column in said {
        draft.wrong(column, &sentence);
    }
    Ok(())
}

fn tells(program: &str) -> bool {
    program.is_empty() || is_select_plus(program)
}

/// Takes out of an order's form what its programme never tells, where nothing is said of it and nothing wrong with it.
///
/// # Errors
/// When the database fails.
pub(super) async fn fit(tx: &mut Scoped, thing: Thing, contract: Option<Uuid>, fields: &mut Vec<Field>) -> Result<()> {
    if thing != Thing::Order {
        return Ok(());
    }
    let program: String =
        sqlx::query_scalar("SELECT program FROM contracts WHERE id = $1").bind(contract).fetch_one(&mut **tx).await?;
    if !tells(&program) {
        let idle = |field: &Field| field.value.is_empty() && field.error.is_none();
        fields.retain(|field| !OF_SELECT_PLUS.contains(&field.name) || !idle(field));
    }
    Ok(())
}

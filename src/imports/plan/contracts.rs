//! License IDs with their organisations and agreements.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use time::Date;
use uuid::Uuid;

use super::{
    NOT_YOURS, Plan, Who,
    agreements::Agreements,
    organizations::Tree,
    sheet::{Diff, Head, Seen, Sheet, Verdict, unfit},
    work::ContractRecord,
};
use crate::{
    hand::is_approved,
    imports::{
        ParsedFile,
        findings::{WarningKind, quoted},
        rows::ContractRow,
    },
    postgres::Scoped,
};

pub(super) async fn plan(tx: &mut Scoped, who: Who, file: &ParsedFile, rows: &[ContractRow]) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let known = known(tx, who, rows).await?;
    let mut tree = Tree::load(tx).await?;
    let mut agreements = Agreements::load(tx).await?;
    let everywhere = who.bound_to().is_none();
    if everywhere {
        tree.take(rows);
        agreements.take(rows);
    }
    let mut seen = Seen::new();
    for (index, row) in rows.iter().enumerate() {
        let now = known.get(&row.license_id);
        let mut head = Head {
            line: row.line,
            license_id: row.license_id.clone(),
            subject: row.organization.clone(),
            last_five: [0; 5],
            contract: None,
        };
        let refused = if now.map_or(everywhere, |now| now.yours) {
            names_unfit(row).or_else(|| tree.fault(row)).or_else(|| agreements.fault(row))
        } else {
            Some(Verdict::refused("License ID", NOT_YOURS))
        };
        if let Some(verdict) = refused.or_else(|| seen.again(&row.license_id, rows, index)) {
            sheet.add(head, verdict);
            continue;
        }
        let mut diff = Diff::default();
        if everywhere {
            tree.diff(row, &mut diff);
            agreements.diff(row, &mut diff);
        }
        let record = merged(row, now, everywhere, &mut tree, &mut agreements, &mut diff, &mut sheet);
        head.contract = Some(record.id);
        if now.is_some_and(|now| now.archived) {
            sheet.warn_archived(row.line, true);
        }
        let verdict = match now {
            None => {
                sheet.work.contracts.push(record);
                Verdict::Added
            }
            Some(_) => {
                let verdict = Verdict::of(diff.0);
                if matches!(verdict, Verdict::Changed(_)) {
                    sheet.work.changed_contracts.push(record);
                }
                verdict
            }
        };
        sheet.add(head, verdict);
    }
    tree.finish(&mut sheet);
    agreements.finish(&mut sheet);
    Ok(sheet.finish(file))
}

fn names_unfit(row: &ContractRow) -> Option<Verdict> {
    let text = |cell: &Option<Arc<str>>| cell.clone().unwrap_or_default();
    unfit(&[
        ("Organization", &row.organization),
        ("Parent organization", &text(&row.parent_organization)),
        ("Parent agreement", &text(&row.parent_agreement)),
        ("MBSA", &text(&row.mbsa)),
    ])
}

/// A License ID as it stands.
struct Now {
    record: ContractRecord,
    organization: Arc<str>,
    agreement: Arc<str>,
    yours: bool,
    archived: bool,
}

#[derive(sqlx::FromRow)]
struct NowRow {
    id: Uuid,
    license_id: String,
    organization_id: Uuid,
    organization: String,
    agreement_id: Option<Uuid>,
    agreement: String,
    program: String,
    agreement_type: String,
    location: String,
    authorization_number: String,
    purchase_account_number: String,
    starts_on: Option<Date>,
    ends_on: Option<Date>,
    status: String,
    archived: bool,
    yours: bool,
}

async fn known(tx: &mut Scoped, who: Who, rows: &[ContractRow]) -> sqlx::Result<HashMap<Arc<str>, Now>> {
    let license_ids: HashSet<&str> = rows.iter().map(|row| &*row.license_id).collect();
    let found: Vec<NowRow> = sqlx::query_as(
        "SELECT c.id, c.license_id, c.organization_id, o.name AS organization, c.agreement_id, coalesce(a.number, '') AS agreement,
                c.program, c.agreement_type, c.location, c.authorization_number, c.purchase_account_number, c.starts_on, c.ends_on, c.status, c.archived_at IS NOT NULL AS archived,
                $2::uuid IS NULL OR c.approved AND EXISTS (
                 SELECT 1 FROM grants g JOIN people p ON p.id = g.person_id
                 WHERE g.contract_id = c.id AND g.person_id = $2 AND g.role = 'administrator' AND g.revoked_at IS NULL
                   AND (g.ends_at IS NULL OR g.ends_at > app_now()) AND p.disabled_at IS NULL) AS yours
         FROM contracts c JOIN organizations o ON o.id = c.organization_id LEFT JOIN agreements a ON a.id = c.agreement_id
         WHERE c.license_id = ANY($1)",
    )
    .bind(license_ids.into_iter().collect::<Vec<_>>())
    .bind(who.bound_to())
    .fetch_all(&mut **tx)
    .await?;
    Ok(found.into_iter().map(now).collect())
}

fn now(row: NowRow) -> (Arc<str>, Now) {
    let license_id: Arc<str> = row.license_id.into();
    let record = ContractRecord {
        id: row.id,
        license_id: license_id.clone(),
        organization: row.organization_id,
        agreement: row.agreement_id,
        program: row.program.into(),
        agreement_type: row.agreement_type.into(),
        location: row.location.into(),
        authorization_number: row.authorization_number.into(),
        purchase_account_number: row.purchase_account_number.into(),
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        status: row.status.into(),
    };
    (
        license_id,
        Now {
            record,
            organization: row.organization.into(),
            agreement: row.agreement.into(),
            yours: row.yours,
            archived: row.archived,
        },
    )
}

/// What shall stand: what is known, with what the row says over it.
fn merged(
    row: &ContractRow,
    now: Option<&Now>,
    everywhere: bool,
    tree: &mut Tree,
    agreements: &mut Agreements,
    diff: &mut Diff,
    sheet: &mut Sheet,
) -> ContractRecord {
    let nothing: Arc<str> = Arc::default();
    let mut record = now.map_or_else(|| blank(row), |now| now.record.clone());
    let (organization, agreement) = now.map_or((&nothing, &nothing), |now| (&now.organization, &now.agreement));
    if everywhere {
        let name = diff.text("Organization", organization, Some(&row.organization));
        record.organization = tree.id(&name);
        if let Some(number) = &row.parent_agreement {
            diff.text("Parent agreement", agreement, Some(number));
            record.agreement = Some(agreements.id(number));
        }
    } else {
        warn_of_structure(row, (organization, agreement), tree, agreements, sheet);
    }
    record.location = diff.text("Location", &record.location, row.location.as_ref());
    record.program = diff.text("Parent Program", &record.program, row.parent_program.as_ref());
    record.agreement_type = diff.text("Agreement type", &record.agreement_type, row.agreement_type.as_ref());
    record.authorization_number =
        diff.text("Authorization number", &record.authorization_number, row.authorization_number.as_ref());
    record.purchase_account_number =
        diff.text("Purchase account number", &record.purchase_account_number, row.purchase_account_number.as_ref());
    record.starts_on = diff.value("Start date", record.starts_on, row.start_date);
    record.ends_on = diff.value("End date", record.ends_on, row.end_date);
    let status = row.status.as_ref().filter(|said| everywhere || may_say(said, &record.status, row.line, sheet));
    record.status = diff.text("Status", &record.status, status);
    record
}

fn blank(row: &ContractRow) -> ContractRecord {
    ContractRecord {
        id: Uuid::now_v7(),
        license_id: row.license_id.clone(),
        organization: Uuid::nil(),
        agreement: None,
        program: Arc::default(),
        agreement_type: Arc::default(),
        location: Arc::default(),
        authorization_number: Arc::default(),
        purchase_account_number: Arc::default(),
        starts_on: None,
        ends_on: None,
        status: "Active".into(),
    }
}

/// Only a site operator says that the organisation isn't approved, which hides the License ID from others, or lifts it.
fn may_say(said: &Arc<str>, known: &Arc<str>, line: u64, sheet: &mut Sheet) -> bool {
    let may = is_approved(said) && is_approved(known);
    if !may && said != known {
        let sentence =
            format!("{} isn't taken over, {} stays: only a site operator can change this", quoted(said), quoted(known));
        sheet.warn(WarningKind::Structure, line, "Status", sentence);
    }
    may
}

/// Roles are granted on organisations with all below them, and on agreements: who moves a License ID
/// or an organisation decides who sees it, others' License IDs among them. That is for site operators.
fn warn_of_structure(
    row: &ContractRow,
    (organization, agreement): (&Arc<str>, &Arc<str>),
    tree: &Tree,
    agreements: &Agreements,
    sheet: &mut Sheet,
) {
    // Compared with his own License ID's organisation alone: of any other nothing may be told.
    let parent = tree.parent_in_database(organization).cloned().unwrap_or_default();
    let mbsa = agreements.mbsa_in_database(agreement).cloned().unwrap_or_default();
    let cells = [
        ("Organization", Some(&row.organization), organization),
        ("Parent organization", row.parent_organization.as_ref(), &parent),
        ("Parent agreement", row.parent_agreement.as_ref(), agreement),
        ("MBSA", row.mbsa.as_ref(), &mbsa),
    ];
    for (column, said, known) in cells {
        if let Some(said) = said.filter(|said| *said != known) {
            let stays = if known.is_empty() { "it stays empty".to_owned() } else { format!("{} stays", quoted(known)) };
            let sentence = format!("{} isn't taken over, {stays}: only a site operator can change this", quoted(said));
            sheet.warn(WarningKind::Structure, row.line, column, sentence);
        }
    }
}

//! Order lines. Nothing identifies one line of an order but its place among equal part numbers, so
//! lines are matched by what they say first, and only then by their order.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use time::Date;
use uuid::Uuid;

use super::{
    Plan, Who,
    estate::{Estate, Naming, Products},
    sheet::{Diff, Head, Sheet, Verdict, unfit},
    work::OrderRecord,
};
use crate::{
    contracts::model::is_select_plus,
    imports::{
        ParsedFile,
        findings::{WarningKind, quoted},
        rows::OrderRow,
    },
    postgres::Scoped,
};

/// License ID, the two order numbers and the part number.
type Identity = (Uuid, Arc<str>, Arc<str>, Arc<str>);

pub(super) async fn plan(tx: &mut Scoped, who: Who, file: &ParsedFile, rows: &[OrderRow]) -> sqlx::Result<Plan> {
    let mut sheet = Sheet::new(file);
    let mut estate = Estate::made(tx, who, rows.iter().map(naming), &mut sheet).await?;
    // What was ordered is an offering of the License ID even before it has a key.
    let products = Products::named(tx, rows.iter().filter_map(|row| row.description.as_ref()), &mut sheet).await?;
    let mut groups = known(tx, &estate, rows).await?;
    let places: Vec<Result<Uuid, Verdict>> = rows.iter().map(|row| place(&estate, row)).collect();
    let fitting = fitting(&estate, rows);
    let matches = match_lines(&fitting, &places, &mut groups);
    for (((row, place), known), said) in fitting.iter().zip(places).zip(matches).zip(rows) {
        warn_of_program(&estate, row, said, &mut sheet);
        let subject = row.description.clone().unwrap_or_else(|| row.part_number.clone());
        let head = Head {
            line: row.line,
            license_id: row.license_id.clone(),
            subject,
            last_five: [0; 5],
            contract: place.as_ref().ok().copied(),
        };
        let verdict = match place {
            Err(verdict) => verdict,
            Ok(contract) => {
                let product = row.description.as_ref().and_then(|name| products.id(name));
                let (verdict, away) = decide(row, contract, product, known, &mut groups, &mut sheet);
                estate.warn_if_archived(row.line, &row.license_id, away, &mut sheet);
                estate.tell_news(row.line, &naming(row), verdict, &mut sheet)
            }
        };
        sheet.add(head, verdict);
    }
    Ok(sheet.finish(file))
}

const RENEWAL: &str = "Up for Renewal";
const STEP_UP: &str = "Step-up";

/// The rows without what only Select Plus tells where the License ID is under another programme. One whose programme
/// isn't known yet may say it.
fn fitting<'r>(estate: &Estate, rows: &'r [OrderRow]) -> Cow<'r, [OrderRow]> {
    let fits = |row: &OrderRow| {
        let program = estate.program(&row.license_id);
        row.up_for_renewal.is_none() && row.step_up.is_none() || program.is_empty() || is_select_plus(program)
    };
    if rows.iter().all(fits) {
        return Cow::Borrowed(rows);
    }
    let without = |row: &OrderRow| OrderRow { up_for_renewal: None, step_up: None, ..row.clone() };
    rows.iter().map(|row| if fits(row) { row.clone() } else { without(row) }).collect()
}

/// Says of the row that is added next what was left out of it. A no is true of every other programme's orders.
fn warn_of_program(estate: &Estate, row: &OrderRow, said: &OrderRow, sheet: &mut Sheet) {
    let cells = [(RENEWAL, said.up_for_renewal, row.up_for_renewal), (STEP_UP, said.step_up, row.step_up)];
    for (column, _, _) in cells.into_iter().filter(|(_, said, kept)| *said == Some(true) && kept.is_none()) {
        let program = quoted(estate.program(&row.license_id));
        let sentence = format!("is left out: only orders under Select Plus have it, this one is under {program}");
        sheet.warn(WarningKind::OtherProgram, row.line, column, sentence);
    }
}

fn naming(row: &OrderRow) -> Naming<'_> {
    Naming { license_id: &row.license_id, organization: None, program: None }
}

fn place(estate: &Estate, row: &OrderRow) -> Result<Uuid, Verdict> {
    let contract = estate.place(&row.license_id)?.id;
    let names = [
        ("Reseller order no.", &*row.reseller_order),
        ("Customer order no.", row.customer_order.as_deref().unwrap_or_default()),
        ("Part number", &*row.part_number),
        ("Description", row.description.as_deref().unwrap_or_default()),
    ];
    unfit(&names).map_or(Ok(contract), Err)
}

fn identity(contract: Uuid, row: &OrderRow) -> Identity {
    let customer = row.customer_order.clone().unwrap_or_default();
    (contract, row.reseller_order.clone(), customer, row.part_number.clone())
}

/// What a line says beside its identity.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Content {
    ordered_on: Option<Date>,
    usage_starts_on: Option<Date>,
    reseller: Arc<str>,
    description: Arc<str>,
    quantity: i64,
    country: Arc<str>,
    up_for_renewal: Option<bool>,
    step_up: Option<bool>,
}

impl Content {
    fn of(row: &OrderRow) -> Self {
        let text = |cell: &Option<Arc<str>>| cell.clone().unwrap_or_default();
        Self {
            ordered_on: Some(row.ordered_on),
            usage_starts_on: row.usage_start,
            reseller: text(&row.reseller),
            description: text(&row.description),
            quantity: i64::from(row.quantity),
            country: text(&row.country),
            up_for_renewal: row.up_for_renewal,
            step_up: row.step_up,
        }
    }

    /// Whether a row says nothing else than this; an empty cell says nothing.
    fn allows(&self, row: &OrderRow) -> bool {
        let text = |cell: &Option<Arc<str>>, known: &Arc<str>| cell.as_ref().is_none_or(|cell| cell == known);
        self.ordered_on == Some(row.ordered_on)
            && row.usage_start.is_none_or(|day| self.usage_starts_on == Some(day))
            && self.quantity == i64::from(row.quantity)
            && text(&row.reseller, &self.reseller)
            && text(&row.description, &self.description)
            && text(&row.country, &self.country)
            && row.up_for_renewal.is_none_or(|said| self.up_for_renewal == Some(said))
            && row.step_up.is_none_or(|said| self.step_up == Some(said))
    }
}

/// A known line.
#[derive(Clone)]
struct Line {
    id: Uuid,
    product: Option<Uuid>,
    occurrence: i32,
    content: Content,
    /// Whether it was put away.
    archived: bool,
}

/// The known lines of one identity, those that no row has taken yet first.
#[derive(Default)]
struct Group {
    free: Vec<Line>,
    last: i32,
}

#[derive(sqlx::FromRow)]
struct Found {
    id: Uuid,
    contract_id: Uuid,
    product_id: Option<Uuid>,
    reseller_order_no: String,
    customer_order_no: String,
    ordered_on: Option<Date>,
    usage_starts_on: Option<Date>,
    reseller: String,
    part_number: String,
    description: String,
    quantity: i64,
    country: String,
    up_for_renewal: Option<bool>,
    step_up: Option<bool>,
    occurrence: i32,
    archived: bool,
}

/// The known lines of every order that the rows are about.
async fn known(tx: &mut Scoped, estate: &Estate, rows: &[OrderRow]) -> sqlx::Result<HashMap<Identity, Group>> {
    let pairs: HashSet<(Uuid, &str)> =
        rows.iter().filter_map(|row| Some((estate.id(&row.license_id)?, &*row.reseller_order))).collect();
    let (contracts, numbers): (Vec<Uuid>, Vec<&str>) = pairs.into_iter().unzip();
    let found: Vec<Found> = sqlx::query_as(
        "SELECT o.id, o.contract_id, o.product_id, o.reseller_order_no, o.customer_order_no, o.ordered_on, o.usage_starts_on,
                o.reseller, o.part_number, o.description, o.quantity, o.country, o.up_for_renewal, o.step_up, o.occurrence,
                o.archived_at IS NOT NULL AS archived
         FROM unnest($1::uuid[], $2::text[]) AS w (contract_id, number)
         JOIN orders o ON o.contract_id = w.contract_id AND o.reseller_order_no = w.number
         ORDER BY o.contract_id, o.reseller_order_no, o.occurrence",
    )
    .bind(contracts)
    .bind(numbers)
    .fetch_all(&mut **tx)
    .await?;
    let mut groups: HashMap<Identity, Group> = HashMap::new();
    for row in found {
        let identity =
            (row.contract_id, row.reseller_order_no.into(), row.customer_order_no.into(), row.part_number.into());
        let content = Content {
            ordered_on: row.ordered_on,
            usage_starts_on: row.usage_starts_on,
            reseller: row.reseller.into(),
            description: row.description.into(),
            quantity: row.quantity,
            country: row.country.into(),
            up_for_renewal: row.up_for_renewal,
            step_up: row.step_up,
        };
        let group = groups.entry(identity).or_default();
        group.last = group.last.max(row.occurrence);
        group.free.push(Line {
            id: row.id,
            product: row.product_id,
            occurrence: row.occurrence,
            content,
            archived: row.archived,
        });
    }
    Ok(groups)
}

/// For each row the known line that says the same: first one that says exactly that, then one that
/// says it where the row leaves cells empty. What is left is paired in its order, in [`decide`].
fn match_lines(
    rows: &[OrderRow],
    places: &[Result<Uuid, Verdict>],
    groups: &mut HashMap<Identity, Group>,
) -> Vec<Option<Line>> {
    let mut matches: Vec<Option<Line>> = vec![None; rows.len()];
    let mut by_identity: HashMap<Identity, Vec<usize>> = HashMap::new();
    for (index, (row, place)) in rows.iter().zip(places).enumerate() {
        if let Ok(contract) = place {
            by_identity.entry(identity(*contract, row)).or_default().push(index);
        }
    }
    for (identity, indexes) in by_identity {
        let Some(group) = groups.get_mut(&identity) else { continue };
        let mut exact: HashMap<Content, Vec<usize>> = HashMap::new();
        for (at, line) in group.free.iter().enumerate().rev() {
            exact.entry(line.content.clone()).or_default().push(at);
        }
        let mut free: Vec<Option<Line>> = group.free.drain(..).map(Some).collect();
        for &index in &indexes {
            let at = exact.get_mut(&Content::of(&rows[index])).and_then(Vec::pop);
            matches[index] = at.and_then(|at| free[at].take());
        }
        let told =
            free.iter().flatten().any(|line| line.content.up_for_renewal.is_some() || line.content.step_up.is_some());
        for &index in indexes.iter().filter(|index| has_empty_cells(&rows[**index], told)) {
            if matches[index].is_none() {
                let fits =
                    |line: &&mut Option<Line>| line.as_ref().is_some_and(|line| line.content.allows(&rows[index]));
                matches[index] = free.iter_mut().find(fits).and_then(Option::take);
            }
        }
        // Taken from the end, so the first comes last.
        group.free = free.into_iter().flatten().rev().collect();
    }
    matches
}

/// Whether a row is silent about anything that known lines say; `told`: also about what only Select Plus tells.
fn has_empty_cells(row: &OrderRow, told: bool) -> bool {
    told && (row.up_for_renewal.is_none() || row.step_up.is_none())
        || row.usage_start.is_none()
        || row.reseller.is_none()
        || row.description.is_none()
        || row.country.is_none()
}

fn decide(
    row: &OrderRow,
    contract: Uuid,
    product: Option<Uuid>,
    known: Option<Line>,
    groups: &mut HashMap<Identity, Group>,
    sheet: &mut Sheet,
) -> (Verdict, bool) {
    let identity = identity(contract, row);
    let group = groups.entry(identity).or_default();
    let Some(line) = known.or_else(|| group.free.pop()) else {
        group.last += 1;
        let (id, occurrence, content) = (Uuid::now_v7(), group.last, Content::of(row));
        sheet.work.orders.push(record(row, contract, Line { id, product, occurrence, content, archived: false }));
        return (Verdict::Added, false);
    };
    let away = line.archived;
    let mut diff = Diff::default();
    let known = &line.content;
    let content = Content {
        ordered_on: diff.value("Ordered on", known.ordered_on, Some(row.ordered_on)),
        usage_starts_on: diff.value("Usage start date", known.usage_starts_on, row.usage_start),
        reseller: diff.text("Reseller", &known.reseller, row.reseller.as_ref()),
        description: diff.text("Description", &known.description, row.description.as_ref()),
        quantity: diff.value("Quantity", Some(known.quantity), Some(i64::from(row.quantity))).unwrap_or_default(),
        country: diff.text("Country", &known.country, row.country.as_ref()),
        up_for_renewal: diff.said(RENEWAL, known.up_for_renewal, row.up_for_renewal),
        step_up: diff.said(STEP_UP, known.step_up, row.step_up),
    };
    if !diff.0.is_empty() {
        let product = product.or(line.product);
        sheet.work.changed_orders.push(record(row, contract, Line { product, content, ..line }));
    }
    (Verdict::of(diff.0), away)
}

fn record(row: &OrderRow, contract: Uuid, line: Line) -> OrderRecord {
    OrderRecord {
        id: line.id,
        contract,
        product: line.product,
        reseller_order: row.reseller_order.clone(),
        customer_order: row.customer_order.clone().unwrap_or_default(),
        ordered_on: line.content.ordered_on,
        usage_starts_on: line.content.usage_starts_on,
        reseller: line.content.reseller,
        part_number: row.part_number.clone(),
        description: line.content.description,
        quantity: line.content.quantity,
        country: line.content.country,
        up_for_renewal: line.content.up_for_renewal,
        step_up: line.content.step_up,
        occurrence: line.occurrence,
    }
}

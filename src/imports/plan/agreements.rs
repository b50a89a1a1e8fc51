//! The agreements that a file of License IDs names, and the MBSA that stands above each (DOMAIN §1, "Hierarchy").

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::sheet::{Diff, Sheet, Verdict};
use crate::{
    imports::{findings::quoted, rows::ContractRow},
    postgres::Scoped,
};

const COLUMN: &str = "MBSA";

/// The agreements and the MBSA above each: in the database, and after this file.
pub(super) struct Agreements {
    nodes: HashMap<Arc<str>, Node>,
    /// Numbers in the order in which the file brings them.
    fresh: Vec<Arc<str>>,
    /// MBSAs after this file, each with an agreement that stands under it.
    above: HashMap<Arc<str>, Arc<str>>,
}

struct Node {
    id: Uuid,
    before: Option<Arc<str>>,
    /// After this file, with the line that says so.
    after: Option<(Arc<str>, u64)>,
}

impl Agreements {
    pub(super) async fn load(tx: &mut Scoped) -> sqlx::Result<Self> {
        let rows: Vec<(String, Uuid, Option<String>)> = sqlx::query_as(
            "SELECT a.number, a.id, m.number FROM agreements a LEFT JOIN agreements m ON m.id = a.mbsa_id",
        )
        .fetch_all(&mut **tx)
        .await?;
        let node = |(number, id, mbsa): (String, Uuid, Option<String>)| {
            (number.into(), Node { id, before: mbsa.map(Into::into), after: None })
        };
        let nodes = rows.into_iter().map(node).collect();
        Ok(Self { nodes, fresh: Vec::new(), above: HashMap::new() })
    }

    /// Takes in what all rows say before any is judged.
    pub(super) fn take(&mut self, rows: &[ContractRow]) {
        for row in rows {
            let (Some(agreement), Some(mbsa)) = (&row.parent_agreement, &row.mbsa) else { continue };
            self.id(agreement);
            self.id(mbsa);
            if let Some(node) = self.nodes.get_mut(agreement) {
                node.after.get_or_insert_with(|| (mbsa.clone(), row.line));
            }
        }
        let pairs = self.nodes.iter().filter_map(|(number, node)| Some((node.mbsa()?.clone(), number.clone())));
        self.above = pairs.collect();
    }

    pub(super) fn id(&mut self, number: &Arc<str>) -> Uuid {
        let node = self.nodes.entry(number.clone()).or_insert_with(|| {
            self.fresh.push(number.clone());
            Node { id: Uuid::now_v7(), before: None, after: None }
        });
        node.id
    }

    /// Why what the row says of its agreement's MBSA can't stand.
    pub(super) fn fault(&self, row: &ContractRow) -> Option<Verdict> {
        let mbsa = row.mbsa.as_ref()?;
        let refused = |sentence: String| Some(Verdict::refused(COLUMN, sentence));
        let Some(agreement) = &row.parent_agreement else {
            return refused(format!(
                "{} stands above a parent agreement, and this row names none: fill in Parent agreement",
                quoted(mbsa)
            ));
        };
        if agreement == mbsa {
            return refused(format!("{} would stand above itself: name the agreement above it", quoted(mbsa)));
        }
        let (first, line) = self.nodes.get(agreement)?.after.as_ref()?;
        if first != mbsa {
            return refused(format!(
                "{} stands under {} here and under {} in line {line}: an agreement has one MBSA",
                quoted(agreement),
                quoted(mbsa),
                quoted(first)
            ));
        }
        if let Some(over) = self.nodes.get(mbsa).and_then(Node::mbsa) {
            let (mbsa, over) = (quoted(mbsa), quoted(over));
            return refused(format!("{mbsa} stands under {over} itself, and nothing stands under such an agreement"));
        }
        let below = self.above.get(agreement)?;
        let (agreement, below) = (quoted(agreement), quoted(below));
        refused(format!("{agreement} has {below} under it, so it is an MBSA itself and stands under none"))
    }

    /// What the row changes of its agreement's place.
    pub(super) fn diff(&self, row: &ContractRow, diff: &mut Diff) {
        let node = row.parent_agreement.as_ref().and_then(|number| self.nodes.get(number));
        if let Some((node, (mbsa, _))) = node.and_then(|node| Some((node, node.after.as_ref()?))) {
            diff.text(COLUMN, node.before.as_ref().unwrap_or(&Arc::default()), Some(mbsa));
        }
    }

    /// The MBSA above an agreement that is in the database.
    pub(super) fn mbsa_in_database(&self, number: &Arc<str>) -> Option<&Arc<str>> {
        self.nodes.get(number)?.before.as_ref()
    }

    pub(super) fn finish(self, sheet: &mut Sheet) {
        let id = |number: &Arc<str>| self.nodes.get(number).map(|node| node.id);
        let fresh = self.fresh.iter().filter_map(|number| Some((id(number)?, number.clone())));
        sheet.work.agreements.extend(fresh);
        for node in self.nodes.values() {
            if let Some((mbsa, _)) = node.after.as_ref().filter(|(mbsa, _)| node.before.as_ref() != Some(mbsa)) {
                sheet.work.mbsas.extend(id(mbsa).map(|mbsa| (node.id, mbsa)));
            }
        }
    }
}

impl Node {
    /// Its MBSA after this file.
    fn mbsa(&self) -> Option<&Arc<str>> {
        self.after.as_ref().map(|(mbsa, _)| mbsa).or(self.before.as_ref())
    }
}

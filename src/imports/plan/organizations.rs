//! The organisations that a file of License IDs names, and what stands above each.

use std::{collections::HashMap, sync::Arc};

use uuid::Uuid;

use super::{
    sheet::{Diff, Sheet, Verdict},
    work::Organization,
};
use crate::{
    imports::{findings::quoted, rows::ContractRow},
    postgres::Scoped,
};

/// The organisations and what stands above each: in the database, and after this file.
pub(super) struct Tree {
    nodes: HashMap<Arc<str>, Node>,
    /// Names in the order in which the file brings them.
    fresh: Vec<Arc<str>>,
}

struct Node {
    id: Uuid,
    known: bool,
    before: Option<Arc<str>>,
    /// After this file, with the line that says so.
    after: Option<(Arc<str>, u64)>,
    /// On a way that leads back to itself.
    circular: bool,
}

impl Tree {
    pub(super) async fn load(tx: &mut Scoped) -> sqlx::Result<Self> {
        let rows: Vec<(String, Uuid, Option<String>)> = sqlx::query_as(
            "SELECT o.name, o.id, p.name FROM organizations o LEFT JOIN organizations p ON p.id = o.parent_id",
        )
        .fetch_all(&mut **tx)
        .await?;
        let node = |(name, id, parent): (String, Uuid, Option<String>)| {
            let node = Node { id, known: true, before: parent.map(Into::into), after: None, circular: false };
            (name.into(), node)
        };
        Ok(Self { nodes: rows.into_iter().map(node).collect(), fresh: Vec::new() })
    }

    /// Takes in what all rows say before any is judged: two organisations may change places.
    pub(super) fn take(&mut self, rows: &[ContractRow]) {
        for row in rows {
            self.id(&row.organization);
            let Some(parent) = &row.parent_organization else { continue };
            self.id(parent);
            if let Some(node) = self.nodes.get_mut(&row.organization) {
                node.after.get_or_insert_with(|| (parent.clone(), row.line));
            }
        }
        self.find_circles();
    }

    pub(super) fn id(&mut self, name: &Arc<str>) -> Uuid {
        let node = self.nodes.entry(name.clone()).or_insert_with(|| {
            self.fresh.push(name.clone());
            Node { id: Uuid::now_v7(), known: false, before: None, after: None, circular: false }
        });
        node.id
    }

    fn above(&self, name: &Arc<str>) -> Option<&Arc<str>> {
        let node = self.nodes.get(name)?;
        node.after.as_ref().map(|(parent, _)| parent).or(node.before.as_ref())
    }

    /// Walks up from each organisation once; one met again on the same walk is on a circle.
    fn find_circles(&mut self) {
        let mut walked: HashMap<Arc<str>, usize> = HashMap::new();
        let mut circles = Vec::new();
        for (walk, start) in self.nodes.keys().enumerate() {
            let mut at = Some(start);
            while let Some(name) = at {
                match walked.get(name) {
                    Some(earlier) if *earlier == walk => {
                        circles.push(name.clone());
                        break;
                    }
                    Some(_) => break,
                    None => walked.insert(name.clone(), walk),
                };
                at = self.above(name);
            }
        }
        for start in circles {
            let mut name = start.clone();
            loop {
                let next = self.above(&name).cloned();
                if let Some(node) = self.nodes.get_mut(&name) {
                    node.circular = true;
                }
                match next {
                    Some(next) if next != start => name = next,
                    _ => break,
                }
            }
        }
    }

    /// Why what the row says of its organisation can't stand.
    pub(super) fn fault(&self, row: &ContractRow) -> Option<Verdict> {
        let parent = row.parent_organization.as_ref()?;
        let node = self.nodes.get(&row.organization)?;
        let (first, line) = node.after.as_ref()?;
        let column = "Parent organization";
        if first != parent {
            let sentence = format!(
                "{} stands under {} here and under {} in line {line}: an organisation has one above it",
                quoted(&row.organization),
                quoted(parent),
                quoted(first)
            );
            return Some(Verdict::refused(column, sentence));
        }
        node.circular.then(|| {
            let sentence =
                format!("{} would stand above itself: correct the organisations above it", quoted(&row.organization));
            Verdict::refused(column, sentence)
        })
    }

    /// What the row changes of its organisation's place.
    pub(super) fn diff(&self, row: &ContractRow, diff: &mut Diff) {
        let Some(node) = self.nodes.get(&row.organization) else { return };
        if let Some((parent, _)) = &node.after {
            let nothing = Arc::default();
            diff.text("Parent organization", node.before.as_ref().unwrap_or(&nothing), Some(parent));
        }
    }

    pub(super) fn parent_in_database(&self, name: &Arc<str>) -> Option<&Arc<str>> {
        self.nodes.get(name)?.before.as_ref()
    }

    pub(super) fn finish(self, sheet: &mut Sheet) {
        let id = |name: &Arc<str>| self.nodes.get(name).map(|node| node.id);
        for name in &self.fresh {
            let Some(node) = self.nodes.get(name) else { continue };
            let parent = node.after.as_ref().and_then(|(parent, _)| id(parent));
            sheet.work.organizations.push(Organization { id: node.id, name: name.clone(), parent });
        }
        for node in self.nodes.values().filter(|node| node.known) {
            if let Some((parent, _)) = node.after.as_ref().filter(|(parent, _)| node.before.as_ref() != Some(parent)) {
                sheet.work.parents.extend(id(parent).map(|parent| (node.id, parent)));
            }
        }
    }
}

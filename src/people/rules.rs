//! Rules: roles on many License IDs, those to come included, as far as the reader's own rules reach. Whoever holds an
//! Administrator's rule passes on and ends what lies within it; the policies for `grant_rules` say the same.

use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use uuid::Uuid;

use super::model::{Named, Target, source_words};
use crate::postgres::Scoped;

/// A rule in force within those that the reader holds.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Rule {
    /// The row.
    pub id: Uuid,
    /// Whose.
    pub person_id: Uuid,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// Whether their account is closed.
    pub disabled: bool,
    /// The role's code.
    pub role: String,
    /// `all`, `organization`, `agreement` or `mbsa`.
    pub covers: String,
    /// The organisation.
    pub organization_id: Option<Uuid>,
    /// The parent agreement.
    pub agreement_id: Option<Uuid>,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// Whether it ends no later than the reader's own, so that he may end it.
    pub endable: bool,
    /// On how many License IDs it gives the role now.
    pub license_ids: i64,
}

impl Rule {
    /// What it covers.
    #[must_use]
    pub fn on(&self) -> Target {
        Target::of(self.organization_id, self.agreement_id)
    }

    /// Who holds it, as far as giving and taking needs.
    #[must_use]
    pub fn holder(&self) -> Named {
        Named {
            id: self.person_id,
            email: self.email.clone(),
            name: self.name.clone(),
            disabled: self.disabled,
            added_by: None,
        }
    }

    /// What [`over`] calls what it covers.
    #[must_use]
    pub fn over(&self) -> String {
        match self.organization_id {
            Some(id) => format!("organization:{id}"),
            None if self.agreement_id.is_some() => ["agreement:", &self.source].concat(),
            None => "all".to_owned(),
        }
    }

    /// `the organisation Northwind, License IDs to come included`.
    #[must_use]
    pub fn place(&self) -> String {
        to_come(&self.covers, &self.source)
    }
}

/// What a rule is over, as the log has it: `the organisation North`, `all License IDs`. Who ends a rule may see no License
/// ID of it, and so no name: it comes with the rule.
#[must_use]
pub fn over_words(covers: &str, name: &str) -> String {
    if covers == "all" { "all License IDs".to_owned() } else { source_words(covers, name) }
}

/// What a rule covers, in words.
#[must_use]
pub fn to_come(covers: &str, name: &str) -> String {
    let more = if covers == "all" { ", those to come included" } else { ", License IDs to come included" };
    [&over_words(covers, name), more].concat()
}

const RULE: &str = "SELECT r.id, r.person_id, p.email, p.name, p.disabled_at IS NOT NULL AS disabled, r.role, grant_rule_kind(r) AS covers, r.organization_id,
    r.agreement_id, s.name AS source, r.ends_at, app_rule_within(r.covers, r.organization_id, r.agreement_id, r.ends_at) AS endable,
    (SELECT count(*) FROM grants g WHERE g.rule_id = r.id AND g.revoked_at IS NULL) AS license_ids
    FROM app_reached_rules() s JOIN grant_rules r ON r.id = s.rule_id JOIN people p ON p.id = r.person_id
    WHERE r.revoked_at IS NULL AND (r.ends_at IS NULL OR r.ends_at > app_now())";

/// A rule within the reader's own.
///
/// # Errors
/// When the database fails.
pub async fn find(tx: &mut Scoped, id: Uuid) -> sqlx::Result<Option<Rule>> {
    sqlx::query_as(AssertSqlSafe(format!("{RULE} AND r.id = $1"))).bind(id).fetch_optional(&mut **tx).await
}

/// Those of one person, the widest first.
///
/// # Errors
/// When the database fails.
pub async fn of_person(tx: &mut Scoped, person: Uuid) -> sqlx::Result<Vec<Rule>> {
    sqlx::query_as(AssertSqlSafe(format!("{RULE} AND r.person_id = $1 ORDER BY r.covers, s.name, r.role, r.id")))
        .bind(person)
        .fetch_all(&mut **tx)
        .await
}

/// What the reader's own rules take in: everything, or these organisations and agreements.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// All License IDs.
    pub all: bool,
    /// Organisations, those below included.
    pub organizations: Vec<Uuid>,
    /// Parent agreements, by number.
    pub agreements: Vec<String>,
}

impl Reach {
    /// Whether there is nothing: the reader holds no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all && self.organizations.is_empty() && self.agreements.is_empty()
    }
}

/// What the reader may pass on.
///
/// # Errors
/// When the database fails.
pub async fn reach(tx: &mut Scoped) -> sqlx::Result<Reach> {
    let (all, organizations, agreements) = sqlx::query_as(
        "SELECT coalesce(bool_or(h.covers = 'all'), false),
                ARRAY(SELECT DISTINCT b.id FROM app_rules_held() o CROSS JOIN LATERAL organization_and_below(o.organization_id) AS b (id)
                      WHERE o.covers = 'organization'),
                ARRAY(SELECT DISTINCT a.number FROM app_rules_held() o JOIN agreements a ON o.agreement_id IN (a.id, a.mbsa_id))
         FROM app_rules_held() h",
    )
    .fetch_one(&mut **tx)
    .await?;
    Ok(Reach { all, organizations, agreements })
}

/// What a rule shall be given over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Over {
    /// What.
    pub on: Target,
    /// In words: `all License IDs, those to come included`.
    pub words: String,
    /// How many License IDs that is now.
    pub license_ids: i64,
    /// When the latest of the reader's own rules over it ends; none where one has no end.
    pub limit: Option<OffsetDateTime>,
    /// Whether the reader administers all of it: a rule may be taken away on one License ID alone.
    pub whole: bool,
}

#[derive(sqlx::FromRow)]
struct OverRow {
    covers: String,
    organization_id: Option<Uuid>,
    agreement_id: Option<Uuid>,
    name: String,
    license_ids: i64,
    mbsa: bool,
    ends_at: Option<OffsetDateTime>,
    whole: bool,
}

/// What `all`, `organization:ID` or `agreement:NUMBER` names, where the reader's own rules take it in.
///
/// # Errors
/// When the database fails.
pub async fn over(tx: &mut Scoped, text: &str) -> sqlx::Result<Option<Over>> {
    let (covers, name) = text.split_once(':').unwrap_or((text, ""));
    let row: Option<OverRow> = sqlx::query_as(
        "WITH named AS (
            SELECT 'all' AS covers, NULL::uuid AS organization_id, NULL::uuid AS agreement_id, '' AS name WHERE $1 = 'all'
            UNION ALL SELECT 'organization', o.id, NULL, o.name FROM organizations o WHERE $1 = 'organization' AND o.id::text = $2
            UNION ALL SELECT 'agreement', NULL, a.id, a.number FROM agreements a WHERE $1 = 'agreement' AND a.number = $2)
         SELECT n.*, n.covers = 'agreement' AND EXISTS (SELECT FROM agreements a WHERE a.mbsa_id = n.agreement_id) AS mbsa,
                nullif(app_rule_limit(n.covers, n.organization_id, n.agreement_id), 'infinity') AS ends_at,
                app_rule_whole(n.covers, n.organization_id, n.agreement_id) AS whole,
                (SELECT count(*) FROM contracts c WHERE c.id IN (SELECT app_administered()) AND CASE n.covers WHEN 'all' THEN true
                    WHEN 'agreement' THEN c.agreement_id IN (SELECT a.id FROM agreements a WHERE n.agreement_id IN (a.id, a.mbsa_id))
                    ELSE c.organization_id IN (SELECT organization_and_below(n.organization_id)) END) AS license_ids
         FROM named n WHERE app_rule_limit(n.covers, n.organization_id, n.agreement_id) IS NOT NULL",
    )
    .bind(covers)
    .bind(name)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| Over {
        on: Target::of(row.organization_id, row.agreement_id),
        words: to_come(if row.mbsa { "mbsa" } else { &row.covers }, &row.name),
        license_ids: row.license_ids,
        limit: row.ends_at,
        whole: row.whole,
    }))
}

/// A rule in force of somebody who may be given another: the same one, or one that takes it in.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Standing {
    /// The row.
    pub id: Uuid,
    /// Whose.
    pub person_id: Uuid,
    /// The role's code.
    pub role: String,
    /// When it ends by itself.
    pub ends_at: Option<OffsetDateTime>,
    /// Whether it covers just the same.
    pub same: bool,
    /// What it covers.
    pub covers: String,
    /// The name of the organisation, or the number of the agreement.
    pub source: String,
}

/// Rules of these people that take in what a rule on `on` would, as far as the reader's own reach.
///
/// # Errors
/// When the database fails.
pub async fn standing(tx: &mut Scoped, people: &[Uuid], on: Target) -> sqlx::Result<Vec<Standing>> {
    let (covers, organization, agreement) = on.covers();
    sqlx::query_as(
        "SELECT r.id, r.person_id, r.role, r.ends_at, grant_rule_kind(r) AS covers, s.name AS source,
                r.covers = $2 AND r.organization_id IS NOT DISTINCT FROM $3 AND r.agreement_id IS NOT DISTINCT FROM $4 AS same
         FROM app_reached_rules() s JOIN grant_rules r ON r.id = s.rule_id
         WHERE r.person_id = ANY($1) AND r.revoked_at IS NULL AND (r.ends_at IS NULL OR r.ends_at > app_now())
           AND grant_rule_takes_in(r, $2, $3, $4)
         ORDER BY r.person_id, r.role, same DESC, r.id",
    )
    .bind(people)
    .bind(covers)
    .bind(organization)
    .bind(agreement)
    .fetch_all(&mut **tx)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_covers_says_that_those_to_come_are_in_it() {
        assert_eq!(to_come("all", ""), "all License IDs, those to come included");
        assert_eq!(to_come("organization", "North"), "the organisation North, License IDs to come included");
        assert_eq!(to_come("agreement", "4E6"), "agreement 4E6, License IDs to come included");
        assert_eq!(to_come("mbsa", "U12"), "MBSA U12, License IDs to come included");
    }
}

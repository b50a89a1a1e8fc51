//! The demo's requests: a few, in several states, asked and decided some days ago by the demo's people,
//! through the same functions as in the portal.

use anyhow::{Context, Result, anyhow};
use time::{Date, Duration, macros::format_description};
use uuid::Uuid;

use super::open::Opened;
use crate::{
    audit::{self, Actor},
    clock::Clock,
    error::Error,
    postgres::{Scope, Scoped},
    requests::{
        db,
        form::Form,
        machine::Action,
        write::{self, With},
    },
    web::form::Pairs,
};

const HELP_DESK: &str = "helpdesk@northwind.example";
const ADMIN: &str = "admin@northwind.example";
const SECOND: &str = "second@northwind.example";

/// A step after asking: who, how many days ago, what, and what was said.
type Step = (&'static str, i64, Action, &'static str);

/// A request of the demo.
struct Told {
    who: &'static str,
    /// How many days ago.
    ago: i64,
    /// The fields of the form; the key by License ID and product, the one most used up.
    fields: &'static [(&'static str, &'static str)],
    key: Option<(&'static str, &'static str, &'static str)>,
    /// Until when, in days from now.
    due: Option<i64>,
    steps: &'static [Step],
}

const REQUESTS: [Told; 6] = [
    Told {
        who: HELP_DESK,
        ago: 12,
        fields: &[
            ("quantity", "500"),
            (
                "justification",
                "Zurich replaces 480 laptops until the end of January. The key is used up, and new machines fail with 0xC004C020.",
            ),
        ],
        key: Some(("8671204", "Windows 11 Pro", "MAK")),
        due: Some(14),
        steps: &[(ADMIN, 11, Action::Approve, "Agreed. Please send it this week."), (HELP_DESK, 9, Action::Send, "")],
    },
    Told {
        who: HELP_DESK,
        ago: 2,
        fields: &[
            ("quantity", "100"),
            (
                "justification",
                "Hamburg keeps 90 machines on Windows 10 for the scales until they are exchanged in spring.",
            ),
        ],
        key: Some(("8671311", "Windows 10 ESU Year 1", "MAK")),
        due: Some(5),
        steps: &[],
    },
    Told {
        who: HELP_DESK,
        ago: 6,
        fields: &[("quantity", "50"), ("justification", "The packing stations are being set up anew.")],
        key: Some(("8671311", "Office Professional Plus 2019", "MAK")),
        due: None,
        steps: &[(
            SECOND,
            5,
            Action::Ask,
            "How many of the 50 are reinstallations of the same machines? Then the stored confirmation IDs save activations.",
        )],
    },
    Told {
        who: SECOND,
        ago: 20,
        fields: &[
            ("quantity", "20"),
            ("justification", "Two more KMS hosts for the production network, which reaches none of the six."),
        ],
        key: Some(("8671204", "Windows Server 2016 Datacenter", "KMS")),
        due: None,
        steps: &[(ADMIN, 18, Action::Approve, "")],
    },
    Told {
        who: ADMIN,
        ago: 30,
        fields: &[
            ("kind", "kms-exception"),
            ("license_id", "V6219388"),
            ("product", "Windows 11 Enterprise"),
            ("quantity", "10"),
            ("computers", "140"),
            ("justification", "The warehouse has 140 clients on a network without way out."),
        ],
        key: None,
        due: None,
        steps: &[(ADMIN, 26, Action::Decline, "The proxy activation of a MAK does it too. We try that first.")],
    },
    Told {
        who: HELP_DESK,
        ago: 1,
        fields: &[
            ("kind", "access"),
            ("license_id", "8671377"),
            ("role", "product-keys-reader"),
            ("justification", "I look after the shops in Leeds while the colleague there is on leave."),
        ],
        key: None,
        due: Some(3),
        steps: &[],
    },
];

/// Makes them; a start that was killed meanwhile is gone on with, step by step.
///
/// # Errors
/// When the database fails.
pub async fn make(opened: &Opened) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let made: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT r.number, (SELECT count(*) FROM request_entries e WHERE e.request_id = r.id) FROM requests r ORDER BY r.number",
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);
    if made.is_empty() {
        past_readings(opened).await?;
    }
    for (at, told) in REQUESTS.iter().enumerate() {
        // The first entry is the asking itself.
        let (number, entries) = match made.get(at) {
            Some(made) => *made,
            None => (ask(opened, told).await.map_err(plain)?, 1),
        };
        for (who, ago, action, comment) in told.steps.iter().skip(usize::try_from(entries - 1).unwrap_or(0)) {
            step(opened, number, who, *ago, *action, comment).await.map_err(plain)?;
        }
    }
    Ok(())
}

fn plain(fault: Error) -> anyhow::Error {
    match fault {
        Error::Internal(fault) => fault,
        other => anyhow!("the demo's requests can't be made: {other:?}"),
    }
}

/// A transaction of one of the demo's people, some days ago.
async fn begin(opened: &Opened, who: &str, ago: i64) -> Result<(Scoped, Uuid), Error> {
    let mut tx = opened.db.begin(Scope::System).await?;
    let id: Uuid = sqlx::query_scalar("SELECT id FROM people WHERE email = $1").bind(who).fetch_one(&mut *tx).await?;
    drop(tx);
    let then = opened.db.at(Clock::standing_at(opened.db.clock().now() - Duration::days(ago)));
    Ok((then.begin(Scope::Person(id)).await?, id))
}

async fn record(opened: &Opened, tx: &mut Scoped, who: (&str, Uuid), event: audit::Event) -> Result<(), Error> {
    let actor = Actor { id: Some(who.1), name: who.0.to_owned(), ..Actor::system("demo") };
    let now = tx.now();
    Ok(audit::db::record(tx, &opened.linker(), now, &actor, event).await?)
}

async fn ask(opened: &Opened, told: &Told) -> Result<i64, Error> {
    let key = match told.key {
        Some(of) => vec![("key_id", key(opened, of).await?.to_string())],
        None => Vec::new(),
    };
    let day = |date: Date| date.format(format_description!("[year]-[month]-[day]")).unwrap_or_default();
    let due = told.due.map(|days| ("due_on", day(opened.db.clock().now().date() + Duration::days(days))));
    let fields = told.fields.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let (mut tx, me) = begin(opened, told.who, told.ago).await?;
    let mut form = Form::read(&mut tx, &Pairs::of(fields.chain(key).chain(due))).await?;
    let asked = form.check(&mut tx, me).await?.context("the form isn't right")?;
    let (number, event) = write::add(&mut tx, me, &asked, false).await?;
    record(opened, &mut tx, (told.who, me), event).await?;
    tx.commit().await?;
    Ok(number)
}

async fn step(opened: &Opened, number: i64, who: &str, ago: i64, action: Action, comment: &str) -> Result<(), Error> {
    let (mut tx, me) = begin(opened, who, ago).await?;
    let held = db::hold(&mut tx, number).await?.context("it was just made")?;
    let mut with = With { comment: comment.to_owned(), ..With::default() };
    if action == Action::Send {
        with.sent_on = Some(tx.today());
        with.reference = "2611-40317".to_owned();
    }
    let event = write::step(&mut tx, me, &held, action, &with).await?;
    record(opened, &mut tx, (who, me), event).await?;
    tx.commit().await?;
    Ok(())
}

/// The key of a product that is most used up.
async fn key(opened: &Opened, (license_id, product, kind): (&str, &str, &str)) -> Result<Uuid, Error> {
    let mut tx = opened.db.begin(Scope::System).await?;
    Ok(sqlx::query_scalar(
        "SELECT k.id FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id
         WHERE c.license_id = $1 AND p.name = $2 AND k.kind = $3 ORDER BY k.used * 1000 / nullif(k.total, 0) DESC NULLS LAST, k.last_five LIMIT 1",
    )
    .bind(license_id)
    .bind(product)
    .bind(kind)
    .fetch_one(&mut *tx)
    .await?)
}

/// Counts of the last months for the keys that are asked about, so that their packets show a history. Once: a key has
/// none so old of the import.
async fn past_readings(opened: &Opened) -> Result<()> {
    let mut tx = opened.db.begin(Scope::System).await?;
    sqlx::query(
        "INSERT INTO key_readings (id, key_id, contract_id, read_at, source, used, total)
         SELECT gen_random_uuid(), k.id, k.contract_id, app_now() - make_interval(days => 30 * (7 - m)), 'import',
                k.used * (10 + 90 * m / 7) / 100 - k.used / 40 * (m % 2), k.total
         FROM product_keys k JOIN contracts c ON c.id = k.contract_id JOIN products p ON p.id = k.product_id, generate_series(0, 6) AS m
         WHERE k.kind = 'MAK' AND k.used * 5 >= k.total * 4 AND c.license_id IN ('8671204', '8671311') AND k.used > 40
               AND NOT EXISTS (SELECT FROM key_readings r WHERE r.key_id = k.id AND r.read_at < app_now() - interval '20 days')",
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

//! `/activation/{application}`: the count over time, and the editions.
use askama::Template;
use axum::{
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use time::Duration;

use super::{
    db,
    editions::{EditionForm, EditionPanel},
    frame::{Frame, Place, noticed},
    model::Sku,
    plot::{SPANS, Span, Threshold},
    screens::drawing,
    words,
};
use crate::{
    app::AppState,
    auth::proof::OnApplication,
    error::Result,
    web::{
        form::Pairs,
        page::{Html, Shell, Tone},
        view::{Address, Field, Plot, Tab, number},
    },
};

/// An edition in the list.
#[derive(Clone, Debug)]
pub struct EditionRow {
    /// The activation id.
    pub id: String,
    /// Its panel.
    pub href: String,
    /// Its name.
    pub edition: String,
    /// The product.
    pub product: String,
    /// Its kind in words.
    pub kind: &'static str,
    /// Machines needed, and how the count stands; none where it isn't activated by count.
    pub standing: Option<(String, Tone, String)>,
    /// Days that a lease lasts.
    pub lease_days: i32,
    /// Machines that asked for it within 30 days.
    pub machines: String,
}

/// The page.
#[derive(Template)]
#[template(path = "pools/application.html")]
pub struct ApplicationPage {
    /// The frame.
    pub shell: Shell,
    /// The application.
    pub frame: Frame,
    /// Machines counted.
    pub count: String,
    /// What a genuine host would show.
    pub capped: String,
    /// How it stands towards each threshold.
    pub standings: Vec<(Tone, String)>,
    /// What may change of a machine's hardware.
    pub tolerance: i16,
    /// How far back the drawing goes.
    pub span: &'static str,
    /// The spans.
    pub spans: Vec<Tab>,
    /// The drawing; none where nothing was counted in that time.
    pub plot: Option<Plot>,
    /// The editions.
    pub editions: Vec<EditionRow>,
    /// The form that registers an edition.
    pub fields: Vec<Field>,
    /// The open edition.
    pub panel: Option<EditionPanel>,
}

impl ApplicationPage {
    fn form_open(&self) -> bool {
        Field::any_wrong(&self.fields) || self.editions.is_empty()
    }

    fn is_open(&self, row: &EditionRow) -> bool {
        self.panel.as_ref().is_some_and(|panel| panel.id == row.id)
    }
}

/// The page.
///
/// # Errors
/// When the database fails.
pub async fn get(
    application: OnApplication,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let query = Pairs::parse(query.unwrap_or_default().as_bytes());
    Ok(Html(page(&state, &application, &query, None, None).await?).into_response())
}

/// The page, with a form that may say what is wrong, and an open panel.
pub(super) async fn page(
    state: &AppState,
    proof: &OnApplication,
    query: &Pairs,
    form: Option<EditionForm>,
    panel: Option<EditionPanel>,
) -> Result<ApplicationPage> {
    let mut tx = proof.begin(state).await?;
    let (application, now) = (&proof.application, tx.now());
    let span = Span::parse(query.one("days"));
    let since = now - Duration::days(span.days);
    let skus = db::skus(&mut tx, application.id).await?;
    let needs: Vec<Threshold> = db::thresholds(&mut tx, &[application.id])
        .await?
        .into_iter()
        .map(|(_, needed, editions)| Threshold { needed: i64::from(needed), editions })
        .collect();
    let samples = db::samples(&mut tx, &[application.id], since, span.bucket).await?;
    let samples = samples.into_iter().map(|(_, sample)| sample).collect();
    let products = db::products(&mut tx, application.contract_id).await?;
    let frame = Frame::new(application, Place::Count, now);
    let address = address(&frame.href, query);
    Ok(ApplicationPage {
        shell: noticed(proof.visitor().shell(state), query.one("notice")),
        count: number(application.count),
        capped: number(application.capped),
        standings: needs
            .iter()
            .map(|need| {
                let (tone, words) = words::standing(application.count, need.needed);
                (tone, format!("{} (needs {}): {words}", need.editions, number(need.needed)))
            })
            .collect(),
        tolerance: application.tolerance,
        span: span.label,
        spans: spans(&address, span),
        plot: drawing(application, samples, &needs, since, now),
        editions: skus.into_iter().map(|sku| row(sku, &address, application.count)).collect(),
        fields: form.unwrap_or_default().fields(&products),
        panel,
        frame,
    })
}

/// The page's address: which span is drawn.
pub(super) fn address(href: &str, query: &Pairs) -> Address {
    Address::new(href).with("days", query.one("days").trim())
}

fn spans(address: &Address, current: Span) -> Vec<Tab> {
    let mut spans = SPANS;
    spans.sort_by_key(|span| span.days);
    spans
        .into_iter()
        .map(|span| Tab {
            label: span.label,
            count: None,
            href: address
                .clone()
                .with("days", if span == SPANS[0] { String::new() } else { span.days.to_string() })
                .href(),
            current: span == current,
        })
        .collect()
}

fn row(sku: Sku, address: &Address, count: i64) -> EditionRow {
    let standing = sku.by_count.then(|| {
        let (tone, words) = words::standing(count, i64::from(sku.needed));
        (number(sku.needed), tone, words)
    });
    EditionRow {
        href: address.clone().at(format!("{}/editions/{}", address.path(), sku.id)).href(),
        id: sku.id.to_string(),
        edition: sku.edition,
        product: sku.product,
        kind: super::editions::kind_words(&sku.kind),
        standing,
        lease_days: sku.lease_days,
        machines: number(sku.machines),
    }
}

#[cfg(test)]
impl ApplicationPage {
    /// An application with a count that a genuine host couldn't show.
    pub fn sample() -> Self {
        use time::macros::datetime;

        use super::plot::{Sample, draw};

        let now = datetime!(2026-11-22 12:00 UTC);
        let samples: Vec<Sample> = (0..31)
            .map(|day| Sample { at: now - Duration::days(30 - day), count: 2 * day, capped: (2 * day).min(50) })
            .collect();
        let needs = [Threshold { needed: 25, editions: "Standard".into() }];
        let frame = Frame::sample(Place::Count);
        let address = Address::new(frame.href.clone());
        Self {
            shell: Shell::sample(&frame.href),
            count: "60".into(),
            capped: "50".into(),
            standings: vec![(Tone::Good, "Standard (needs 25): Count reached".into())],
            tolerance: 7,
            span: SPANS[0].label,
            spans: spans(&address, SPANS[0]),
            plot: draw("Plotter", &samples, &needs, now - Duration::days(30), now),
            editions: vec![EditionRow {
                id: "7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a02".into(),
                href: frame.at("/editions/7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a02"),
                edition: "Standard".into(),
                product: "Plotter 5 Standard".into(),
                kind: "Client",
                standing: Some(("25".into(), Tone::Good, "Count reached".into())),
                lease_days: 180,
                machines: "60".into(),
            }],
            fields: EditionForm::default().fields(&[]),
            panel: Some(EditionPanel::sample()),
            frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_counts_the_threshold_and_the_numbers_behind_are_shown() {
        let html = ApplicationPage::sample().render().expect("renders");
        for part in [
            "<polyline",
            "A genuine host would show 50",
            "Needed by Standard: 25",
            "<caption",
            "7f2f9c1e-6f0d-4a59-9c3e-2f1f3f0d1a02",
        ] {
            assert!(html.contains(part), "{part}");
        }
    }
}

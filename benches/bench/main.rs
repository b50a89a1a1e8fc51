//! `make bench`: what Keyward does, each measure against an anchor that is taken in the same run on the same
//! machine, on an estate of a million keys (see [`estate`]). Prints a table and writes
//! `target/bench/report.json`. Ratios are bigger where Keyward is better: our rate ÷ the anchor's, or the
//! anchor's time ÷ ours.

// A benchmark that meets something unexpected has nothing to report: it stops there.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod activation;
mod bare;
mod estate;
mod export;
mod import;
mod load;
mod pages;
mod portal;
mod psql;
mod report;
mod seed;
mod start;

use estate::Estate;
use portal::Portal;
use report::Report;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().position(|argument| argument == bare::FLAG) {
        // This program again, as the server that pages are compared with.
        Some(at) => runtime.block_on(bare::serve(arguments[at + 1].as_ref())),
        None if arguments.first().is_some_and(|argument| argument == activation::ECHO) => {
            runtime.block_on(activation::echo(arguments[1].parse().unwrap()));
        }
        // What cargo adds begins with a dash; a word picks the measures that contain it.
        None => runtime.block_on(measure(arguments.iter().find(|argument| !argument.starts_with('-')))),
    }
}

async fn measure(only: Option<&String>) {
    let wanted = |name: &str| only.is_none_or(|word| name.contains(word.as_str()));
    let mut report = Report::default();
    activation::measure(&estate::dir(), &mut report, &wanted).await;
    if ["start", "pages", "search", "export", "import"].into_iter().any(wanted) {
        measure_portal(&mut report, &wanted).await;
    }
    report.finish(&estate::dir(), only.is_none());
}

async fn measure_portal(report: &mut Report, wanted: &impl Fn(&str) -> bool) {
    let estate = Estate::ready().await;
    if wanted("start") {
        start::measure(&estate, report).await;
    }
    if wanted("pages") || wanted("search") {
        let portal = Portal::start(&estate.data).await;
        pages::measure(&estate, &portal, report, wanted).await;
        portal.stop();
    }
    if wanted("export") {
        // A process of its own, so that its peak of memory is the export's.
        let portal = Portal::start(&estate.data).await;
        export::measure(&estate, &portal, report).await;
        portal.stop();
    }
    if wanted("import") {
        import::measure(&estate, report).await;
    }
}

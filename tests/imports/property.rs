//! For any rows in any order: what was taken once is known.

use keyward::imports::{ParsedFile, Who};
use proptest::prelude::*;

use crate::support::estate::{Estate, file};

/// Groups of keys that differ in their last five.
const KEYS: [&str; 3] =
    ["QX3TJ-7WKPD-9HMCV-2BRFG-84YNX", "VB2RK-4MWTC-QF7HJ-3XPDN-9GY6T", "JV7HG-MVFP6-FTHXP-JW8KH-9TGHG"];

fn any_rows() -> impl Strategy<Value = (Vec<String>, Vec<String>, Vec<String>)> {
    let keys = prop::collection::hash_map((0..4, 0..3, 0..4_usize), (prop::option::of(0..60), 0..3_usize), 0..12);
    let keys = keys.prop_map(|rows| {
        rows.into_iter()
            .map(|((id, product, key), (used, organization))| {
                let used = used.map_or(String::new(), |used| format!("{used}/50"));
                let organization = ["", "Contoso", "Fabrikam"][organization];
                let (key, kind) =
                    KEYS.get(key).map_or(("This product does not require a product key.", ""), |key| (*key, "MAK"));
                format!("{id},{organization},Product {product},{key},{kind},{used}")
            })
            .collect::<Vec<_>>()
    });
    let orders = prop::collection::vec((0..4, 0..2, 0..2, 1..4, 0..3_usize), 0..12);
    let orders = orders.prop_map(|rows| {
        rows.into_iter()
            .map(|(id, number, part, quantity, country)| {
                format!("{id},R{number},2026-01-31,P{part},{quantity},{}", ["", "Chile", "Peru"][country])
            })
            .collect::<Vec<_>>()
    });
    let contracts = prop::collection::hash_map(0..4, (0..3_usize, 0..3_usize), 0..4);
    let contracts = contracts.prop_map(|rows| {
        rows.into_iter()
            .map(|(id, (organization, status))| {
                format!(
                    "{id},{},{}",
                    ["Contoso", "Fabrikam", "Tailspin"][organization],
                    ["", "Active", "Expired"][status]
                )
            })
            .collect::<Vec<_>>()
    });
    (keys.prop_shuffle(), orders.prop_shuffle(), contracts.prop_shuffle())
}

fn files((keys, orders, contracts): &(Vec<String>, Vec<String>, Vec<String>)) -> Vec<ParsedFile> {
    [
        ("keys.csv", "License ID,Organization,Product,Product Key,Type,MAK Activations-Used/Available", keys),
        ("orders.csv", "License ID,Reseller order no.,Ordered on,Part number,Quantity,Country", orders),
        ("contracts.csv", "License ID,Organization,Status", contracts),
    ]
    .map(|(name, header, rows)| file(name, &format!("{header}\n{}\n", rows.join("\n"))))
    .into()
}

#[test]
fn what_was_taken_is_skipped_in_any_order_of_its_rows() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = any_rows().prop_flat_map(|rows| {
        let (keys, orders, contracts) = rows.clone();
        let again = (Just(keys).prop_shuffle(), Just(orders).prop_shuffle(), Just(contracts).prop_shuffle());
        (Just(rows), again)
    });
    // One database for all cases: each finds what the ones before left.
    let estate = runtime.block_on(Estate::new());
    proptest!(ProptestConfig::with_cases(48), |((rows, again) in rows)| {
        runtime.block_on(async {
            estate.import(files(&rows)).await;
            for report in estate.importer(Who::System).dry_run(&files(&again)).await.unwrap() {
                prop_assert_eq!((report.added, report.changed, report.refused_rows), (0, 0, 0), "{}", report.name);
            }
            Ok(())
        })?;
    });
    runtime.block_on(estate.done());
}

//! What an import writes, and what it leaves alone.

use keyward::imports::{Report, UNKNOWN_ORGANIZATION, Who};

use crate::support::estate::{Estate, FILES, file, sample_file, sample_files};

const KEY: &str = "QX3TJ-7WKPD-9HMCV-2BRFG-84YNX";
const OTHER_KEY: &str = "VB2RK-4MWTC-QF7HJ-3XPDN-9GY6T";
const KEYS: &str =
    "License ID,Parent Program,Organization,Product,Product Key,Type,MAK Activations-Used/Available,Seats,OSA Status\n";

fn keys(rows: &[&str]) -> keyward::imports::ParsedFile {
    file("keys.csv", &format!("{KEYS}{}\n", rows.join("\n")))
}

fn counts(reports: &[Report]) -> Vec<(u64, u64, u64, u64)> {
    reports.iter().map(|report| (report.added, report.changed, report.skipped, report.refused_rows)).collect()
}

const NOTHING_NEW: [(u64, u64, u64, u64); 5] =
    [(0, 0, 14, 0), (0, 0, 28, 0), (0, 0, 225, 0), (0, 0, 474, 0), (0, 0, 180, 0)];

async fn tables(estate: &Estate) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "contracts",
        "contacts",
        "license_summaries",
        "product_keys",
        "orders",
        "key_readings",
        "products",
        "organizations",
        "agreements",
        "contract_products",
        "data_keys",
        "imports",
        "import_files",
        "audit_events",
    ] {
        counts.push(estate.count(&format!("SELECT count(*) FROM {table}")).await);
    }
    counts
}

#[tokio::test]
async fn the_sample_files_are_taken_whole_whatever_their_order() {
    let estate = Estate::new().await;
    let reports = estate.import(sample_files()).await;
    assert_eq!(counts(&reports), [(14, 0, 0, 0), (28, 0, 0, 0), (225, 0, 0, 0), (474, 0, 0, 0), (180, 0, 0, 0)]);
    assert_eq!(tables(&estate).await[..6], [14, 28, 225, 474, 180, 474]);
    assert_eq!(estate.count("SELECT count(*) FROM product_keys WHERE kind = 'NONE'").await, 20);
    // every trigger and link did its part
    assert_eq!(estate.count("SELECT sum(keys)::bigint FROM contract_products").await, 474);
    assert_eq!(estate.count("SELECT count(*) FROM orders WHERE product_id IS NULL").await, 0);
    let missing = "SELECT count(*) FROM orders o WHERE NOT EXISTS (
                       SELECT 1 FROM contract_products cp WHERE cp.contract_id = o.contract_id AND cp.product_id = o.product_id)";
    assert_eq!(estate.count(missing).await, 0);
    estate.done().await;
}

#[tokio::test]
async fn importing_twice_changes_nothing() {
    let estate = Estate::filled().await;
    let before = tables(&estate).await;
    assert_eq!(counts(&estate.import(sample_files()).await), NOTHING_NEW);
    let after = tables(&estate).await;
    // that it was tried is in the history and in the log
    assert_eq!(before[..11], after[..11]);
    assert_eq!(after[13], before[13] + 5);
    estate.done().await;
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_writes_nothing() {
    let estate = Estate::new().await;
    let before = tables(&estate).await;
    let tried = estate.importer(Who::System).dry_run(&sample_files()).await.unwrap();
    assert_eq!(tables(&estate).await, before);
    assert_eq!(tried.iter().map(|report| report.rows.len()).sum::<usize>(), 921);
    assert_eq!(counts(&tried), counts(&estate.import(sample_files()).await));
    estate.done().await;
}

#[tokio::test]
async fn each_file_alone_says_which_license_ids_it_lacks() {
    let estate = Estate::new().await;
    let reports = estate.import(vec![sample_file(FILES[2])]).await;
    assert_eq!(counts(&reports), [(0, 0, 0, 28)]);
    assert!(reports[0].refused[0].to_string().starts_with("contacts.csv:2: License ID: isn't known yet"));
    assert_eq!(estate.count("SELECT count(*) FROM imports").await, 0, "nothing of a refused file is kept");
    estate.done().await;
}

#[tokio::test]
async fn a_key_row_makes_its_license_id_and_a_contract_file_completes_it() {
    let estate = Estate::new().await;
    let row = format!("9001,,,Windows 11 Pro,{KEY},MAK,42/50,,");
    estate.import(vec![keys(&[&row])]).await;
    let organization = "SELECT o.name FROM contracts c JOIN organizations o ON o.id = c.organization_id";
    assert_eq!(estate.text(organization).await, UNKNOWN_ORGANIZATION);
    let contracts = file(
        "c.csv",
        "License ID,Organization,Parent organization,Parent agreement,Status\n9001,Contoso Ltd,Contoso,4E1,\n",
    );
    assert_eq!(counts(&estate.import(vec![contracts]).await), [(0, 1, 0, 0)]);
    assert_eq!(estate.text(organization).await, "Contoso Ltd");
    assert_eq!(
        estate.text("SELECT p.name FROM organizations o JOIN organizations p ON p.id = o.parent_id").await,
        "Contoso"
    );
    assert_eq!(estate.text("SELECT status FROM contracts").await, "Active", "an empty cell erases nothing");
    estate.done().await;
}

#[tokio::test]
async fn a_key_row_names_what_was_unknown_and_never_what_a_contract_says() {
    let estate = Estate::new().await;
    let bare = format!("9001,,,Windows 11 Pro,{KEY},MAK,42/50,,");
    estate.import(vec![keys(&[&bare])]).await;
    let named = format!("9001,Enterprise,Contoso,Windows 11 Pro,{KEY},MAK,42/50,,");
    assert_eq!(counts(&estate.import(vec![keys(&[&named])]).await), [(0, 1, 0, 0)]);
    let other = format!("9001,Campus,Fabrikam,Windows 11 Pro,{KEY},MAK,42/50,,");
    let reports = estate.import(vec![keys(&[&other])]).await;
    assert_eq!(counts(&reports), [(0, 0, 1, 0)]);
    assert_eq!(reports[0].warnings.len(), 2);
    assert_eq!(reports[0].warnings[0].column.as_deref(), Some("Organization"));
    assert_eq!(estate.text("SELECT program FROM contracts").await, "Enterprise");
    estate.done().await;
}

#[tokio::test]
async fn a_changed_count_adds_a_reading() {
    let estate = Estate::new().await;
    for (used, expected) in
        [("42/50", (1, 0, 0, 0)), ("43/50", (0, 1, 0, 0)), ("", (0, 0, 1, 0)), ("52/50", (0, 1, 0, 0))]
    {
        let row = format!("9001,,,Windows 11 Pro,{KEY},MAK,{used},,");
        assert_eq!(counts(&estate.import(vec![keys(&[&row])]).await), [expected], "{used}");
    }
    let readings = "SELECT string_agg(used || '/' || total, ' ' ORDER BY id) FROM key_readings WHERE source = 'import'";
    assert_eq!(estate.text(readings).await, "42/50 43/50 52/50");
    assert_eq!(estate.count("SELECT used FROM product_keys").await, 52, "above the limit is the vendor's to say");
    estate.done().await;
}

#[tokio::test]
async fn a_shared_key_is_one_fingerprint_under_three_ciphertexts() {
    let estate = Estate::new().await;
    let rows: Vec<String> =
        ["1", "2", "3"].iter().map(|id| format!("{id},,Contoso,Windows 11 Pro,{KEY},MAK,42/50,,")).collect();
    estate.import(vec![keys(&rows.iter().map(String::as_str).collect::<Vec<_>>())]).await;
    for (column, expected) in [("fingerprint", 1), ("sealed", 3), ("data_key_id", 3), ("contract_id", 3)] {
        let statement = format!("SELECT count(DISTINCT {column}) FROM product_keys");
        assert_eq!(estate.count(&statement).await, expected, "{column}");
    }
    estate.done().await;
}

#[tokio::test]
async fn one_refused_row_leaves_nothing_of_its_file_and_the_other_files_stand() {
    let estate = Estate::new().await;
    let good = format!("9001,,Contoso,Windows 11 Pro,{KEY},MAK,42/50,,");
    let contradiction = format!("9001,,Contoso,Windows 11 Pro,{KEY},MAK,43/50,,");
    let orders =
        file("orders.csv", "License ID,Reseller order no.,Ordered on,Part number,Quantity\n9002,R1,2026-01-31,P,5\n");
    let reports = estate.import(vec![keys(&[&good, &contradiction]), orders]).await;
    assert_eq!(counts(&reports), [(1, 0, 0, 1), (1, 0, 0, 0)]);
    assert!(reports[0].refused[0].to_string().starts_with("keys.csv:3: License ID: this row contradicts line 2"));
    assert_eq!(estate.text("SELECT string_agg(license_id, ' ') FROM contracts").await, "9002");
    assert_eq!(tables(&estate).await[3], 0);
    estate.done().await;
}

#[tokio::test]
async fn the_same_row_twice_counts_once() {
    let estate = Estate::new().await;
    let row = format!("9001,,Contoso,Windows 11 Pro,{KEY},MAK,42/50,,");
    let none = "9001,,Contoso,SQL Server 2019 Standard,This product does not require a product key.,,,10,";
    let reports = estate.importer(Who::System).dry_run(&[keys(&[&row, none, &row, none])]).await.unwrap();
    assert_eq!(counts(&reports), [(2, 0, 2, 0)]);
    assert_eq!(reports[0].rows[2].note, "The same as line 2.");
    assert_eq!(reports[0].rows[3].note, "The same as line 3.");
    estate.done().await;
}

#[tokio::test]
async fn equal_order_lines_are_lines_of_their_own() {
    let estate = Estate::new().await;
    let header = "License ID,Reseller order no.,Ordered on,Part number,Description,Quantity\n";
    let (five, six) = (
        "9001,R1,2026-01-31,P,Visio LTSC Professional 2024,5\n",
        "9001,R1,2026-01-31,P,Visio LTSC Professional 2024,6\n",
    );
    let lines = |rows: &[&str]| vec![file("orders.csv", &[&[header], rows].concat().concat())];
    assert_eq!(counts(&estate.import(lines(&[five, five, six])).await), [(3, 0, 0, 0)]);
    assert_eq!(counts(&estate.import(lines(&[six, five, five])).await), [(0, 0, 3, 0)], "in another order");
    assert_eq!(counts(&estate.import(lines(&[five])).await), [(0, 0, 1, 0)], "a part of them");
    assert_eq!(counts(&estate.import(lines(&[five, five, five, six])).await), [(1, 0, 3, 0)]);
    assert_eq!(estate.count("SELECT count(DISTINCT occurrence) FROM orders").await, 4);
    assert_eq!(estate.text("SELECT slug FROM products").await, "visio-ltsc-professional-2024");
    assert_eq!(estate.count("SELECT keys FROM contract_products").await, 0, "ordered, without a key yet");
    estate.done().await;
}

#[tokio::test]
async fn products_of_one_address_are_numbered() {
    let estate = Estate::new().await;
    let rows = [
        format!("1,,,Visio+,{KEY},MAK,,,"),
        format!("1,,,Visio,{KEY},MAK,,,"),
        format!("1,,,Visio?,{OTHER_KEY},MAK,,,"),
    ];
    estate.import(vec![keys(&rows.each_ref().map(String::as_str))]).await;
    assert_eq!(estate.text("SELECT string_agg(slug, ' ' ORDER BY slug) FROM products").await, "visio visio-2 visio-3");
    estate.done().await;
}

#[tokio::test]
async fn no_text_of_a_key_gets_into_what_is_kept_in_clear() {
    let estate = Estate::new().await;
    let mixed_up = format!("9001,,Contoso,{OTHER_KEY},{KEY},MAK,,,");
    let organization = format!("9002,,{OTHER_KEY},Windows 11 Pro,{KEY},MAK,,,");
    let reports = estate.importer(Who::System).dry_run(&[keys(&[&mixed_up, &organization])]).await.unwrap();
    assert_eq!(reports[0].refused_rows, 2);
    assert!(!format!("{:?}", reports[0].refused).contains("VB2RK"));
    estate.done().await;
}

#[tokio::test]
async fn organisations_may_change_places_and_never_stand_above_themselves() {
    let estate = Estate::new().await;
    let header = "License ID,Organization,Parent organization\n";
    let tree = |rows: &str| vec![file("c.csv", &format!("{header}{rows}"))];
    assert_eq!(counts(&estate.import(tree("1,A,B\n2,B,C\n")).await), [(2, 0, 0, 0)]);
    assert_eq!(counts(&estate.import(tree("1,A,A\n")).await), [(0, 0, 0, 1)]);
    assert_eq!(counts(&estate.import(tree("3,C,A\n")).await), [(0, 0, 0, 1)], "A stands under B, B under C");
    assert_eq!(counts(&estate.import(tree("1,A,C\n2,B,A\n")).await), [(0, 2, 0, 0)], "A and B change places");
    assert_eq!(counts(&estate.import(tree("1,A,C\n2,A,B\n")).await), [(0, 0, 1, 1)], "two above one");
    estate.done().await;
}

#[tokio::test]
async fn each_license_id_that_is_written_to_has_it_in_its_log() {
    let estate = Estate::new().await;
    let rows = [format!("1,,,Visio,{KEY},MAK,,,"), format!("2,,,Visio,{KEY},MAK,,,")];
    estate.import(vec![keys(&rows.each_ref().map(String::as_str))]).await;
    let events = "SELECT string_agg(actor || ' ' || action || ' ' || coalesce(license_id, 'site') || ' ' || subject, '; ' ORDER BY license_id)
                  FROM audit_events e LEFT JOIN contracts c ON c.id = e.contract_id";
    let expected = "system:import import.apply 1 keys.csv: 1 added, 0 changed; \
                    system:import import.apply 2 keys.csv: 1 added, 0 changed; system:import import.apply site keys.csv";
    assert_eq!(estate.text(events).await, expected);
    estate.done().await;
}

#[tokio::test]
async fn two_imports_at_once_take_turns() {
    let estate = Estate::new().await;
    let (one, other) = tokio::join!(estate.import(sample_files()), estate.import(sample_files()));
    let added = |reports: &[Report]| reports.iter().map(|report| report.added).sum::<u64>();
    assert_eq!(added(&one) + added(&other), 921);
    assert_eq!(tables(&estate).await[..6], [14, 28, 225, 474, 180, 474]);
    estate.done().await;
}

const ORDERS: &str =
    "License ID,Reseller order no.,Ordered on,Part number,Description,Quantity,Up for Renewal,Step-up\n";

fn orders(rows: &[&str]) -> keyward::imports::ParsedFile {
    file("orders.csv", &format!("{ORDERS}{}\n", rows.join("\n")))
}

/// DOMAIN §1, "Orders": under Select Plus a line may say both; under another programme it is left out, and told where it
/// would have been a yes. A file that doesn't have the columns leaves what is known.
#[tokio::test]
async fn domain_1_orders_files_tell_renewal_and_step_up_under_select_plus() {
    let estate = Estate::filled().await;
    let rows = [
        "S4471902,N1,2026-01-02,P1,Windows 11 Enterprise,5,YES,n",
        "S4471902,N1,2026-01-02,P1,Windows 11 Enterprise,5,,",
        "8671204,N2,2026-01-02,P1,Windows 11 Enterprise,5,Yes,No",
        "0099,N3,2026-01-02,P1,Windows 11 Enterprise,5,no,true",
    ];
    let told = "SELECT string_agg(concat_ws(' ', reseller_order_no, up_for_renewal::text, step_up::text), ',' ORDER BY reseller_order_no, occurrence)
                FROM orders WHERE reseller_order_no LIKE 'N_'";
    let reports = estate.import(vec![orders(&rows)]).await;
    assert_eq!(counts(&reports), [(4, 0, 0, 0)]);
    let warnings: Vec<String> = reports[0].warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "orders.csv:4: Up for Renewal: is left out: only orders under Select Plus have it, this one is under 'Enterprise'"
        ]
    );
    assert_eq!(estate.text(told).await, "N1 true false,N1,N2,N3 false true");
    assert_eq!(counts(&estate.import(vec![orders(&rows)]).await), [(0, 0, 4, 0)]);
    // Without the columns, or with empty cells, nothing changes; another word does.
    let silent = "License ID,Reseller order no.,Ordered on,Part number,Description,Quantity\nS4471902,N1,2026-01-02,P1,Windows 11 Enterprise,5\n";
    assert_eq!(counts(&estate.import(vec![file("orders.csv", silent)]).await), [(0, 0, 1, 0)]);
    let changed = "0099,N3,2026-01-02,P1,Windows 11 Enterprise,5,yes,";
    let tried = estate.importer(Who::System).dry_run(&[orders(&[changed])]).await.unwrap();
    let shown: Vec<_> = tried[0].rows[0].changes.iter().map(|c| (&*c.column, &*c.old, &*c.new)).collect();
    assert_eq!(shown, [("Up for Renewal", "No", "Yes")]);
    estate.import(vec![orders(&[changed])]).await;
    assert_eq!(estate.text(told).await, "N1 true false,N1,N2,N3 true true");
    estate.done().await;
}

/// DOMAIN §1, "Hierarchy": a file of contracts may name the MBSA above a parent agreement; two levels are all there are.
#[tokio::test]
async fn contracts_faq_a_contracts_file_names_the_mbsa_above_an_agreement() {
    let estate = Estate::filled().await;
    let contracts = |rows: &[&str]| {
        file("contracts.csv", &format!("License ID,Organization,Parent agreement,MBSA\n{}\n", rows.join("\n")))
    };
    let tree = "SELECT string_agg(a.number || '<' || coalesce(m.number, ''), ' ' ORDER BY a.number)
                FROM agreements a LEFT JOIN agreements m ON m.id = a.mbsa_id";
    assert_eq!(estate.text(tree).await, "4C22017< 4E61138< 4E70551<");
    let rows = [
        "8671204,Northwind Holding AG,4E61138,U1234567",
        "8671311,Northwind Logistics GmbH,4E61138,U1234567",
        "7740032,Northwind Research S.A.,4E70551,U1234567",
        "8671377,Northwind Retail Ltd,4E61138,",
    ];
    let reports = estate.import(vec![contracts(&rows)]).await;
    assert_eq!(counts(&reports), [(0, 4, 0, 0)], "the agreement of each of them goes under it");
    assert_eq!(estate.text(tree).await, "4C22017< 4E61138<U1234567 4E70551<U1234567 U1234567<");
    assert_eq!(counts(&estate.import(vec![contracts(&rows)]).await), [(0, 0, 4, 0)]);
    assert_eq!(
        counts(&estate.import(sample_files()).await),
        NOTHING_NEW,
        "a file without the column says nothing of it"
    );
    for (rows, fault) in [
        (&["8671204,Northwind Holding AG,,U1"][..], "'U1' stands above a parent agreement, and this row names none"),
        (&["8671204,Northwind Holding AG,U1,U1"], "'U1' would stand above itself"),
        (&["8671204,Northwind Holding AG,4E61138,4E70551"], "'4E70551' stands under 'U1234567' itself"),
        (&["8671204,Northwind Holding AG,U1234567,U1"], "it is an MBSA itself and stands under none"),
        (
            &["8671204,Northwind Holding AG,4E61138,U1", "8671311,Northwind Logistics GmbH,4E61138,U2"],
            "'4E61138' stands under 'U2' here and under 'U1' in line 2: an agreement has one MBSA",
        ),
    ] {
        let tried = estate.importer(Who::System).dry_run(&[contracts(rows)]).await.unwrap();
        let told: Vec<String> = tried[0].rows.iter().map(ToString::to_string).collect();
        assert!(tried[0].is_refused() && told.iter().any(|row| row.contains(fault)), "{fault}: {told:?}");
    }
    // Where an agreement stands decides who sees what is under it: an Administrator's file doesn't move it.
    let administrator = Who::Administrator(estate.administrator("a@northwind.example", &["8671204"]).await);
    let moved = contracts(&["8671204,Northwind Holding AG,4E61138,U9"]);
    let reports = estate.importer(administrator).dry_run(&[moved]).await.unwrap();
    let warnings: Vec<String> = reports[0].warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.iter().any(|w| w.contains("MBSA: 'U9' isn't taken over, 'U1234567' stays")), "{warnings:?}");
    estate.done().await;
}

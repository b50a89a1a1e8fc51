//! `keyward import` of 50,000 new keys into a new installation, with everything it does: reading, checking,
//! sealing, readings, the log. Beside it psql's `\copy` of the same file into a plain table.

use std::{fmt::Write as _, process::Stdio, time::Instant};

use crate::{
    estate::Estate,
    portal::{Portal, program},
    psql,
    report::{Report, median},
};

const ROWS: usize = 50_000;
const ROUNDS: usize = 3;

/// Measures both in turn, each into an empty installation.
pub async fn measure(estate: &Estate, report: &mut Report) {
    let data = estate.dir.join("import");
    let known = program(&data).args(["import", "--help"]).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    if !known.success() {
        return report.skip("import", "this version of the program has no `keyward import`");
    }
    let Some(psql) = psql::find() else {
        return report.skip("import", "there is no psql beside PostgreSQL's programs or on the PATH");
    };
    let file = estate.dir.join("import.csv");
    std::fs::write(&file, rows()).unwrap();
    let (mut rates, mut anchors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir_all(&data).unwrap();
        // The database runs already, as it does beside a portal: its start isn't the import's.
        let portal = Portal::start(&data).await;
        let cluster = crate::estate::attached(&data).await;
        let began = Instant::now();
        let done =
            program(&data).arg("import").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        rates.push(rate(began));
        assert!(done.success(), "keyward import {} failed", file.display());
        psql::run(
            &psql,
            &cluster,
            "create table plain (a text, b text, c text, d text, e text, f text, g text, h text, i text)",
        );
        let began = Instant::now();
        psql::run(&psql, &cluster, &format!("\\copy plain from '{}' with (format csv, header)", file.display()));
        anchors.push(rate(began));
        portal.stop();
    }
    report.rate("import", median(rates), median(anchors), "rows/s", None);
    let _ = (std::fs::remove_dir_all(&data), std::fs::remove_file(&file));
}

/// As the vendor's admin centre exports keys, as CSV: 500 License IDs with 100 keys each.
fn rows() -> String {
    const ALPHABET: &[u8; 24] = b"2346789BCDFGHJKMNPQRTVWX";
    let mut text = keyward::exports::KEY_COLUMNS.map(|column| format!("\"{column}\"")).join(",") + "\r\n";
    for n in 0..ROWS {
        // Digits of a number in base 24, spread by an odd factor: as many different keys as rows.
        let mut digits = (n as u128 + 1) * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let key: String = (0..29)
            .map(|at| {
                if at % 6 == 5 {
                    return '-';
                }
                let digit = usize::try_from(digits % 24).unwrap();
                digits /= 24;
                char::from(ALPHABET[digit])
            })
            .collect();
        writeln!(
            text,
            "\"{}\",\"Enterprise 6\",\"Northwind Subsidiary {:03} Ltd.\",\"Windows Server 20{:02} Standard\",\"{key}\",\"MAK\",\"{}/500\",\"\",\"\"\r",
            2_000_000 + n / 100,
            n / 100 % 100,
            n % 25,
            n % 400,
        )
        .unwrap();
    }
    text
}

fn rate(began: Instant) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let rows = ROWS as f64;
    rows / began.elapsed().as_secs_f64()
}
